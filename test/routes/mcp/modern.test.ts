import t from 'tap'
import type { HandlerContext, JsonObject, ToolHandler } from '../../../src/core/ports.ts'
import { build, envelope, modern, modernHeaders, modernMessage, openSession, post, textOf, type GantryApp, type HeaderValues } from '../../helpers/build.ts'
import { deferred, turn } from '../../helpers/waiting.ts'

const tools: Record<string, ToolHandler> = { echo: (args) => args, 'two.words-x_9': () => 'ok' }
const call = { name: 'echo', arguments: { a: 1 } }
const version = 'io.modelcontextprotocol/protocolVersion'

async function open (t: { teardown (fn: () => unknown): unknown }): Promise<GantryApp> {
  return await build(t, {
    name: 'shop',
    version: '3.2.1',
    instructions: 'Be kind.',
    prompts: [{ name: 'grüße', template: 'Hallo' }, { name: '=?base64?eA==?=', template: 'x' }],
    resources: [{ uri: 'docs://a b', name: 'spaced', content: 'x' }].map((resource) => ({ ...resource, uri: 'docs://a%20b' })),
    server: { pageSize: 1 }
  }, { tools })
}

t.test('a call answers with all that the revision asks for', async (t) => {
  const app = await open(t)
  const { status, headers, message } = await modern(app, 'tools/call', call, { id: 'a-1' })
  t.equal(status, 200)
  t.equal(headers['content-type'], 'application/json; charset=utf-8')
  t.strictSame(message, {
    jsonrpc: '2.0',
    id: 'a-1',
    result: {
      resultType: 'complete',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'shop', version: '3.2.1' } },
      content: [{ type: 'text', text: '{"a":1}' }],
      structuredContent: { a: 1 }
    }
  })
})

t.test('discovery tells versions, abilities and instructions, and how long that holds', async (t) => {
  const { status, message: { result } } = await modern(await open(t), 'server/discover')
  t.equal(status, 200)
  t.match(result, { resultType: 'complete', supportedVersions: ['2026-07-28'], instructions: 'Be kind.', cacheScope: 'public' })
  t.ok(Number.isInteger(result?.['ttlMs']) && Number(result?.['ttlMs']) >= 0)
  t.strictSame(Object.keys(result?.['capabilities'] as object).sort(), ['completions', 'logging', 'prompts', 'resources', 'tools'])
})

t.test('how long and for whom results may be kept is what the configuration says, on every page', async (t) => {
  const cacheHints = { lists: { ttlMs: 5, cacheScope: 'private' }, content: { ttlMs: 7 }, resources: { ttlMs: 9, cacheScope: 'public' } }
  const handler = { type: 'registry', name: 'fn' }
  const app = await build(t, {
    server: { pageSize: 2, protocol: { cacheHints } },
    resources: [
      { uri: 'a:content', name: 'x', content: 'x' }, { uri: 'a:own', name: 'x', content: 'x', cacheHint: { ttlMs: 0, cacheScope: 'private' } },
      { uri: 'a:fn', name: 'x', handler }, { uri: 'a:longer', name: 'x', handler, cacheHint: { ttlMs: 60_000 } }, { uriTemplate: 'a:t/{id}', name: 'x', handler, cacheHint: { cacheScope: 'private' } }
    ]
  }, { handlers: { fn: () => 'x' } })
  const hintOf = async (method: string, params: JsonObject = {}): Promise<unknown[]> => {
    const { message: { result } } = await modern(app, method, params)
    return [result?.['ttlMs'], result?.['cacheScope'], result?.['nextCursor']]
  }
  const [ttlMs, scope, cursor] = await hintOf('resources/list')
  t.strictSame([ttlMs, scope], [5, 'private'])
  t.strictSame(await hintOf('resources/list', { cursor }), [5, 'private', undefined])
  for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/templates/list']) t.strictSame(await hintOf(method), [5, 'private', undefined], method)
  const reads: [uri: string, ttlMs: number, scope: string][] = [['a:content', 7, 'public'], ['a:own', 0, 'private'], ['a:fn', 9, 'public'], ['a:longer', 60_000, 'public'], ['a:t/5', 9, 'private']]
  for (const [uri, ...hint] of reads) t.strictSame(await hintOf('resources/read', { uri }), [...hint, undefined], uri)
})

