import t from 'tap'
import { LineSplitter } from '../../src/core/line-splitter.ts'

t.test('lines end at line feeds and nowhere else, however the text comes', async (t) => {
  const text = '{"a":"\u2028\u2029\u0085\v\f"}\n\nÄ🙂\r\nb\rc\nlast'
  const expected = ['{"a":"\u2028\u2029\u0085\v\f"}', '', 'Ä🙂', 'b\rc', 'last']
  for (const size of [1, 2, 3, 7, 100]) {
    const splitter = new LineSplitter(1_000)
    const lines: string[] = []
    for (let at = 0; at < text.length; at += size) lines.push(...splitter.take(text.slice(at, at + size)))
    t.strictSame([...lines, splitter.end()], expected, `parts of ${size}`)
  }
})

t.test('of a line that is too long the beginning is kept, and the next one is whole', async (t) => {
  const splitter = new LineSplitter(5)
  const lines = ['12345\n12345', '6', '7'.repeat(1_000), '\nabc\n'].flatMap((part) => splitter.take(part))
  t.strictSame(lines, ['12345', '123456', 'abc'])
  t.equal(splitter.end(), '')
})
