import { createHash } from 'node:crypto'
import t from 'tap'
import { digestOf, VerifiedTokens } from '../../src/auth/verified-tokens.ts'

t.test('what was not asked for longest is forgotten first', async (t) => {
  const tokens = new VerifiedTokens<number>(3)
  for (const [index, name] of ['a', 'b', 'c'].entries()) tokens.set(name, index)
  t.equal(tokens.get('a'), 0)
  tokens.set('d', 3)
  t.strictSame(['a', 'b', 'c', 'd'].map((name) => tokens.get(name)), [0, undefined, 2, 3])
  tokens.set('d', 4)
  t.strictSame(['a', 'c', 'd'].map((name) => tokens.get(name)), [0, 2, 4], 'an entry that is there already takes no other room')
  tokens.delete('a')
  t.equal(tokens.get('a'), undefined)
})

t.test('a hundred thousand tokens take the room of as many as there may be', async (t) => {
  const tokens = new VerifiedTokens<number>(1_000)
  for (let index = 0; index < 100_000; index++) tokens.set(String(index), index)
  t.equal(tokens.get('98999'), undefined)
  t.equal(tokens.get('99000'), 99_000)
})

t.test('the digest is SHA-256', async (t) => {
  t.equal(digestOf('a.b.c'), createHash('sha256').update('a.b.c').digest('base64url'))
})
