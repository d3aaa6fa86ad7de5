import { createHash } from 'node:crypto'
import t from 'tap'
import { createArgumentDigest } from '../../src/audit/arguments.ts'
import { keyedSealer, plainSealer } from '../../src/audit/chain.ts'
import type { JsonObject } from '../../src/core/ports.ts'

const same = (text: string): string => text
const digest = createArgumentDigest({ sealer: plainSealer, include: false, redact: same })
const include = createArgumentDigest({ sealer: plainSealer, include: true, redact: same })
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

t.test('the digest is SHA-256 over canonical JSON, and all that there is', async (t) => {
  t.strictSame(digest({ b: 'ü', a: [1, { d: null, c: true }] }), { digest: sha256('{"a":[1,{"c":true,"d":null}],"b":"ü"}') })
  t.strictSame(digest({}), { digest: sha256('{}') })
})

t.test('equal arguments have one digest, however they are ordered, and different ones have different ones', async (t) => {
  t.strictSame(digest({ a: 1, b: { c: 2, d: 3 } }), digest({ b: { d: 3, c: 2 }, a: 1 }))
  const all: JsonObject[] = [{}, { a: 1 }, { a: '1' }, { a: [1] }, { a: null }, { a: [2, 1] }, { a: [1, 2] }, { a: { 0: 1 } }]
  t.equal(new Set(all.map((args) => digest(args).digest)).size, all.length)
})

t.test('under a key nobody can find arguments by trying', async (t) => {
  const keyed = createArgumentDigest({ sealer: keyedSealer('a key of sixteen characters'), include: false, redact: same })
  t.not(keyed({ pin: 1234 }).digest, digest({ pin: 1234 }).digest)
  t.strictSame(keyed({ pin: 1234 }), keyed({ pin: 1234 }))
})

t.test('asked for, the arguments themselves are there, as JSON in ASCII', async (t) => {
  t.equal(include({ a: 1, b: ['é\u2028'] }).text, '{"a":1,"b":["\\u00e9\\u2028"]}')
  t.equal(include({}).text, '{}')
})

t.test('members that hold secrets by their names are left out, however deep', async (t) => {
  const { text = '' } = include({ user: 'ann', password: 'p', nested: [{ apiKey: 'k', api_key: { a: 'k' }, 'X-Api-Key': 'k', accessToken: 'k', clientSecret: 1, Authorization: 'k', cookie: 'k', passphrase: 'k', privateKey: 'k' }], note: 'n' })
  t.strictSame(JSON.parse(text), {
    user: 'ann',
    password: '[redacted]',
    nested: [Object.fromEntries(['apiKey', 'api_key', 'X-Api-Key', 'accessToken', 'clientSecret', 'Authorization', 'cookie', 'passphrase', 'privateKey'].map((name) => [name, '[redacted]']))],
    note: 'n'
  })
})

t.test('configured secrets are taken out of values', async (t) => {
  const redacting = createArgumentDigest({ sealer: plainSealer, include: true, redact: (text) => text.replaceAll('hunter22', '[redacted]') })
  t.equal(redacting({ a: 'it is hunter22', b: ['hunter22'] }).text, '{"a":"it is [redacted]","b":["[redacted]"]}')
})

t.test('large arguments are only named by their digest and their size', async (t) => {
  const { text, omittedBytes, digest: found } = include({ a: 'x'.repeat(10_000) })
  t.strictSame([text, omittedBytes, found], [undefined, 10_008, digest({ a: 'x'.repeat(10_000) }).digest])
})

t.test('arguments that are nested beyond all measure are recorded no less', async (t) => {
  let deep: JsonObject = {}
  for (let depth = 0; depth < 200_000; depth++) deep = { deep }
  for (const make of [digest, include]) t.match(make(deep), { digest: /^[0-9a-f]{64}$/, text: undefined })
})