t.test('where callers show who they are, nothing is for everyone, whatever the configuration says', async (t) => {
  const key = 'a key that nobody guesses, as long as it is'
  const cacheHint = { ttlMs: 8, cacheScope: 'public' }
  const app = await build(t, {
    server: { protocol: { cacheHints: { lists: cacheHint, resources: cacheHint } } },
    security: { authentication: { apiKeys: [{ name: 'ci', key, permissions: ['*'] }], allowAnonymous: true }, permissions: { anonymous: ['*'] } },
    resources: [{ uri: 'a:content', name: 'x', content: 'x' }, { uri: 'a:own', name: 'x', content: 'x', cacheHint }, { uri: 'a:fn', name: 'x', handler: { type: 'registry', name: 'fn' } }]
  }, { handlers: { fn: () => 'x' } })
  const requests: [method: string, params: JsonObject][] = [
    ...['server/discover', 'tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].map((method): [string, JsonObject] => [method, {}]),
    ...['a:content', 'a:own', 'a:fn'].map((uri): [string, JsonObject] => ['resources/read', { uri }])
  ]
  for (const [method, params] of requests) {
    for (const headers of [{}, { 'x-api-key': key }]) t.match((await modern(app, method, params, { headers })).message.result, { ttlMs: Number, cacheScope: 'private' }, `${method} ${JSON.stringify(params)}`)
  }
})

t.test('what was read with answers to questions is nothing to keep', async (t) => {
  const ask: ToolHandler = async (_variables, context) => (await context.elicit('Which?', { type: 'object', properties: {} }, { key: 'which' })).action
  const app = await build(t, { server: { protocol: { cacheHints: { resources: { ttlMs: 9_000, cacheScope: 'public' } } } }, resources: [{ uri: 'a:b', name: 'b', handler: { type: 'registry', name: 'ask' } }] }, { handlers: { ask } })
  const read = async (round: JsonObject): Promise<JsonObject> => (await modern(app, 'resources/read', { uri: 'a:b', ...round }, { meta: { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } } })).message.result ?? {}
  const asked = await read({})
  t.notOk('ttlMs' in asked || 'cacheScope' in asked)
  t.match(await read({ requestState: asked['requestState'], inputResponses: { which: { action: 'accept', content: {} } } }), { contents: [{ text: 'accept' }], ttlMs: 0, cacheScope: 'private' })
})

t.test('lists say how long they hold, on each page alike; calls and prompts do not', async (t) => {
  const app = await open(t)
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
    const scopes = new Set<unknown>()
    let cursor: unknown
    do {
      const { message: { result } } = await modern(app, method, { ...(cursor !== undefined && { cursor }) })
      t.ok(Number.isInteger(result?.['ttlMs']) && Number(result?.['ttlMs']) >= 0, method)
      scopes.add(result?.['cacheScope'])
      cursor = result?.['nextCursor']
    } while (cursor !== undefined)
    t.strictSame([...scopes], ['public'], method)
  }
  t.match((await modern(app, 'resources/read', { uri: 'docs://a%20b' })).message.result, { ttlMs: Number, cacheScope: /^(public|private)$/ })
  for (const [method, params] of [['tools/call', call], ['prompts/get', { name: 'grüße' }], ['completion/complete', { ref: { type: 'ref/prompt', name: 'grüße' }, argument: { name: 'x', value: '' } }]] as const) {
    const { message: { result } } = await modern(app, method, params)
    t.equal(result?.['resultType'], 'complete', method)
    t.notOk('ttlMs' in (result ?? {}) || 'cacheScope' in (result ?? {}), method)
  }
})

t.test('headers have to be there and to agree with the body, which nothing of the call survives', async (t) => {
  let entered = 0
  const app = await build(t, {}, { tools: { echo: () => { entered++; return 'x' } } })
  const rows: [what: string, headers: HeaderValues, code: number][] = [
    ['no version', { 'mcp-protocol-version': undefined }, -32020],
    ['another version', { 'mcp-protocol-version': '2025-11-25' }, -32020],
    ['no method', { 'mcp-method': undefined }, -32020],
    ['another method', { 'mcp-method': 'tools/list' }, -32020],
    ['the method in capitals', { 'mcp-method': 'TOOLS/CALL' }, -32020],
    ['no name', { 'mcp-name': undefined }, -32020],
    ['another name', { 'mcp-name': 'other' }, -32020],
    ['the name in capitals', { 'mcp-name': 'Echo' }, -32020],
    ['broken base64', { 'mcp-name': '=?base64?ZWNobw=?=' }, -32020],
    ['base64 of another name', { 'mcp-name': '=?base64?b3RoZXI=?=' }, -32020],
    ['characters that a header may not hold', { 'mcp-name': 'echo\u00e9' }, -32020]
  ]
  for (const [what, headers, code] of rows) {
    for (const id of ['a', 0, -7]) {
      const { status, message } = await modern(app, 'tools/call', { name: 'echo' }, { id, headers })
      t.match([status, message.error?.code, message.id], [400, code, id], what)
      t.notOk('result' in message)
    }
  }
  t.equal(entered, 0)
})

