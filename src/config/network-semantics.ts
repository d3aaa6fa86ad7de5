import { AddressSet, readRange, readRanges } from '../core/addresses.ts'
import { isLoopback } from '../core/origin.ts'
import { isProxyEntry, proxyForm, splitProxies } from '../core/proxies.ts'
import { elements, member, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

/** Faults of where the server listens, and whom it believes and serves there. */

interface NetworkContext {
  mask: Mask
  /** The environment variable that decided a place, if one did. */
  variableOf (path: Path): string | undefined
}

const listPath: Path = ['security', 'ipWhitelist']
const allowPrivatePath: Path = ['server', 'upstreams', 'allowPrivate']
const proxyPath: Path = ['server', 'trustProxy']

export function networkFaults (config: unknown, context: NetworkContext): Fault[] {
  return [
    ...unreadableAddresses(config, listPath, context.mask),
    ...unreadableAddresses(config, allowPrivatePath, context.mask),
    ...unreadableProxies(config, context.mask),
    ...listThatCallersDecide(config),
    ...publicWithoutAuthentication(config, context)
  ]
}

export function networkNotices (config: unknown, { mask }: NetworkContext): Notice[] {
  return [...widerThanWritten(config, mask), ...believedByAll(config), ...listWithoutThisMachine(config)]
}

function unreadableAddresses (config: unknown, list: Path, mask: Mask): Fault[] {
  return elements(valueAt(config, list)).flatMap((entry, index) => {
    const path: Path = [...list, index]
    if (typeof entry !== 'string' || entry === '' || readRange(entry) !== undefined) return []
    return [unreadable(path, entry, 'an address or a CIDR range', mask)]
  })
}

function unreadableProxies (config: unknown, mask: Mask): Fault[] {
  const value = valueAt(config, proxyPath)
  if (typeof value === 'string') return value === '' || splitProxies(value).every(isProxyEntry) ? [] : [unreadable(proxyPath, value, `${proxyForm}, or several with commas`, mask)]
  return elements(value).flatMap((entry, index) => {
    return typeof entry !== 'string' || entry === '' || isProxyEntry(entry) ? [] : [unreadable([...proxyPath, index], entry, proxyForm, mask)]
  })
}

function unreadable (path: Path, text: string, expected: string, mask: Mask): Fault {
  const found = mask(path) ?? quote(text)
  return { path, message: `Expected ${expected}, found ${found}.`, found, expected }
}

/** Who believes everyone about the address takes the caller's word for it. */
function listThatCallersDecide (config: unknown): Fault[] {
  if (valueAt(config, proxyPath) !== true || valueAt(config, listPath) === undefined || isLocal(config)) return []
  return [{
    path: proxyPath,
    message: 'With true, callers themselves say which address they come from, so that "security.ipWhitelist" would keep nobody out.',
    expected: 'the addresses of the proxies in front',
    suggestion: 'Name the proxies: "trustProxy": ["10.0.0.0/8"].'
  }]
}

function believedByAll (config: unknown): Notice[] {
  if (valueAt(config, proxyPath) !== true) return []
  if (!isLocal(config)) return [{ path: proxyPath, message: '"server.trustProxy" is true: whoever reaches the server says which address it comes from, so that limits for each address hold nobody. Name the proxies in front.' }]
  if (valueAt(config, listPath) === undefined) return []
  return [{ path: proxyPath, message: '"server.trustProxy" is true: "security.ipWhitelist" looks at the first address that callers send, unless the proxy removes it. Write "loopback" for a proxy on this machine.' }]
}

/** A server that only this machine reaches sees no other address, but for what a proxy tells. */
function listWithoutThisMachine (config: unknown): Notice[] {
  const entries = elements(valueAt(config, listPath)).filter((entry) => typeof entry === 'string' && readRange(entry) !== undefined) as string[]
  if (entries.length === 0 || !isLocal(config) || (valueAt(config, proxyPath) ?? false) !== false) return []
  const listed = new AddressSet(readRanges(entries))
  if (listed.has('127.0.0.1') || listed.has('::1')) return []
  return [{ path: listPath, message: 'The server listens to this machine only, whose address "security.ipWhitelist" does not hold: nobody would be served. If a proxy is in front, write "server": { "trustProxy": "loopback" }.' }]
}

function widerThanWritten (config: unknown, mask: Mask): Notice[] {
  return elements(valueAt(config, listPath)).flatMap((entry, index) => {
    const path: Path = [...listPath, index]
    const [address = ''] = typeof entry === 'string' ? entry.split('/') : []
    const [whole, single] = [typeof entry === 'string' ? readRange(entry) : undefined, readRange(address)]
    if (whole === undefined || single === undefined || whole.first === single.first) return []
    return [{ path, message: `${mask(path) ?? quote(String(entry))} in "security.ipWhitelist" stands for its whole range, not for the one address before the slash.` }]
  })
}

function publicWithoutAuthentication (config: unknown, { mask, variableOf }: NetworkContext): Fault[] {
  const host = member(config, 'host')
  const authentication = valueAt(config, ['security', 'authentication'])
  if (typeof host !== 'string' || isLoopback(host)) return []
  if (authentication !== undefined && member(authentication, 'enabled') !== false) return []
  if (member(authentication, 'acceptRisk') === true) return []
  const variable = variableOf(['host'])
  const shown = mask(['host']) ?? quote(host)
  return [{
    path: ['host'],
    message: `${variable === undefined ? `The host ${shown}` : `${variable} is ${shown}, which`} can be reached from other machines, and nobody has to show who they are.`,
    found: shown,
    expected: 'a loopback address, such as "127.0.0.1"',
    suggestion: 'Use "127.0.0.1", or, if everyone who reaches this address may call every tool, write "security": { "authentication": { "enabled": false, "acceptRisk": true } }.'
  }]
}

function isLocal (config: unknown): boolean {
  const host = member(config, 'host')
  return typeof host !== 'string' || isLoopback(host)
}
