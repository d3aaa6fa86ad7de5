import t from 'tap'
import { claimAt, wordsAt } from '../../src/auth/claims.ts'

const claims = JSON.parse('{"scope":"a  b","scp":["c","d e",1,null,{}],"realm":{"roles":["e"],"deep":{"er":"f"}},"https://example.com/roles":["g"],"realm.roles":["h"],"number":7,"none":null,"__proto__":{"polluted":"i"}}') as Record<string, unknown>

const words: readonly [promise: string, path: string, expected: string[]][] = [
  ['a text is its words', 'scope', ['a', 'b']],
  ['a list is its texts, as they are', 'scp', ['c', 'd e']],
  ['dots lead inside', 'realm.deep.er', ['f']],
  ['a claim of the whole name comes first', 'realm.roles', ['h']],
  ['a name may be a URL', 'https://example.com/roles', ['g']],
  ['what is not there has no words', 'missing.at.all', []],
  ['a number has no words', 'number', []],
  ['null has no words', 'none', []],
  ['nothing is inside of null', 'none.deeper', []],
  ['nothing is inside of a text', 'scope.length', []],
  ['what every object has is no claim', 'constructor.name', []],
  ['nor what every list has', 'scp.length', []],
  ['an empty path is no claim', '', []]
]
for (const [promise, path, expected] of words) t.test(promise, async (t) => { t.strictSame(wordsAt(claims, path), expected) })

t.test('a claim is found as it is', async (t) => {
  t.equal(claimAt(claims, 'number'), 7)
  t.equal(claimAt(claims, 'toString'), undefined)
})
