import t from 'tap'
import type { ToolHandler } from '../../src/core/ports.ts'
import { build, modern, openSession, rest, textOf, type Answer, type GantryApp } from '../helpers/build.ts'
import { turn } from '../helpers/waiting.ts'

/** What a handler returned, as it comes out: at once, from a promise, and later. */
async function results (app: GantryApp, name: string): Promise<Answer[]> {
  return await Promise.all(['sync', 'async', 'thenable'].map((way) => modern(app, 'tools/call', { name: `${name}-${way}` })))
}
function ways (handlers: Record<string, () => unknown>): Record<string, ToolHandler> {
  return Object.fromEntries(Object.entries(handlers).flatMap(([name, make]): [string, ToolHandler][] => [
    [`${name}-sync`, () => make()],
    [`${name}-async`, async () => { await turn(); return make() }],
    [`${name}-thenable`, () => ({ then: (resolve: (value: unknown) => void) => { resolve(make()) } })]
  ]))
}

const cyclic: Record<string, unknown> = { a: 1 }
cyclic['self'] = cyclic
let deep: unknown = []
for (let n = 0; n < 100_000; n++) deep = [deep]

class Point { readonly x = 1; get sum (): number { return this.x } }

t.test('a full result, a text or any JSON value is a result', async (t) => {
  const rows: Record<string, [value: unknown, content: unknown, structured?: unknown]> = {
    text: ['hello', [{ type: 'text', text: 'hello' }]],
    'empty-text': ['', [{ type: 'text', text: '' }]],
    object: [{ a: 1 }, [{ type: 'text', text: '{"a":1}' }], { a: 1 }],
    'empty-object': [{}, [{ type: 'text', text: '{}' }], {}],
    list: [[1, 2], [{ type: 'text', text: '[1,2]' }]],
    number: [5, [{ type: 'text', text: '5' }]],
    zero: [0, [{ type: 'text', text: '0' }]],
    no: [false, [{ type: 'text', text: 'false' }]],
    null: [null, [{ type: 'text', text: 'null' }]],
    nothing: [undefined, []],
    instance: [new Point(), [{ type: 'text', text: '{"x":1}' }], { x: 1 }],
    bare: [Object.assign(Object.create(null), { a: 1 }), [{ type: 'text', text: '{"a":1}' }], { a: 1 }],
    full: [{ content: [{ type: 'text', text: 'x' }], structuredContent: { a: 1 }, _meta: { b: 2 } }, [{ type: 'text', text: 'x' }], { a: 1 }],
    'structured-only': [{ structuredContent: { a: 1 } }, [{ type: 'text', text: '{"a":1}' }], { a: 1 }],
    'structured-list': [{ structuredContent: [1] }, [{ type: 'text', text: '[1]' }], [1]],
    'no-content': [{ content: [] }, []],
    'content-and-more': [{ content: [1], other: 2 }, [{ type: 'text', text: '{"content":[1],"other":2}' }], { content: [1], other: 2 }],
    'content-text': [{ content: 'x' }, [{ type: 'text', text: '{"content":"x"}' }], { content: 'x' }],
    blocks: [{
      content: [
        { type: 'image', data: 'AAAA', mimeType: 'image/png' }, { type: 'audio', data: 'AAAA', mimeType: 'audio/wav', annotations: { audience: ['user'], priority: 0.5 } },
        { type: 'resource', resource: { uri: 'a:b', mimeType: 'text/plain', text: 'x' } }, { type: 'resource', resource: { uri: 'a:b', blob: 'AAAA' } }, { type: 'resource_link', uri: 'a:b', name: 'n' }
      ]
    }, undefined]
  }
  const app = await build(t, {}, { tools: ways(Object.fromEntries(Object.entries(rows).map(([name, [value]]) => [name, () => value]))) })
  for (const [name, [value, content, structured]] of Object.entries(rows)) {
    for (const { status, message: { result } } of await results(app, name)) {
      t.equal(status, 200)
      t.strictSame(result?.content, content ?? (value as { content: unknown }).content, name)
      t.strictSame(result?.structuredContent, structured, `${name}, structured`)
      t.equal(result?.isError, undefined)
    }
  }
})