t.test('header names are read in any case, and blanks around values are nothing', async (t) => {
  const app = await open(t)
  const body = modernMessage('tools/call', call)
  t.equal((await post(app, body, { 'MCP-PROTOCOL-VERSION': '2026-07-28', 'mCP-mETHOD': 'tools/call', 'Mcp-Name': 'echo' })).status, 200)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${address}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'Mcp-Protocol-Version': '  2026-07-28 ', 'Mcp-Method': '\ttools/call\t', 'Mcp-Name': ' echo  ' },
    body: JSON.stringify(body)
  })
  t.match(await answer.json(), { id: 1, result: { resultType: 'complete' } })
})

t.test('names outside of ASCII travel in base64', async (t) => {
  const app = await open(t)
  t.match((await modern(app, 'prompts/get', { name: 'grüße' })).message, { result: { messages: [{ content: { text: 'Hallo' } }] } })
  t.match((await modern(app, 'resources/read', { uri: 'docs://a%20b' })).message, { result: { contents: [{ uri: 'docs://a%20b' }] } })
  const tricky = '=?base64?eA==?='
  t.match(await modern(app, 'prompts/get', { name: tricky }, { headers: { 'mcp-name': tricky } }), { status: 400, message: { error: { code: -32020 } } })
  t.match(await modern(app, 'prompts/get', { name: tricky }, { headers: { 'mcp-name': `=?base64?${Buffer.from(tricky).toString('base64')}?=` } }), { status: 200, message: { result: { messages: [{ content: { text: 'x' } }] } } })
})

t.test('an envelope that is not whole is refused with 400 and the id', async (t) => {
  const app = await open(t)
  const rows: [what: string, meta: unknown, headers: HeaderValues, code: number][] = [
    ['no _meta under a modern header', undefined, {}, -32602],
    ['_meta without a version under a modern header', {}, {}, -32602],
    ['_meta as a list', [], {}, -32602],
    ['no capabilities', { [version]: '2026-07-28' }, {}, -32602],
    ['capabilities null', { ...envelope(), 'io.modelcontextprotocol/clientCapabilities': null }, {}, -32602],
    ['a version that is no text', { ...envelope(), [version]: 1 }, {}, -32602],
    ['a bad log level', { ...envelope(), 'io.modelcontextprotocol/logLevel': 'loud' }, {}, -32602],
    ['a log level that is no text', { ...envelope(), 'io.modelcontextprotocol/logLevel': null }, {}, -32602],
    ['a version of the future', { ...envelope(), [version]: '2030-01-01' }, { 'mcp-protocol-version': '2030-01-01' }, -32022],
    ['a version of the past', { ...envelope(), [version]: '2025-11-25' }, { 'mcp-protocol-version': '2025-11-25' }, -32022],
    ['garbage for a version', { ...envelope(), [version]: 'v999' }, { 'mcp-protocol-version': 'v999' }, -32022]
  ]
  for (const [what, meta, headers, code] of rows) {
    const { status, message } = await post(app, { jsonrpc: '2.0', id: 9, method: 'tools/list', params: { ...(meta !== undefined && { _meta: meta }) } }, { ...modernHeaders('tools/list'), ...headers })
    t.match([status, message.error?.code, message.id], [400, code, 9], what)
  }
})

t.test('a version that is not served is answered with those that are, and discovery says the same', async (t) => {
  const app = await open(t)
  const { message } = await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: { ...envelope(), [version]: '1900-01-01' } } }, { ...modernHeaders('tools/list'), 'mcp-protocol-version': '1900-01-01' })
  t.strictSame(message.error?.data, { supported: ['2026-07-28'], requested: '1900-01-01' })
  t.strictSame((await modern(app, 'server/discover')).message.result?.['supportedVersions'], message.error?.data?.['supported'])
})

