import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { createKey, hashKey, isMistyped } from '../../src/auth/key-format.ts'

t.test('a key begins with a word that scanners know, and is letters and digits', async (t) => {
  for (let n = 0; n < 200; n++) t.match(createKey(), /^gantry_[0-9A-Za-z]{49}$/)
})

t.test('no two keys are alike, and every bit of 256 is drawn', async (t) => {
  const keys = Array.from({ length: 400 }, createKey)
  t.equal(new Set(keys).size, keys.length)
  const values = keys.map((key) => fromBase62(key.slice('gantry_'.length, -6)))
  const stuck = Array.from({ length: 256 }, (_, bit) => bit).filter((bit) => {
    const ones = values.filter((value) => (value >> BigInt(bit) & 1n) === 1n).length
    return ones < 100 || ones > 300 // which a fair bit does once in 10^20 times
  })
  t.strictSame(stuck, [])
  t.ok(values.every((value) => value < 2n ** 256n))
})

t.test('a key that was mistyped, cut off or added to is told from one of ours, and from those of others', async (t) => {
  for (let n = 0; n < 50; n++) {
    const key = createKey()
    t.equal(isMistyped(key), false)
    const place = 7 + n % 49
    const other = key[place] === 'A' ? 'B' : 'A'
    for (const wrong of [`${key.slice(0, place)}${other}${key.slice(place + 1)}`, key.slice(0, -1), key.slice(0, 10), `${key}A`, `${key} `, key.toLowerCase() === key ? `${key}x` : key.toLowerCase(), 'gantry_']) t.equal(isMistyped(wrong), true, wrong)
  }
  for (const foreign of ['', 'secret', 'GANTRY_x', ' gantry_x', 'sk-1234567890', 'gantry-x']) t.equal(isMistyped(foreign), false, foreign)
})

t.test('a checksum by itself makes no key of ours', async (t) => {
  for (const length of [0, 10, 42, 44]) {
    const secret = `gantry_${'A'.repeat(length)}`
    t.equal(isMistyped(`${secret}${inBase62(crc32(secret))}`), true, `${length} digits`)
  }
  const secret = `gantry_${'A'.repeat(43)}`
  t.equal(isMistyped(`${secret}${inBase62(crc32(secret))}`), false, 'of the right length it is one')
})

t.test('two characters that changed places are noticed', async (t) => {
  const key = createKey()
  const unnoticed = Array.from({ length: 48 }, (_, index) => index + 7).filter((place) => {
    const swapped = `${key.slice(0, place)}${key[place + 1] ?? ''}${key[place] ?? ''}${key.slice(place + 2)}`
    return swapped !== key && !isMistyped(swapped)
  })
  t.strictSame(unnoticed, [])
})

t.test('the hash is that of the server: HMAC-SHA-256 under the salt, in hexadecimal', async (t) => {
  for (const [key, salt] of [['gantry_abc', 'salt'], ['κλειδί', 'a'.repeat(200)], ['x', 'ü']] as const) t.equal(hashKey(key, salt), createHmac('sha256', salt).update(key).digest('hex'))
})

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function inBase62 (value: number): string {
  return Array.from({ length: 6 }, (_, index) => digits[Math.floor(value / 62 ** (5 - index)) % 62]).join('')
}

function fromBase62 (text: string): bigint {
  return [...text].reduce((value, digit) => value * 62n + BigInt(digits.indexOf(digit)), 0n)
}