t.test('a tool that says that it failed is believed', async (t) => {
  const app = await build(t, {}, { tools: ways({ failed: () => ({ content: [{ type: 'text', text: 'sold out' }], isError: true }) }) })
  for (const answer of await results(app, 'failed')) t.match([answer.status, answer.message.result], [200, { isError: true, content: [{ text: 'sold out' }] }])
})

t.test('what cannot be an answer is one tool failure, over every door, and the server goes on', async (t) => {
  const good = { type: 'text', text: 'x' }
  const rows: Record<string, [make: () => unknown, words: RegExp]> = {
    'big-integer': [() => 5n, /BigInt/],
    'nested-big-integer': [() => ({ a: 5n }), /BigInt/],
    cyclic: [() => cyclic, /circular/i],
    map: [() => new Map([[1, 2]]), /Map, which JSON cannot hold/],
    set: [() => new Set([1]), /Set, which JSON cannot hold/],
    function: [() => () => 1, /function, which JSON cannot hold/],
    symbol: [() => Symbol('x'), /symbol, which JSON cannot hold/],
    getter: [() => ({ get a () { throw new Error('from the getter') } }), /from the getter/],
    deep: [() => deep, /JSON/],
    'no-json': [() => ({ toJSON: () => undefined }), /JSON cannot hold/],
    'odd-block': [() => ({ content: [{ type: 'video', data: 'x' }] }), /does not fit its declared output/],
    'block-without-text': [() => ({ content: [{ type: 'text' }] }), /does not fit/],
    'image-without-type': [() => ({ content: [{ type: 'image', data: 'AAAA' }] }), /does not fit/],
    'plain-list': [() => ({ content: ['x'] }), /does not fit/],
    'odd-flag': [() => ({ content: [good], isError: 'yes' }), /does not fit/],
    'odd-meta': [() => ({ content: [good], _meta: 5 }), /does not fit/],
    'content-no-list': [() => ({ structuredContent: {}, content: 'lost?' }), /does not fit/],
    'full-cyclic': [() => ({ content: [good], structuredContent: cyclic }), /JSON/],
    'full-big-integer': [() => ({ content: [good], structuredContent: { a: 1n } }), /JSON/],
    'full-meta-cyclic': [() => ({ content: [good], _meta: cyclic }), /JSON/],
    'full-deep': [() => ({ content: [good], structuredContent: deep }), /JSON/],
    'full-getter': [() => ({ content: [good], structuredContent: { get a () { throw new Error('from the getter') } } }), /JSON|from the getter/],
    'content-getter': [() => ({ get content () { throw new Error('from the getter') } }), /from the getter/]
  }
  const app = await build(t, {}, { tools: ways(Object.fromEntries(Object.entries(rows).map(([name, [make]]) => [name, make]))) })
  const sessions = await Promise.all((['2024-11-05', '2025-11-25'] as const).map((revision) => openSession(app, revision)))
  for (const [name, [, words]] of Object.entries(rows)) {
    for (const answer of await results(app, name)) {
      t.equal(answer.status, 200, name)
      t.equal(answer.message.result?.isError, true, `${name}: ${answer.text.slice(0, 200)}`)
      t.match(textOf(answer), words, name)
    }
    for (const way of ['sync', 'async']) {
      for (const session of sessions) {
        const { message } = await session.call('tools/call', { name: `${name}-${way}` })
        // What a revision leaves out cannot be in its way.
        if (message.result?.isError !== true) t.equal(name.startsWith('full-') && session === sessions[0], true, `${name}: ${JSON.stringify(message).slice(0, 200)}`)
      }
      const { status, body } = await rest(app, `${name}-${way}`)
      t.match([status, body], [500, { status: 500, code: /^MCP_TOOL_(FAILED|OUTPUT_INVALID)$/ }], `${name} over REST`)
    }
  }
  t.match(await rest(app, 'map-sync'), { status: 500 }, 'and it goes on')
})