t.test('methods of the older era, and unknown ones, are 404 with the id', async (t) => {
  const app = await open(t)
  for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'tools/Call', 'tools', '', '__proto__', 'constructor', 'sampling/createMessage']) {
    t.match(await modern(app, method, {}, { id: 'x' }), { status: 404, message: { id: 'x', error: { code: -32601 } } }, method)
  }
})

t.test('each request stands for itself: no session is needed, looked at or given', async (t) => {
  const app = await open(t)
  const session = await openSession(app)
  for (const id of [session.id, 'unknown', '']) {
    const { status, headers } = await modern(app, 'tools/call', call, { headers: { 'mcp-session-id': id, 'last-event-id': '7' } })
    t.equal(status, 200)
    t.notOk('mcp-session-id' in headers)
  }
})

t.test('ids come back as they were, in every kind of answer', async (t) => {
  const app = await open(t)
  for (const id of ['', 'a', '0', 0, -1, 1e15, Number.MAX_SAFE_INTEGER]) {
    t.strictSame((await modern(app, 'tools/call', call, { id })).message.id, id)
    t.strictSame((await modern(app, 'tools/call', { name: 'missing' }, { id })).message.id, id)
    t.strictSame((await modern(app, 'nothing', {}, { id })).message.id, id)
    t.strictSame((await post(app, { jsonrpc: '1.0', id, method: 'ping' })).message.id, id)
    t.strictSame((await post(app, { jsonrpc: '2.0', id })).message.id, id)
  }
  for (const id of [null, 1.5, true, {}, []]) {
    const { status, message } = await modern(app, 'tools/call', call, { id })
    t.match([status, message.error?.code], [400, -32600])
    t.notOk('id' in message, JSON.stringify(id))
  }
})

t.test('faults of the protocol are errors, faults of a call are results', async (t) => {
  const app = await build(t, { server: { protocol: { strictness: 'strict' } }, tools: [{ name: 'add', inputSchema: { type: 'object', properties: { a: { type: 'number' }, list: { type: 'array', items: { type: 'integer' } } }, required: ['a'], additionalProperties: false } }] }, { tools: { add: ({ a }) => a, fail: () => { throw new Error('no paper') } } })
  const errors: [method: string, params: JsonObject][] = [
    ['tools/call', { name: 'missing' }], ['tools/call', { name: 'Add' }], ['tools/call', { name: '__proto__' }], ['tools/call', { name: 'constructor' }], ['tools/call', {}], ['tools/call', { name: 5 }],
    ['tools/call', { name: 'add', arguments: null }], ['tools/call', { name: 'add', arguments: [] }], ['tools/call', { name: 'add', arguments: 'a=1' }],
    ['prompts/get', { name: 'missing' }], ['prompts/get', {}], ['resources/read', { uri: 'a:b' }], ['resources/read', {}], ['resources/read', { uri: 5 }], ['completion/complete', {}], ['tools/list', { cursor: 'x' }]
  ]
  for (const [method, params] of errors) t.match(await modern(app, method, params, { id: 3 }), { status: 200, message: { id: 3, error: { code: -32602 } } }, `${method} ${JSON.stringify(params)}`)

  const wrong = await modern(app, 'tools/call', { name: 'add', arguments: { b: 1, list: [1, 'x'] } })
  t.equal(wrong.message.result?.isError, true)
  t.match(textOf(wrong), /\/a: is required/)
  t.match(textOf(wrong), /\/b: is not a known property/)
  t.match(textOf(wrong), /\/list\/1: must be integer, but is a string/)
  t.match((await modern(app, 'tools/call', { name: 'fail' })).message, { result: { resultType: 'complete', isError: true, content: [{ text: 'no paper' }] } })
  t.match((await modern(app, 'tools/call', { name: 'add' })).message, { result: { isError: true } }, 'absent arguments are empty ones')
})

