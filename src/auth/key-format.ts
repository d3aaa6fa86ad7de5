import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { createKeyDigest } from './key-digest.ts'

/**
 * What a key of ours looks like: `gantry_`, 256 random bits in base 62, and a checksum of all that. Scanners for secrets know it by its
 * beginning, and what was mistyped or cut off is told from what is unknown. Keys of any other form are accepted as well.
 */

const prefix = 'gantry_'
const randomLength = 32
/** Digits that hold 256 bits, and those that hold a CRC-32. */
const secretDigits = 43
const checksumDigits = 6
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Makes a key. Nothing keeps it. */
export function createKey (): string {
  const secret = `${prefix}${inBase62(BigInt(`0x${randomBytes(randomLength).toString('hex')}`), secretDigits)}`
  return `${secret}${checksumOf(secret)}`
}

/** Whether a key begins like one of ours and yet is none. */
export function isMistyped (key: string): boolean {
  if (!key.startsWith(prefix)) return false
  return key.slice(-checksumDigits) !== checksumOf(key.slice(0, -checksumDigits)) || key.length !== prefix.length + secretDigits + checksumDigits
}

/** What an entry has in the place of its key: 64 hexadecimal digits. It fits under the same salt only. */
export function hashKey (key: string, salt: string): string {
  return createKeyDigest(salt)(key).toString('hex')
}

function checksumOf (text: string): string {
  return inBase62(BigInt(crc32(text)), checksumDigits)
}

function inBase62 (value: bigint, length: number): string {
  let text = ''
  for (let left = value; left > 0n; left /= 62n) text = `${digits[Number(left % 62n)] ?? ''}${text}`
  return text.padStart(length, '0')
}
