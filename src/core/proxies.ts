import { AddressSet, readRange, readRanges, type AddressRange } from './addresses.ts'

/**
 * Whose word about where a request came from is taken: `server.trustProxy`. True is everyone's; a text is a list with commas. The entries
 * are addresses, CIDR ranges, and the names that Fastify has for some ranges. A number of hops is none of these: it tells nothing of who
 * the peer is, so that anybody could send as many.
 */
export type TrustProxy = boolean | string | readonly string[]

const namedRanges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/** What fits as an entry, in words. */
export const proxyForm = 'an address, a CIDR range, "loopback", "linklocal" or "uniquelocal"'

export function isProxyEntry (entry: string): boolean {
  return readRange(entry) !== undefined || Object.hasOwn(namedRanges, entry)
}

/** The entries of a text. */
export function splitProxies (text: string): string[] {
  return text.split(',').map((entry) => entry.trim())
}

/** The same as Fastify takes it. Throws TypeError for an entry that is none. */
export function compileTrust (trustProxy: TrustProxy): boolean | ((address: string) => boolean) {
  if (typeof trustProxy === 'boolean') return trustProxy
  const entries = typeof trustProxy === 'string' ? splitProxies(trustProxy) : trustProxy
  const peers = new AddressSet(entries.flatMap(rangesOf))
  return (address) => peers.has(address)
}

function rangesOf (entry: string): AddressRange[] {
  return readRanges(Object.hasOwn(namedRanges, entry) ? namedRanges[entry] ?? [] : [entry])
}