t.test('notifications are taken with 202 and nothing else', async (t) => {
  const app = await open(t)
  for (const params of [{}, { _meta: envelope() }]) {
    const { status, text, headers } = await post(app, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, ...params } }, { 'mcp-protocol-version': '2026-07-28' })
    t.strictSame([status, text], [202, ''])
    t.notOk('mcp-session-id' in headers)
  }
  t.match(await post(app, { jsonrpc: '2.0', method: 'notifications/x' }, { 'mcp-protocol-version': '2030-01-01' }), { status: 400, message: { error: { code: -32022 } } })
})

t.test('batches and answers have no place in this era', async (t) => {
  const app = await open(t)
  const header = { 'mcp-protocol-version': '2026-07-28' }
  for (const [what, body, headers] of [
    ['a batch', [modernMessage('tools/list')], header], ['a batch without headers', [modernMessage('tools/list')], {}], ['a mixed batch', [{ jsonrpc: '2.0', id: 1, method: 'ping' }, modernMessage('tools/list')], {}],
    ['an empty batch', [], {}], ['an answer', { jsonrpc: '2.0', id: 1, result: {} }, header]
  ] as const) {
    const { status, message } = await post(app, body, headers)
    t.match([status, message.error?.code], [400, -32600], what)
    t.notOk('id' in message)
  }
})

t.test('progress and log messages come before the answer, on its own stream', async (t) => {
  const app = await build(t, {}, {
    tools: {
      work: async (_args, context) => {
        for (const n of [0, 50, 50, 100]) { context.progress(n, 100, `step ${n}`); await turn() }
        context.log('debug', 'fine')
        context.log('info', { n: 1 }, 'mine')
        return 'done'
      }
    }
  })
  const silent = await modern(app, 'tools/call', { name: 'work' })
  t.equal(silent.headers['content-type'], 'application/json; charset=utf-8', 'nothing was asked for')
  t.equal(silent.messages.length, 1)

  const heard = await modern(app, 'tools/call', { name: 'work' }, { id: 7, meta: { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'info' } })
  t.equal(heard.status, 200)
  t.equal(heard.headers['content-type'], 'text/event-stream')
  t.equal(heard.headers['x-accel-buffering'], 'no')
  t.equal(heard.headers['cache-control'], 'no-cache, no-transform')
  t.strictSame(heard.messages.map(({ method, params, id }) => id ?? [method, params]), [
    ...[0, 50, 100].map((progress) => ['notifications/progress', { progressToken: 'p', progress, total: 100, message: `step ${progress}` }]),
    ['notifications/message', { level: 'info', logger: 'mine', data: { n: 1 } }],
    7
  ])
  t.match(heard.message, { result: { resultType: 'complete', content: [{ text: 'done' }] } })

  const jsonOnly = await modern(app, 'tools/call', { name: 'work' }, { headers: { accept: 'application/json' }, meta: { progressToken: 'p' } })
  t.equal(jsonOnly.headers['content-type'], 'application/json; charset=utf-8')
  t.equal(jsonOnly.messages.length, 1)
})

t.test('a failure after progress comes on the same stream', async (t) => {
  const app = await build(t, {}, { tools: { fail: (_args, context) => { context.progress(1); throw new Error('broke') } } })
  const { status, messages } = await modern(app, 'tools/call', { name: 'fail' }, { meta: { progressToken: 0 } })
  t.equal(status, 200)
  t.match(messages, [{ method: 'notifications/progress', params: { progressToken: 0 } }, { id: 1, result: { isError: true, content: [{ text: 'broke' }] } }])
})

t.test('a message on a stream is one line, whatever is in it', async (t) => {
  const nasty = 'a\nb\r\nc\rd\u2028e\n\nevent: x\ndata: {}\n\n: comment'
  const app = await build(t, {}, { tools: { say: (_args, context) => { context.progress(1, 2, nasty); return nasty } } })
  const { messages, text } = await modern(app, 'tools/call', { name: 'say' }, { meta: { progressToken: 'p' } })
  t.match(messages, [{ params: { message: nasty } }, { result: { content: [{ text: nasty }] } }])
  t.equal(text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('data:')).length, 2)
})

