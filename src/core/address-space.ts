/**
 * Which addresses are out on the internet, and which lead to this machine, its network or its cloud. After the IANA special-purpose address
 * registries (RFC 6890); all of IPv6 that is not assigned as global unicast counts as closed.
 */
import { AddressSet, readAddress, readRanges } from './addresses.ts'

const loopbackRanges = ['127.0.0.0/8', '::1']
/** Where services live that are not for the public: RFC 1918, RFC 6598 (shared by providers), RFC 4193. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']
const closedRanges = [
  ...loopbackRanges,
  ...privateRanges,
  '0.0.0.0/8', // this host, this network
  '169.254.0.0/16', // link-local, and the metadata services of clouds
  '168.63.129.16', // the platform of Azure: outside of every reserved range, and only to be reached from its machines
  '192.0.0.0/24', // protocol assignments; the metadata service of Oracle
  '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '198.18.0.0/15', // benchmarks
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/3', '4000::/2', '8000::/1', // all that is not 2000::/3: unspecified, compatible, translated, link-local, site-local, multicast, reserved
  '2001::/23', // protocol assignments; Teredo carries an IPv4 address of the sender's choice
  '2001:db8::/32', '3fff::/20', // documentation
  '2002::/16' // 6to4 carries an IPv4 address
]

const closed = new AddressSet(readRanges(closedRanges))

export const loopbackAddresses = new AddressSet(readRanges(loopbackRanges))
export const privateAddresses = new AddressSet(readRanges([...loopbackRanges, ...privateRanges]))

/** The well-known prefix of NAT64, as its upper 96 bits: RFC 6052 section 2.1. */
const nat64 = 0x64_ff9bn << 64n
/** The upper half of an interface id of ISATAP, without the bit that says whether its IPv4 address is unique: RFC 5214 section 6.1. */
const isatap = 0x5efen

/** Whether an address is out on the internet, whatever it is written as or carried in. What cannot be read is not. */
export function isPublicAddress (text: string): boolean {
  const address = readAddress(text)
  if (address === undefined) return false
  const { family, bits } = address
  if (family === 4) return !closed.has(text)
  const carried = dotted(bits & 0xffff_ffffn)
  if (bits >> 32n === nat64) return !closed.has(carried)
  return !closed.has(text) && !((bits >> 32n & 0xfdff_ffffn) === isatap && closed.has(carried))
}

function dotted (bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => bits >> shift & 0xffn).join('.')
}
