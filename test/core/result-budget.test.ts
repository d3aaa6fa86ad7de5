import t, { type Test } from 'tap'
import { cutKey, cutText, cutWithin, fits, refuseTooLarge } from '../../src/core/result-budget.ts'
import type { CallToolResult } from '../../schemas/mcp.ts'

const write = (result: CallToolResult): string => JSON.stringify(result)
const text = (value: string): CallToolResult['content'][number] => ({ type: 'text', text: value })
const image = (size: number): CallToolResult['content'][number] => ({ type: 'image', mimeType: 'image/png', data: 'A'.repeat(size) })

const halfOfPair = /\p{Surrogate}/u

/** Cuts a result, checks that it fits, and gives it as it is sent. */
function cut (t: Test, result: CallToolResult, maxBytes: number): CallToolResult {
  const whole = write(result)
  t.notOk(fits(whole, maxBytes), 'it has to be cut')
  const sent = cutWithin(result, whole, { owner: 'work', maxBytes }, write)
  t.ok(Buffer.byteLength(sent) <= maxBytes, `${Buffer.byteLength(sent)} of ${maxBytes} bytes`)
  t.equal(Buffer.from(sent).toString(), sent, 'it is valid UTF-8')
  return JSON.parse(sent) as CallToolResult
}

t.test('what fits to the byte fits, in every alphabet', async (t) => {
  for (const piece of ['x', 'é', '語', '😀', '"', '\n', '\u0001', '\ud83d']) {
    const json = JSON.stringify(piece.repeat(50))
    const bytes = Buffer.byteLength(json)
    t.ok(fits(json, bytes), JSON.stringify(piece))
    t.notOk(fits(json, bytes - 1), JSON.stringify(piece))
    t.equal(refuseTooLarge(json, bytes, 'it'), json)
    t.throws(() => refuseTooLarge(json, bytes - 1, 'the prompt p'), { code: 'MCP_RESULT_TOO_LARGE', message: new RegExp(`the prompt p has ${bytes} bytes; ${bytes - 1} may be sent`) })
  }
})

t.test('text is cut between characters, to the last byte there is room for, and says so', async (t) => {
  for (const piece of ['x', 'é', '語', '😀', '"', '\\', '\n', '\u0001', 'a\u{1F600}"語\u0002', '\ud83d']) {
    for (let maxBytes = 1024; maxBytes < 1024 + 12; maxBytes++) {
      const whole = piece.repeat(2000)
      const { content, _meta } = cut(t, { content: [text(whole)] }, maxBytes)
      t.equal(content.length, 2)
      const [kept = '', note = ''] = content.map((block) => block.type === 'text' ? block.text : '')
      t.ok(whole.startsWith(kept) && kept.length > 50, JSON.stringify(piece))
      if (piece !== '\ud83d') t.notMatch(kept, halfOfPair)
      const left = Buffer.byteLength(whole) - Buffer.byteLength(kept)
      t.match(note, `${left} bytes of text had to be left out`)
      const bytes = Buffer.byteLength(write({ content: [text(whole)] }))
      t.strictSame(_meta, { [cutKey]: { bytes, maxBytes, textBytes: left, blocks: 0 } })
    }
  }
})

t.test('nothing more could have been kept', async (t) => {
  const sent = JSON.stringify(cut(t, { content: [text('x'.repeat(5000))] }, 2000))
  // Room is kept for counts with as many digits as the size of the whole has.
  t.ok(2000 - sent.length <= 8, `${sent.length} of 2000 bytes are used`)
})

t.test('what is no text is left out whole, and what comes after it has its room', async (t) => {
  const { content, _meta } = cut(t, { content: [text('first'), image(5000), text('second'), { type: 'audio', mimeType: 'audio/wav', data: 'B'.repeat(9000) }, { type: 'resource', resource: { uri: 'a:b', text: 'y'.repeat(4000) } }, image(12)] }, 2048)
  t.strictSame(content.slice(0, -1), [text('first'), text('second'), image(12)])
  t.match(content.at(-1), { text: /3 blocks that are no text had to be left out/ })
  t.match(_meta, { [cutKey]: { textBytes: 0, blocks: 3 } })
  const one = cut(t, { content: [image(5000)] }, 1024)
  t.match(one.content, [{ text: /: 1 block that is no text had/ }])
})

t.test('links, structured content, metadata and failure stay as they are', async (t) => {
  const link = { type: 'resource_link' as const, uri: 'a:b', name: 'the whole' }
  const structuredContent = { rows: ['語'.repeat(100)] }
  const sent = cut(t, { content: [text('z'.repeat(4000)), link], structuredContent, isError: true, _meta: { mine: 1 } }, 2048)
  t.match(sent, { structuredContent, isError: true, _meta: { mine: 1, [cutKey]: {} } })
  t.strictSame(sent.content[1], link)
  t.equal(sent.content.length, 3)
})

t.test('what cannot be cut is an error that tells the sizes', async (t) => {
  const budget = { owner: 'work', maxBytes: 1024 }
  const tooLarge: CallToolResult[] = [
    { content: [], structuredContent: { a: 'x'.repeat(2000) } },
    { content: [text('x'.repeat(2000))], structuredContent: ['x'.repeat(1000)] },
    { content: [], _meta: { a: 'x'.repeat(2000) } },
    { content: Array.from({ length: 50 }, () => ({ type: 'resource_link' as const, uri: 'a:b', name: 'n' })) }
  ]
  for (const result of tooLarge) {
    const whole = write(result)
    t.throws(() => cutWithin(result, whole, budget, write), { code: 'MCP_RESULT_TOO_LARGE', status: 500, data: { bytes: whole.length, maxBytes: 1024 }, message: /result of work has \d+ bytes; 1024 may be sent, and it cannot be cut/ })
  }
})

t.test('what went in is not changed', async (t) => {
  const block = Object.freeze({ type: 'text' as const, text: 'x'.repeat(5000), _meta: Object.freeze({ a: 1 }) })
  const result = Object.freeze({ content: Object.freeze([block]) as unknown as CallToolResult['content'], _meta: Object.freeze({ b: 2 }) })
  t.match(cut(t, result, 1024), { content: [{ _meta: { a: 1 } }, { type: 'text' }], _meta: { b: 2 } })
})

t.test('a text by itself is cut in the same way', async (t) => {
  t.equal(cutText('short', 1024), 'short')
  for (const piece of ['x', '"', '語', '😀', '\u0001']) {
    const shown = cutText(piece.repeat(3000), 1024)
    t.match(shown, new RegExp(`This text was cut: it has ${Buffer.byteLength(piece) * 3000} bytes`))
    t.notMatch(shown, halfOfPair)
    const bytes = Buffer.byteLength(JSON.stringify(shown)) - 2
    t.ok(bytes <= 1024 && bytes > 1024 - 8, `${bytes}`)
  }
})
