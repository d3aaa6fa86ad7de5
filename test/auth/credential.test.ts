import t from 'tap'
import { readCredential } from '../../src/auth/credential.ts'

const cases: readonly [promise: string, headers: Record<string, string>, kind: string, value?: string][] = [
  ['no header shows nothing', {}, 'none'],
  ['a bearer token is read', { authorization: 'Bearer abc' }, 'bearer', 'abc'],
  ['the scheme may have any letter case', { authorization: 'bEARER abc' }, 'bearer', 'abc'],
  ['more than one space is borne', { authorization: 'Bearer   abc' }, 'bearer', 'abc'],
  ['the named header is read', { 'x-api-key': 'abc' }, 'header', 'abc'],
  ['both headers may say the same', { authorization: 'Bearer abc', 'x-api-key': 'abc' }, 'bearer', 'abc'],
  ['two different credentials count for nothing', { authorization: 'Bearer abc', 'x-api-key': 'def' }, 'conflicting'],
  ['another scheme shows nothing of ours', { authorization: 'Basic abc' }, 'foreign'],
  ['another scheme is not helped by a key beside it', { authorization: 'Basic abc', 'x-api-key': 'abc' }, 'foreign'],
  ['a scheme that only begins like ours is another', { authorization: 'Bearers abc' }, 'foreign'],
  ['an empty header shows nothing of ours', { authorization: '' }, 'foreign'],
  ['a token alone shows nothing of ours', { authorization: 'abc' }, 'foreign'],
  ['a scheme alone is malformed', { authorization: 'Bearer' }, 'malformed'],
  ['a scheme and a space are malformed', { authorization: 'Bearer ' }, 'malformed'],
  ['a token with a space in it is malformed', { authorization: 'Bearer abc def' }, 'malformed'],
  ['a token with a line break is malformed', { authorization: 'Bearer abc\n' }, 'malformed'],
  ['a token that is not ASCII is malformed', { authorization: 'Bearer äbc' }, 'malformed'],
  ['a tab is no space', { authorization: 'Bearer\tabc' }, 'malformed'],
  ['a malformed one is not helped by a key beside it', { authorization: 'Bearer', 'x-api-key': 'abc' }, 'malformed'],
  ['an empty named header is a key that nobody has', { 'x-api-key': '' }, 'header', '']
]
for (const [promise, headers, kind, value] of cases) {
  t.test(promise, async (t) => {
    t.strictSame(readCredential(headers, 'x-api-key'), value === undefined ? { kind } : { kind, value })
  })
}

t.test('where keys have no header of their own, it may hold anything', async (t) => {
  t.strictSame(readCredential({ 'x-api-key': 'abc' }, undefined), { kind: 'none' })
  t.strictSame(readCredential({ 'x-api-key': 'abc', authorization: 'Bearer def' }, undefined), { kind: 'bearer', value: 'def' })
})
