import { createHmac, createSecretKey, hash } from 'node:crypto'

/**
 * The lines of an audit file are a chain: each carries its number, the seal of the line before it and its own, which is made over all
 * of its text up to there. A line is ASCII, so that its characters are its bytes.
 */

/** One line of the chain, as the next one needs it. */
export interface Link { readonly seq: number, readonly seal: string }

/** What the first line comes after. */
export const beginning: Link = { seq: 0, seal: '0'.repeat(64) }

/** Makes the seals: SHA-256, or HMAC-SHA-256 where there is a key. */
export interface Sealer {
  /** What the member is called: a reader sees which of the two it has. */
  readonly member: 'hash' | 'mac'
  /** 64 hexadecimal digits. */
  seal (text: string): string
}

export const plainSealer: Sealer = { member: 'hash', seal: (text) => hash('sha256', text, 'hex') }

/** Who does not have the key can neither make a line nor change one. */
export function keyedSealer (key: string): Sealer {
  const secret = createSecretKey(Buffer.from(key, 'utf8'))
  return { member: 'mac', seal: (text) => createHmac('sha256', secret).update(text, 'utf8').digest('hex') }
}

export interface SealedLine { readonly line: string, readonly link: Link }

/** Makes the line that comes after another one. `members` is what it says: the inside of a JSON object, in ASCII. */
export function sealLine (members: string, last: Link, { member, seal }: Sealer): SealedLine {
  const seq = last.seq + 1
  const body = `${lineStart}${seq},${members},"previous":"${last.seal}"`
  const link = { seq, seal: seal(body) }
  return { line: `${body},"${member}":"${link.seal}"}\n`, link }
}

/** A line that was read, in its parts. Nothing of it is checked but its form. */
export interface ReadLine extends Link {
  readonly previous: string
  readonly member: Sealer['member']
  /** What the seal was made over. */
  readonly body: string
  /** What it says: the inside of a JSON object. */
  readonly members: string
}

/** How every line begins. */
export const lineStart = '{"seq":'

// No text of a client can look like this end: quotes inside of JSON texts are escaped.
const form = /^(\{"seq":([1-9]\d{0,15}),(.*),"previous":"([0-9a-f]{64})"),"(hash|mac)":"([0-9a-f]{64})"\}$/

/** Reads a line without its line break. Undefined for what is no line of an audit file. */
export function readLine (text: string): ReadLine | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, body = '', seq, members = '', previous = '', member, seal = ''] = match
  return { seq: Number(seq), seal, previous, member: member as Sealer['member'], body, members }
}
