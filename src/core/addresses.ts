/** IPv4 and IPv6 addresses, as sockets and proxies write them, and sets of them. RFC 4291, RFC 4632. */

/** An address, read. What IPv6 says of an IPv4 address (`::ffff:1.2.3.4`) is that IPv4 address. */
export interface Address { readonly family: 4 | 6, readonly bits: bigint }

/** From the first to the last address of one family. */
export interface AddressRange { readonly family: 4 | 6, readonly first: bigint, readonly last: bigint }

/** Longer texts are no addresses. An address with a zone and a port is shorter. */
const maxLength = 100
/** How many answers are remembered, since the same addresses come again: about a megabyte. */
const maxRemembered = 10_000
/** The group of all that cannot be read. */
const unreadable = 'unreadable'

const ipv6AndZone = /^([^%]*:[^%]*)%[A-Za-z0-9._~-]+$/
const ipv4AndPort = /^([0-9.]+):[0-9]{1,5}$/
const ipv6InBrackets = /^\[([^[\]]+)\](?::[0-9]{1,5})?$/

/** Reads an address, abbreviated or not, with a zone or without. Undefined for anything else, such as a name. */
export function readAddress (text: string): Address | undefined {
  return text.length > maxLength ? undefined : readBare(ipv6AndZone.exec(text)?.[1] ?? text)
}

/** Reads an address as a socket tells it or a proxy forwards it: some put it into brackets, or a port behind it. */
function readForwarded (text: string): Address | undefined {
  return readAddress(ipv4AndPort.exec(text)?.[1] ?? ipv6InBrackets.exec(text)?.[1] ?? text)
}

/** Reads an address or a CIDR range, as lists hold them. Undefined for anything else. */
export function readRange (text: string): AddressRange | undefined {
  const [bare = '', prefix, ...rest] = text.split('/')
  const address = text.length > maxLength || rest.length > 0 ? undefined : readBare(bare)
  if (address === undefined) return undefined
  const { family, bits } = address
  const hostBits = prefix === undefined ? 0 : hostBitsOf(prefix, bare.includes(':') ? 128 : 32)
  // Behind an IPv4 address in IPv6, a prefix that reaches beyond all of them was meant for its plain form.
  if (hostBits < 0 || hostBits > (family === 4 ? 32 : 128)) return undefined
  const host = (1n << BigInt(hostBits)) - 1n
  return { family, first: bits & ~host, last: bits | host }
}

/** The ranges of a list. Throws TypeError for an entry that is none. */
export function readRanges (texts: readonly string[]): AddressRange[] {
  return texts.map((text) => {
    const range = readRange(text)
    if (range === undefined) throw new TypeError(`Expected an address or a CIDR range, found ${JSON.stringify(text)}.`)
    return range
  })
}

/** A set of addresses. Asking it costs the same however large it is. */
export class AddressSet {
  readonly #ranges: Readonly<Record<4 | 6, readonly AddressRange[]>>
  readonly #remembered = new Map<string, boolean>()

  constructor (ranges: readonly AddressRange[]) {
    this.#ranges = { 4: merged(ranges, 4), 6: merged(ranges, 6) }
  }

  /** Whether an address, in any form that can be read, is in the set. What cannot be read is not. */
  has (text: string | undefined): boolean {
    if (text === undefined) return false
    return this.#remembered.get(text) ?? remember(this.#remembered, text, this.#find(text))
  }

  #find (text: string): boolean {
    const address = readForwarded(text)
    if (address === undefined) return false
    const ranges = this.#ranges[address.family]
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ranges[middle]?.last ?? 0n) < address.bits) low = middle + 1
      else high = middle
    }
    const range = ranges[low]
    return range !== undefined && range.first <= address.bits
  }
}

/**
 * Whom an address stands for where callers are counted: an IPv4 address for itself, an IPv6 address for its /64, since a single customer
 * of a provider has at least as many. All that cannot be read are one.
 */
export function groupOf (text: string | undefined): string {
  if (text === undefined) return unreadable
  return groups.get(text) ?? remember(groups, text, findGroup(text))
}

const groups = new Map<string, string>()

function findGroup (text: string): string {
  const address = readForwarded(text)
  if (address === undefined) return unreadable
  const { family, bits } = address
  if (family === 6) return `${[112n, 96n, 80n, 64n].map((shift) => (bits >> shift & 0xffffn).toString(16)).join(':')}::/64`
  return [24n, 16n, 8n, 0n].map((shift) => bits >> shift & 0xffn).join('.')
}

function remember<Answer> (known: Map<string, Answer>, text: string, answer: Answer): Answer {
  if (text.length > maxLength) return answer
  if (known.size >= maxRemembered) known.clear() // Whoever still calls is remembered again.
  known.set(text, answer)
  return answer
}

function readBare (text: string): Address | undefined {
  if (!text.includes(':')) {
    const bits = readIPv4(text)
    return bits === undefined ? undefined : { family: 4, bits }
  }
  const bits = readIPv6(text)
  if (bits === undefined) return undefined
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits }
}

/** Four decimal numbers. Octal and shortened forms, which programs read in different ways, are none. */
function readIPv4 (text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) return undefined
  return BigInt(parts.reduce((value, part) => value * 256 + Number(part), 0))
}

/** RFC 4291 section 2.2: groups of 16 bits, `::` for one or more that are zero, the last two as an IPv4 address if need be. */
function readIPv6 (text: string): bigint | undefined {
  const hexadecimal = text.includes('.') ? withoutDots(text) : text
  const [left = [], right, ...rest] = (hexadecimal ?? ':').split('::').map((half) => half === '' ? [] : half.split(':'))
  const missing = 8 - left.length - (right?.length ?? 0)
  if (rest.length > 0 || (right === undefined ? missing !== 0 : missing < 1)) return undefined
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right ?? []]
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`)
}

function withoutDots (text: string): string | undefined {
  const end = text.lastIndexOf(':') + 1
  const bits = readIPv4(text.slice(end))
  return bits === undefined ? undefined : `${text.slice(0, end)}${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`
}

/** How many bits a prefix leaves open; less than none when it is no prefix of an address of this size. */
function hostBitsOf (prefix: string, size: number): number {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(prefix) ? size - Number(prefix) : -1
}

/** The ranges of a family in their order, with none that overlap. */
function merged (ranges: readonly AddressRange[], family: 4 | 6): AddressRange[] {
  const ordered = ranges.filter((range) => range.family === family).sort((a, b) => a.first < b.first ? -1 : a.first > b.first ? 1 : 0)
  const result: AddressRange[] = []
  for (const range of ordered) {
    const before = result.at(-1)
    if (before === undefined || range.first > before.last) result.push(range)
    else if (range.last > before.last) result[result.length - 1] = { ...before, last: range.last }
  }
  return result
}