t.test('nothing follows the answer', async (t) => {
  const kept = deferred<HandlerContext>()
  const app = await build(t, { tools: [{ name: 'slow', inputSchema: { type: 'object' }, timeout: 20 }] }, {
    tools: {
      early: (_args, context) => { kept.resolve(context); context.progress(1); return 'x' },
      slow: async (_args, context) => { context.progress(1); context.signal.addEventListener('abort', () => { context.progress(2); context.log('error', 'late') }); return await new Promise(() => {}) }
    }
  })
  const { messages } = await modern(app, 'tools/call', { name: 'early' }, { meta: { progressToken: 1 } })
  t.equal(messages.length, 2)
  const context = await kept.promise
  t.doesNotThrow(() => { context.progress(2); context.log('emergency', 'x') })
  const slow = await modern(app, 'tools/call', { name: 'slow' }, { meta: { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'debug' } })
  t.match(slow.messages, [{ params: { progress: 1 } }, { result: { isError: true, content: [{ text: 'slow did not finish within 20 ms.' }] } }])
  t.equal(slow.messages.length, 2)
})

t.test('tools are described to the client as they were written', async (t) => {
  const inputSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { size: { $anchor: 's', enum: ['S', 'M'], enumNames: ['Small', 'Medium'] } },
    properties: { size: { $ref: '#/$defs/size' }, size2: { $ref: '#s' }, n: { type: 'integer', default: 1, 'x-mine': { a: [1] } } },
    allOf: [{ anyOf: [{ required: ['size'] }, { required: ['n'] }] }],
    if: { properties: { n: { const: 1 } } },
    then: { required: [] },
    additionalProperties: false
  }
  const tool = { name: 'order', title: 'Order', description: 'Orders.', inputSchema, outputSchema: { type: 'array' }, annotations: { readOnlyHint: true }, icons: [{ src: 'data:,x' }], _meta: { a: 1 } }
  const app = await build(t, { tools: [tool] }, { tools: { order: () => [] } })
  t.equal((await modern(app, 'tools/call', { name: 'order', arguments: {} })).message.result?.isError, true)
  t.strictSame((await modern(app, 'tools/list')).message.result?.['tools'], [tool])
})

t.test('lists come in pages that together are the list, and a bad cursor is refused', async (t) => {
  const names = Array.from({ length: 7 }, (_, index) => `tool-${index}`)
  const app = await build(t, { server: { pageSize: 3, protocol: { strictness: 'strict' } } }, { tools: Object.fromEntries(names.map((name) => [name, () => name])) })
  const seen: unknown[] = []
  const cursors: unknown[] = []
  let cursor: unknown
  do {
    const { message: { result } } = await modern(app, 'tools/list', cursor === undefined ? {} : { cursor })
    seen.push(...(result?.['tools'] as { name: string }[]).map(({ name }) => name))
    cursor = result?.['nextCursor']
    if (cursor !== undefined) cursors.push(cursor)
  } while (cursor !== undefined && seen.length < 20)
  t.strictSame(seen, names)
  t.equal(cursors.length, 2)
  for (const bad of ['', 'x', null, 0, 5, false, {}, [], [cursors[0]], `${String(cursors[0])} `, Buffer.from('from:1').toString('base64url')]) {
    t.match(await modern(app, 'tools/list', { cursor: bad }), { status: 200, message: { error: { code: -32602 } } }, JSON.stringify(bad))
  }
})

t.test('a hundred callers with one id at once each get their own answer', async (t) => {
  const app = await build(t, {}, { tools: { echo: async ({ n }, context) => { context.progress(Number(n) + 1); await turn(); return { n } } } })
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => modern(app, 'tools/call', { name: 'echo', arguments: { n } }, { id: 'same', meta: { progressToken: 'same' } })))
  t.strictSame(answers.map(({ messages }) => messages.map(({ params, result }) => params?.['progress'] ?? result?.structuredContent)), answers.map((_, n) => [n + 1, { n }]))
  t.equal(app.core.inFlight.size, 0)
})

t.test('what a handler throws is never shown where it is to be masked', async (t) => {
  const app = await build(t, { server: { maskHandlerErrors: true }, prompts: [{ name: 'p', handler: { type: 'registry', name: 'fail' } }], resources: [{ uri: 'a:b', name: 'r', handler: { type: 'registry', name: 'fail' } }] }, { tools: { fail: () => { throw new Error('hunter2') } } })
  for (const answer of [await modern(app, 'tools/call', { name: 'fail' }), await modern(app, 'prompts/get', { name: 'p' }), await modern(app, 'resources/read', { uri: 'a:b' })]) {
    t.notMatch(answer.text, /hunter2|at .*\.ts/)
    t.match(answer.text, /failed\. The server log has the reason/)
  }
})
