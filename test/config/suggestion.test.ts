import t from 'tap'
import { closestWord, didYouMean } from '../../src/config/suggestion.ts'

const words = ['name', 'description', 'inputSchema', 'rateLimit', 'GET', 'DELETE', 'x']

const guesses: readonly [string, string | undefined][] = [
  ['nmae', 'name'], ['nam', 'name'], ['names', 'name'], ['desciption', 'description'], ['input_schema', 'inputSchema'], ['input-schema', 'inputSchema'], ['INPUTSCHEMA', 'inputSchema'],
  ['ratelimits', 'rateLimit'], ['get', 'GET'], ['delet', 'DELETE'],
  ['zebra', undefined], ['y', undefined], ['ab', undefined], ['', undefined], ['n'.repeat(100), undefined], ['title', undefined]
]
for (const [word, meant] of guesses) {
  t.test(`${JSON.stringify(word.slice(0, 20))} ${meant === undefined ? 'is like nothing' : `means ${meant}`}`, async (t) => {
    t.equal(closestWord(word, words), meant)
  })
}

t.test('a word is never suggested for itself', async (t) => {
  t.strictSame(didYouMean('name', words), {})
  t.strictSame(didYouMean('Name', words), { suggestion: 'Did you mean "name"?' })
})
