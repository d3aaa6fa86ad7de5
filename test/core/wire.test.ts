import t from 'tap'
import { revisions, type Revision } from '../../src/core/versions.ts'
import { createWire } from '../../src/core/wire.ts'
import type { CallToolResult, JsonObject } from '../../schemas/mcp.ts'

const serverInfo = { name: 'test "server"', version: '1' }
const wire = createWire(serverInfo)
const unbounded = { owner: 'test', maxBytes: Infinity }
const identity = { 'io.modelcontextprotocol/serverInfo': serverInfo }

function toolResult (result: CallToolResult, revision: Revision, wrapped = false): JsonObject {
  return JSON.parse(wire.toolResult(result, revision, wrapped, unbounded)) as JsonObject
}
/** What each revision makes of one thing. */
function inEach<Value> (make: (revision: Revision) => Value): Record<string, Value> {
  return Object.fromEntries(revisions.map((revision) => [revision, make(revision)]))
}
const text = { type: 'text' as const, text: 'x' }

t.test('results of 2026 say that they are complete and whose they are; older ones do not know that', async (t) => {
  t.strictSame(inEach((revision) => JSON.parse(wire.result({ a: 1 }, revision)) as unknown), {
    '2024-11-05': { a: 1 },
    '2025-03-26': { a: 1 },
    '2025-06-18': { a: 1 },
    '2025-11-25': { a: 1 },
    '2026-07-28': { resultType: 'complete', _meta: identity, a: 1 }
  })
  t.strictSame(JSON.parse(wire.result({}, '2026-07-28')), { resultType: 'complete', _meta: identity })
  t.equal(wire.result({}, '2025-11-25'), '{}')
})

t.test('hints for caching are for 2026 alone', async (t) => {
  const hint = { ttlMs: 5, cacheScope: 'private' as const }
  t.strictSame(JSON.parse(wire.result({ a: 1 }, '2026-07-28', hint)), { resultType: 'complete', _meta: identity, a: 1, ttlMs: 5, cacheScope: 'private' })
  t.strictSame(JSON.parse(wire.result({ a: 1 }, '2025-11-25', hint)), { a: 1 })
})

t.test('the _meta of a result is kept, and cannot pose as another server', async (t) => {
  const posing = { content: [], _meta: { mine: 1, 'io.modelcontextprotocol/serverInfo': { name: 'other' } } }
  t.strictSame(toolResult(posing, '2026-07-28'), { resultType: 'complete', content: [], _meta: { mine: 1, ...identity } })
  t.strictSame(toolResult({ content: [], _meta: { mine: 1 } }, '2025-11-25'), { content: [], _meta: { mine: 1 } })
})

t.test('no key comes twice', async (t) => {
  for (const value of [{}, { a: 1 }, { _meta: {} }, { _meta: undefined, a: 1 }]) {
    const written = wire.result(value, '2026-07-28', { ttlMs: 1, cacheScope: 'public' })
    t.equal(JSON.stringify(JSON.parse(written)).length, written.length, written)
  }
})

t.test('structured content is an object until 2025-11-25, and any JSON from 2026 on', async (t) => {
  const object = { content: [text], structuredContent: { n: 1 } }
  const list = { content: [text], structuredContent: [1, 2] }
  t.strictSame(inEach((revision) => toolResult(object, revision)['structuredContent']), {
    '2024-11-05': undefined, '2025-03-26': undefined, '2025-06-18': { n: 1 }, '2025-11-25': { n: 1 }, '2026-07-28': { n: 1 }
  })
  t.strictSame(inEach((revision) => toolResult(list, revision)['structuredContent']), {
    '2024-11-05': undefined, '2025-03-26': undefined, '2025-06-18': { result: [1, 2] }, '2025-11-25': { result: [1, 2] }, '2026-07-28': [1, 2]
  })
  for (const value of [null, 0, '', false, 'x']) {
    t.strictSame(toolResult({ content: [], structuredContent: value }, '2025-06-18')['structuredContent'], { result: value })
    t.strictSame(toolResult({ content: [], structuredContent: value }, '2026-07-28')['structuredContent'], value)
  }
  t.strictSame(toolResult(object, '2025-11-25', true)['structuredContent'], { result: { n: 1 } }, 'and where the schema is wrapped, so is an object')
})

t.test('what becomes a text or a list as JSON is no object for older clients either', async (t) => {
  const date = new Date(0)
  t.strictSame(toolResult({ content: [], structuredContent: date }, '2025-11-25')['structuredContent'], { result: date.toISOString() })
  t.strictSame(toolResult({ content: [], structuredContent: { toJSON: () => [1] } }, '2025-11-25')['structuredContent'], { result: [1] })
  t.strictSame(toolResult({ content: [], structuredContent: date }, '2026-07-28')['structuredContent'], date.toISOString())
})

const link = { type: 'resource_link' as const, uri: 'a:b', name: 'n', title: 'The title' }
const audio = { type: 'audio' as const, data: 'AAAA', mimeType: 'audio/wav' }

t.test('blocks that an old revision does not know become ones that it does', async (t) => {
  const typesOf = (revision: Revision): unknown => (toolResult({ content: [text, link, audio] }, revision)['content'] as { type: string }[]).map(({ type }) => type)
  t.strictSame(inEach(typesOf), {
    '2024-11-05': ['text', 'text', 'resource'],
    '2025-03-26': ['text', 'text', 'audio'],
    '2025-06-18': ['text', 'resource_link', 'audio'],
    '2025-11-25': ['text', 'resource_link', 'audio'],
    '2026-07-28': ['text', 'resource_link', 'audio']
  })
  t.strictSame(toolResult({ content: [link] }, '2024-11-05')['content'], [{ type: 'text', text: 'The title: a:b' }])
  t.strictSame(toolResult({ content: [{ ...link, title: undefined } as never] }, '2025-03-26')['content'], [{ type: 'text', text: 'n: a:b' }])
})

t.test('the messages of prompts are put in the same way', async (t) => {
  const prompt = { messages: [{ role: 'user' as const, content: link }, { role: 'assistant' as const, content: audio }] }
  const typesOf = (revision: Revision): unknown => (JSON.parse(wire.promptResult(prompt, revision)) as { messages: { content: { type: string } }[] }).messages.map(({ content }) => content.type)
  t.strictSame(inEach(typesOf), {
    '2024-11-05': ['text', 'resource'],
    '2025-03-26': ['text', 'audio'],
    '2025-06-18': ['resource_link', 'audio'],
    '2025-11-25': ['resource_link', 'audio'],
    '2026-07-28': ['resource_link', 'audio']
  })
})

t.test('what went in is not changed', async (t) => {
  const result = Object.freeze({ content: Object.freeze([Object.freeze({ ...link }), Object.freeze({ ...audio })]) as never, structuredContent: Object.freeze([1]) })
  t.doesNotThrow(() => { for (const revision of revisions) wire.toolResult(result, revision, true, unbounded) })
})