t.test('an answer of several megabytes comes whole', async (t) => {
  const app = await build(t, {}, { tools: { big: () => 'é'.repeat(3_000_000) } })
  t.equal(textOf(await modern(app, 'tools/call', { name: 'big' })).length, 3_000_000)
  t.equal((await rest(app, 'big')).text.length > 3_000_000, true)
})

t.test('an answer with an output schema has to fit it', async (t) => {
  const when = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } }, required: ['at'], additionalProperties: false }
  const fitting: Record<string, [outputSchema: object, value: unknown, structured: unknown]> = {
    object: [when, { at: '2026-07-28T00:00:00Z' }, { at: '2026-07-28T00:00:00Z' }],
    date: [when, { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    'full-date': [when, { content: [], structuredContent: { at: new Date(0) } }, { at: '1970-01-01T00:00:00.000Z' }],
    'date-itself': [{ type: 'string', format: 'date-time' }, new Date(0), '1970-01-01T00:00:00.000Z'],
    list: [{ type: 'array', items: { type: 'number' } }, [1, 2], [1, 2]],
    text: [{ type: 'string' }, 'x', 'x'],
    number: [{ type: 'number' }, 5, 5],
    null: [{ type: 'null' }, null, null],
    no: [{ type: 'boolean' }, false, false]
  }
  const failing: Record<string, [outputSchema: object, value: unknown, words: RegExp]> = {
    missing: [when, {}, /\/at: is required/],
    more: [when, { at: '2026-07-28T00:00:00Z', secret: 1 }, /\/secret: is not a known property/],
    other: [when, 'text', /must be object/],
    nothing: [when, undefined, /must return structured content/],
    'content-only': [when, { content: [{ type: 'text', text: 'x' }] }, /must return structured content/],
    'number-as-text': [{ type: 'number' }, '5', /must be number/]
  }
  const all = { ...fitting, ...failing }
  const app = await build(t, { tools: Object.entries(all).map(([name, [outputSchema]]) => ({ name, outputSchema })) }, { tools: Object.fromEntries(Object.entries(all).map(([name, [, value]]) => [name, () => value])) })
  for (const [name, [, , structured]] of Object.entries(fitting)) {
    const { message: { result } } = await modern(app, 'tools/call', { name })
    t.notOk(result?.isError, `${name}: ${JSON.stringify(result)}`)
    t.strictSame(result?.structuredContent, structured, name)
    t.strictSame((await rest(app, name)).body['structuredContent'], structured, `${name} over REST`)
  }
  for (const [name, [, , words]] of Object.entries(failing)) {
    const answer = await modern(app, 'tools/call', { name })
    t.ok(answer.message.result?.isError, name)
    t.match(textOf(answer), words, name)
    t.notOk('structuredContent' in (answer.message.result ?? {}))
    t.match(await rest(app, name), { status: 500, body: { code: 'MCP_TOOL_OUTPUT_INVALID' } })
  }
})

t.test('a failure need not fit the output schema', async (t) => {
  const app = await build(t, { tools: [{ name: 'failed', outputSchema: { type: 'object', required: ['a'] } }] }, { tools: { failed: () => ({ content: [{ type: 'text', text: 'no' }], isError: true }) } })
  t.match((await modern(app, 'tools/call', { name: 'failed' })).message.result, { isError: true, content: [{ text: 'no' }] })
  t.match(await rest(app, 'failed'), { status: 422, body: { code: 'MCP_TOOL_REPORTED', detail: 'no' } })
})

t.test('what the handler keeps and changes later does not change its schema or its next answer', async (t) => {
  const kept = { n: 0 }
  const app = await build(t, { tools: [{ name: 'count', outputSchema: { type: 'object', properties: { n: { type: 'integer', default: 7 } } } }] }, { tools: { count: () => { kept.n++; return kept } } })
  for (const n of [1, 2, 3]) t.strictSame((await modern(app, 'tools/call', { name: 'count' })).message.result?.structuredContent, { n })
  t.strictSame(kept, { n: 3 }, 'defaults of an output schema are not filled in')
})
