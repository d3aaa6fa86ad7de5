import t from 'tap'
import { segmentsOf, textOf, type Segment } from '../../src/core/placeholder-text.ts'

const literal = (text: string): Segment => ({ kind: 'literal', text })
const placeholder = (inner: string): Segment => ({ kind: 'placeholder', inner })

const readings: readonly [string, Segment[]][] = [
  ['', []],
  ['plain', [literal('plain')]],
  ['${A}', [placeholder('A')]],
  ['a${A}b${B}', [literal('a'), placeholder('A'), literal('b'), placeholder('B')]],
  ['$${A}', [literal('${A}')]],
  ['$$${A}', [literal('$'), placeholder('A')]],
  ['$$$${A}', [literal('$${A}')]],
  ['$ $$ $A {}', [literal('$ $$ $A {}')]],
  ['${}', [placeholder('')]],
  ['a${A', [literal('a'), { kind: 'unclosed' }]],
  ['${A}}', [placeholder('A'), literal('}')]],
  ['${A:-x${B}', [placeholder('A:-x${B')]]
]

for (const [text, segments] of readings) {
  t.test(`${JSON.stringify(text)} is read from the left, each pair of dollars as one`, async (t) => {
    t.strictSame(segmentsOf(text), segments)
  })
}

t.test('what is written is read back as it was, whatever stands beside it', async (t) => {
  const literals = ['$', '$$', '{', '${', '$${', '${x}', 'a$', '}', '$${args.a}']
  for (const before of literals) {
    for (const after of literals) {
      const segments = [literal(before), placeholder('args.x'), literal(after)]
      t.strictSame(segmentsOf(textOf(segments)), segments, `${before} ${after}`)
      t.strictSame(segmentsOf(textOf([literal(before + after)])), [literal(before + after)])
    }
  }
})
