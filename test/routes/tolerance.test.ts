import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import t from 'tap'
import { buildStdioApp } from '../../src/app.ts'
import { LineConnection } from '../../src/core/line-connection.ts'
import { localPrincipal } from '../../src/core/principals.ts'
import { deviations, type Deviation, type DeviationName } from '../../src/core/tolerance.ts'
import { build, configOf, envelope, initialize, modern, openSession, post, readAnswer, type Answer, type GantryApp, type HeaderValues, type JsonObject, type Message, type Test } from '../helpers/build.ts'
import { deferred, until } from '../helpers/waiting.ts'

type Strictness = 'lenient' | 'strict'
type Sessions = 'stateful' | 'stateless'

const prompts = [{ name: 'greet', arguments: [{ name: 'who', required: true }, { name: 'age' }], template: '{{who}} {{age}}' }]
const configFor = (strictness: Strictness, sessions: Sessions = 'stateful'): JsonObject => ({ prompts, server: { protocol: { strictness, sessions } } })
const tools = { echo: (args: JsonObject): JsonObject => args }

const open = (t: Test, strictness: Strictness, sessions?: Sessions): Promise<GantryApp> => build(t, configFor(strictness, sessions), { tools })

/** What was counted, as plain objects. */
function counted (app: GantryApp): Record<string, Record<string, number>> {
  return Object.fromEntries([...app.core.tolerated].map(([client, counts]) => [client, Object.fromEntries(counts)]))
}

const request = (method: string, params?: unknown, id: unknown = 7): JsonObject => ({ jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) })

/** A deviation in a message, which can be made over every door. `served` and `refused` are what comes back for it. */
interface MessageCase {
  readonly name: DeviationName
  readonly message: JsonObject
  /** Undefined where nothing is answered. */
  readonly served?: JsonObject
  readonly refused: JsonObject
  /** Refused before it reaches a method: over HTTP with this status. */
  readonly status?: number
  /** What needs a session, or the lack of one. */
  readonly only?: Sessions
}

const invalidRequest = { error: { code: -32600 } }
const invalidParams = { id: 7, error: { code: -32602 } }
const echoed = { id: 7, result: { content: [{ text: '{}' }] } }
const called = { name: 'echo' }
const asked = (who: unknown, more: JsonObject = {}): JsonObject => request('prompts/get', { name: 'greet', arguments: { who, ...more } })
const greeting = (text: string): JsonObject => ({ id: 7, result: { messages: [{ content: { text } }] } })
const listed = { id: 7, result: { tools: [{ name: 'echo' }] } }

const messageCases: readonly MessageCase[] = [
  { name: 'params-null', message: { ...request('tools/list'), params: null }, served: listed, refused: { id: 7, ...invalidRequest }, status: 400 },
  { name: 'params-empty-list', message: request('tools/list', []), served: listed, refused: { id: 7, ...invalidRequest }, status: 400 },
  { name: 'jsonrpc-missing', message: { id: 7, method: 'tools/list' }, served: listed, refused: { id: 7, ...invalidRequest }, status: 400 },
  { name: 'notification-id-null', message: { jsonrpc: '2.0', id: null, method: 'notifications/roots/list_changed' }, refused: invalidRequest, status: 400 },
  { name: 'notification-with-id', message: request('notifications/initialized', {}), served: { id: 7, result: {} }, refused: { id: 7, error: { code: -32601 } } },
  { name: 'response-null-member', message: { jsonrpc: '2.0', id: 'x', result: {}, error: null }, refused: { id: 'x', ...invalidRequest }, status: 400 },
  { name: 'meta-type', message: request('tools/call', { ...called, _meta: null }), served: echoed, refused: invalidParams },
  { name: 'meta-type', message: request('tools/list', { _meta: [] }), served: listed, refused: invalidParams },
  { name: 'progress-token-type', message: request('tools/call', { ...called, _meta: { progressToken: null } }), served: echoed, refused: invalidParams },
  { name: 'progress-token-type', message: request('tools/call', { ...called, _meta: { progressToken: {} } }), served: echoed, refused: invalidParams },
  { name: 'arguments-null', message: request('tools/call', { ...called, arguments: null }), served: echoed, refused: invalidParams },
  { name: 'arguments-empty-list', message: request('tools/call', { ...called, arguments: [] }), served: echoed, refused: invalidParams },
  { name: 'cursor-null', message: request('tools/list', { cursor: null }), served: listed, refused: invalidParams },
  { name: 'cursor-empty', message: request('tools/list', { cursor: '' }), served: listed, refused: invalidParams },
  { name: 'prompt-argument-type', message: asked(5), served: greeting('5 '), refused: invalidParams },
  { name: 'prompt-argument-type', message: asked(false), served: greeting('false '), refused: invalidParams },
  { name: 'prompt-argument-type', message: asked('ann', { age: null }), served: greeting('ann '), refused: invalidParams },
  { name: 'prompt-argument-unknown', message: asked('ann', { mood: 'x' }), served: greeting('ann '), refused: invalidParams },
  { name: 'log-level-spelling', message: request('logging/setLevel', { level: 'INFO' }), served: { id: 7, result: {} }, refused: invalidParams, only: 'stateful' },
  { name: 'log-level-spelling', message: request('logging/setLevel', { level: 'Warn' }), served: { id: 7, result: {} }, refused: invalidParams, only: 'stateful' }
]

/** Lacks of an initialize. The client is counted under the name that it gives, if it does. */
const handshakeCases: readonly { name: DeviationName, params: JsonObject, client: string }[] = [
  { name: 'initialize-no-version', params: { capabilities: {}, clientInfo: { name: 'ann', version: '1' } }, client: 'ann' },
  { name: 'initialize-no-version', params: { protocolVersion: 5, capabilities: {}, clientInfo: { name: 'ann', version: '1' } }, client: 'ann' },
  { name: 'initialize-no-capabilities', params: { protocolVersion: '2025-06-18', clientInfo: { name: 'ann', version: '1' } }, client: 'ann' },
  { name: 'initialize-no-capabilities', params: { protocolVersion: '2025-06-18', capabilities: null, clientInfo: { name: 'ann', version: '1' } }, client: 'ann' },
  { name: 'initialize-no-client-info', params: { protocolVersion: '2025-06-18', capabilities: {} }, client: 'unknown' },
  { name: 'initialize-no-client-info', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { version: '1' } }, client: 'unknown' }
]

interface HttpCase {
  readonly name: DeviationName
  readonly send: (client: HttpClient) => Promise<Answer>
  readonly served: JsonObject
  readonly refused: number
  /** Both unless given. */
  readonly only?: Sessions
  /** For what comes with initialize. */
  readonly client?: string
}
const pong = { status: 200, message: { id: 7, result: {} } }
const ping = request('ping')

const httpCases: readonly HttpCase[] = [
  { name: 'accept-missing', send: ({ post }) => post(ping, { accept: undefined }), served: pong, refused: 406 },
  { name: 'accept-one-type', send: ({ post }) => post(ping, { accept: 'application/json' }), served: pong, refused: 406 },
  { name: 'accept-one-type', send: ({ post }) => post(ping, { accept: 'text/event-stream' }), served: pong, refused: 406 },
  { name: 'version-header-missing', send: ({ post }) => post(ping, { 'mcp-protocol-version': undefined }), served: pong, refused: 400, only: 'stateful' },
  { name: 'version-header-other', send: ({ post }) => post(ping, { 'mcp-protocol-version': '2025-06-18' }), served: pong, refused: 400, only: 'stateful' },
  { name: 'session-id-on-initialize', send: ({ post }) => post(initialize('2025-11-25'), { 'mcp-session-id': 'left-over' }), served: { status: 200, message: { result: { protocolVersion: '2025-11-25' } } }, refused: 400, client: 'test' },
  { name: 'trailing-slash', send: ({ post }) => post(ping, {}, '/mcp/'), served: pong, refused: 404 }
]

/** What a client did before its first request, over a pair of streams. */
const lifecycleCases: readonly { name: DeviationName, before: readonly JsonObject[], client: string }[] = [
  { name: 'request-before-initialize', before: [], client: 'unknown' },
  { name: 'request-before-initialized', before: [initialize('2025-11-25')], client: 'test' },
  { name: 'initialized-name', before: [initialize('2025-11-25'), { jsonrpc: '2.0', method: 'initialized' }], client: 'test' }
]

interface HttpClient { post (body: unknown, headers?: HeaderValues, url?: string): Promise<Answer> }

/** A client of 2025-11-25 that has done all it should so far. */
async function clientOf (app: GantryApp, sessions: Sessions): Promise<HttpClient> {
  const headers: HeaderValues = sessions === 'stateful' ? (await openSession(app)).headers : { 'mcp-protocol-version': '2025-11-25' }
  return { post: (body, more = {}, url) => post(app, body, { ...headers, ...more }, url) }
}

t.test('every deviation has a case over every door where it can occur', async (t) => {
  const overHttp = new Set<string>([...messageCases, ...handshakeCases, ...httpCases].map(({ name }) => name))
  const table = Object.entries<Deviation>(deviations)
  t.strictSame([...overHttp].sort(), table.filter(([, { where }]) => where !== 'stdio, HTTP+SSE').map(([name]) => name).sort())
  const overLines = new Set<string>([...messageCases, ...handshakeCases, ...lifecycleCases].map(({ name }) => name))
  t.strictSame([...overLines].sort(), table.filter(([, { where }]) => where !== 'HTTP').map(([name]) => name).sort())
})

for (const sessions of ['stateful', 'stateless'] as const) {
  const client = sessions === 'stateful' ? 'test' : 'unknown'

  t.test(`over HTTP, ${sessions}: what deviates in a message is served and counted, or refused`, async (t) => {
    for (const { name, message, served, refused, status = 200, only = sessions } of messageCases) {
      if (only !== sessions) continue
      const what = `${name}: ${JSON.stringify(message)}`
      const app = await open(t, 'lenient', sessions)
      const answer = await (await clientOf(app, sessions)).post(message)
      if (served === undefined) t.strictSame([answer.status, answer.text], [202, ''], what)
      else t.match(answer, { status: 200, message: served }, what)
      t.strictSame(counted(app), { [client]: { [name]: 1 } }, what)

      const strict = await open(t, 'strict', sessions)
      t.match(await (await clientOf(strict, sessions)).post(message), { status, message: refused }, `strict ${what}`)
      t.strictSame(counted(strict), {}, what)
    }
  })

  t.test(`over HTTP, ${sessions}: what initialize lacks is made up for and counted, or asked for`, async (t) => {
    for (const { name, params, client } of handshakeCases) {
      const what = `${name}: ${JSON.stringify(params)}`
      const app = await open(t, 'lenient', sessions)
      t.match(await post(app, request('initialize', params)), { status: 200, message: { id: 7, result: { protocolVersion: /^2025-/ } } }, what)
      t.strictSame(counted(app), { [client]: { [name]: 1 } }, what)

      const strict = await open(t, 'strict', sessions)
      const refused = await post(strict, request('initialize', params))
      t.match(refused, { status: 400, message: invalidParams }, `strict ${what}`)
      t.notOk('mcp-session-id' in refused.headers, 'and no session is opened')
    }
  })

  t.test(`over HTTP, ${sessions}: what deviates in the way a message is sent is served and counted, or refused`, async (t) => {
    for (const { name, send, served, refused, only = sessions, client: counts = client } of httpCases) {
      if (only !== sessions) continue
      const app = await open(t, 'lenient', sessions)
      t.match(await send(await clientOf(app, sessions)), served, name)
      t.strictSame(counted(app), { [counts]: { [name]: 1 } }, name)

      const strict = await open(t, 'strict', sessions)
      t.equal((await send(await clientOf(strict, sessions))).status, refused, `strict ${name}`)
      t.strictSame(counted(strict), {}, name)
    }
  })

  t.test(`over HTTP, ${sessions}: a client that does as it should is served alike in both modes, and counted in none`, async (t) => {
    for (const strictness of ['lenient', 'strict'] as const) {
      const app = await open(t, strictness, sessions)
      const { post } = await clientOf(app, sessions)
      t.equal((await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status, 202)
      t.match(await post(request('tools/call', { ...called, arguments: { a: 1 }, _meta: { progressToken: 1 } })), { status: 200, message: { id: 7, result: { structuredContent: { a: 1 } } } })
      t.match(await post(asked('ann', { age: '5' })), { message: greeting('ann 5') })
      if (sessions === 'stateful') t.match(await post(request('logging/setLevel', { level: 'info' })), { message: { result: {} } })
      for (const accept of ['application/json, text/event-stream', 'text/event-stream,application/json;q=0.5', '*/*', 'application/*, text/*']) t.match(await post(ping, { accept }), pong, accept)
      t.match(await modern(app, 'tools/call', { ...called, arguments: {} }), { status: 200, message: { result: { resultType: 'complete' } } })
      t.strictSame(counted(app), {}, strictness)
    }
  })
}

t.test('several deviations of one request are counted each, under the name of the client', async (t) => {
  const app = await open(t, 'lenient')
  const { post } = await clientOf(app, 'stateful')
  for (let n = 0; n < 2; n++) t.match(await post({ id: 7, method: 'tools/list', params: null }, { accept: undefined, 'mcp-protocol-version': undefined }, '/mcp/'), { status: 200, message: listed })
  t.strictSame(counted(app), { test: { 'trailing-slash': 2, 'accept-missing': 2, 'version-header-missing': 2, 'jsonrpc-missing': 2, 'params-null': 2 } })
})

t.test('clients of 2026-07-28 are borne with in the same way, under the name in their envelope', async (t) => {
  const meta = { 'io.modelcontextprotocol/clientInfo': { name: 'mia', version: '1' } }
  const rows: [DeviationName, method: string, params: JsonObject, more: JsonObject][] = [
    ['arguments-null', 'tools/call', { ...called, arguments: null }, {}], ['arguments-empty-list', 'tools/call', { ...called, arguments: [] }, {}],
    ['cursor-null', 'tools/list', { cursor: null }, {}], ['cursor-empty', 'tools/list', { cursor: '' }, {}],
    ['prompt-argument-type', 'prompts/get', { name: 'greet', arguments: { who: 5 } }, {}], ['prompt-argument-unknown', 'prompts/get', { name: 'greet', arguments: { who: 'x', mood: 'y' } }, {}],
    ['progress-token-type', 'tools/call', called, { progressToken: null }]
  ]
  for (const [name, method, params, more] of rows) {
    const app = await open(t, 'lenient')
    t.match(await modern(app, method, params, { meta: { ...meta, ...more } }), { status: 200, message: { result: { resultType: 'complete' } } }, name)
    t.strictSame(counted(app), { mia: { [name]: 1 } }, name)
    t.match(await modern(await open(t, 'strict'), method, params, { meta: { ...meta, ...more } }), { status: 200, message: { error: { code: -32602 } } }, `strict ${name}`)
  }
  const app = await open(t, 'lenient')
  t.equal((await modern(app, 'tools/list', {}, { meta, headers: { accept: undefined } })).status, 200)
  t.strictSame(counted(app), { mia: { 'accept-missing': 1 } })
  t.equal((await modern(await open(t, 'strict'), 'tools/list', {}, { headers: { accept: undefined } })).status, 406)
})

t.test('what others rely on is refused in both modes, and counted in none', async (t) => {
  for (const strictness of ['lenient', 'strict'] as const) {
    const app = await open(t, strictness)
    const session = await openSession(app)
    const older = await openSession(app, '2025-06-18')
    await app.sessions?.create({ id: 'theirs', revision: '2025-11-25', principal: 'somebody', clientCapabilities: {}, clientName: undefined, logLevel: 'info', subscriptions: [], streamId: undefined })
    const rows: [what: string, answer: Answer, status: number][] = [
      ['a missing version header of 2026', await modern(app, 'tools/list', {}, { headers: { 'mcp-protocol-version': undefined } }), 400],
      ['another version header than the body\'s', await modern(app, 'tools/list', {}, { headers: { 'mcp-protocol-version': '2025-11-25' } }), 400],
      ['a missing method header', await modern(app, 'tools/list', {}, { headers: { 'mcp-method': undefined } }), 400],
      ['another method header', await modern(app, 'tools/list', {}, { headers: { 'mcp-method': 'prompts/list' } }), 400],
      ['another name header', await modern(app, 'tools/call', called, { headers: { 'mcp-name': 'other' } }), 400],
      ['a missing envelope', await post(app, request('tools/list', { _meta: null }), { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }), 400],
      ['a session of somebody else', await post(app, ping, { 'mcp-session-id': 'theirs' }), 404],
      ['an unknown session', await post(app, ping, { 'mcp-session-id': 'nobodys' }), 404],
      ['no session', await post(app, ping), 400],
      ['a foreign host', await session.post(ping, { host: 'evil.example' }), 403],
      ['a foreign origin', await session.post(ping, { origin: 'https://evil.example' }), 403],
      ['a foreign origin with a slash at the end', await post(app, ping, { ...session.headers, origin: 'https://evil.example' }, '/mcp/'), 403],
      ['text/plain', await session.post(ping, { 'content-type': 'text/plain' }), 415],
      ['no type', await session.post(ping, { 'content-type': undefined }), 415],
      ['a batch where there are none', await older.post([ping]), 400],
      ['an unknown version header', await session.post(ping, { 'mcp-protocol-version': '2025-12-24' }), 400],
      ['a version header of the other era', await session.post({ jsonrpc: '2.0', id: 'x', result: {} }, { 'mcp-protocol-version': '2026-07-28' }), 400],
      ['a request with a null id', await session.post(request('ping', undefined, null)), 400],
      ['a fractional id', await session.post(request('ping', undefined, 1.5)), 400],
      ['another JSON-RPC', await session.post({ ...ping, jsonrpc: '1.0' }), 400]
    ]
    for (const [what, { status }, expected] of rows) t.equal(status, expected, `${strictness}: ${what}`)
    for (const args of ['{}', '', '{"a":1}', [1], 5, true]) t.match((await session.post(request('tools/call', { ...called, arguments: args }))).message, invalidParams, `${strictness}: arguments ${JSON.stringify(args)}`)
    for (const who of [['x'], { a: 1 }]) t.match((await session.post(asked(who))).message, invalidParams, `${strictness}: ${JSON.stringify(who)}`)
    for (const level of ['loud', '', 'warnings', 5, null, 'INFO '.repeat(1_000)]) t.match((await session.post(request('logging/setLevel', { level }))).message, invalidParams, `${strictness}: ${String(level).slice(0, 20)}`)
    for (const cursor of ['x', 5, {}, false]) t.match((await session.post(request('tools/list', { cursor }))).message, invalidParams, `${strictness}: ${JSON.stringify(cursor)}`)
    t.strictSame(counted(app), {}, strictness)
  }
})

t.test('a lenient server keeps its own rules about prompts: what is required is required, what is listed is listed', async (t) => {
  const app = await build(t, { ...configFor('lenient'), prompts: [{ name: 'pick', arguments: [{ name: 'size', required: true, enum: ['1', '2'] }], template: '{{size}}' }] })
  const pick = (args: JsonObject): Promise<Answer> => modern(app, 'prompts/get', { name: 'pick', arguments: args })
  t.match((await pick({ size: 1 })).message, { result: { messages: [{ content: { text: '1' } }] } })
  t.match((await pick({ size: 3 })).message, { error: { code: -32602, message: /must be one of/ } })
  t.match((await pick({ size: null })).message, { error: { code: -32602, message: /is required/ } })
  t.match((await pick({ constructor: 'x', toString: 'y' })).message, { error: { code: -32602, message: /is required/ } })
})

t.test('a path with a slash at its end is served without one, and the root is served once', async (t) => {
  const app = await build(t, { server: { path: '/api/mcp/' } })
  t.match(await post(app, initialize('2025-11-25'), {}, '/api/mcp/'), { status: 200 })
  t.strictSame(counted(app), {})
  t.match(await post(app, initialize('2025-11-25'), {}, '/api/mcp'), { status: 200 })
  t.strictSame(counted(app), { test: { 'trailing-slash': 1 } })
  t.match(await post(await build(t, { server: { path: '/' } }), initialize('2025-11-25'), {}, '/'), { status: 200 })
  t.match(await post(app, initialize('2025-11-25'), {}, '/api/mcp//'), { status: 404 })
})

t.test('sessions go on over the path with a slash: streams, ends and the methods that are not there', async (t) => {
  const app = await open(t, 'lenient')
  const { headers } = await openSession(app)
  const sent = async (method: 'GET' | 'DELETE' | 'PUT'): Promise<Answer> => readAnswer(await app.inject({ method, url: '/mcp/', headers: { ...headers, accept: 'application/json' } as Record<string, string> }))
  t.equal((await sent('PUT')).status, 405)
  t.equal((await sent('GET')).status, 406)
  t.equal((await sent('DELETE')).status, 204)
  t.equal((await sent('DELETE')).status, 404)
})

t.test('a GET without an Accept header opens the stream of the session, or is refused', async (t) => {
  for (const strictness of ['lenient', 'strict'] as const) {
    const app = await open(t, strictness)
    const { headers } = await openSession(app)
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    const { request } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      request(`${address}/mcp`, { headers: headers as Record<string, string> }, (answer) => { resolve(answer.statusCode); answer.destroy() }).on('error', reject).end()
    })
    t.equal(status, strictness === 'lenient' ? 200 : 406)
    t.strictSame(counted(app), strictness === 'lenient' ? { test: { 'accept-missing': 1 } } : {})
  }
})

t.test('a notification with an id does what it says: a cancel cancels', async (t) => {
  const started = deferred<AbortSignal>()
  const app = await build(t, configFor('lenient'), { tools: { hang: async (_args, { signal }) => { started.resolve(signal); return await new Promise(() => {}) } } })
  const session = await openSession(app)
  const call = session.call('tools/call', { name: 'hang' }, { id: 'long' })
  const signal = await started.promise
  t.match(await session.call('notifications/cancelled', { requestId: 'long' }, { id: 8 }), { status: 200, message: { id: 8, result: {} } })
  t.ok(signal.aborted)
  t.strictSame((await call).messages, [])
})

t.test('an answer with a null beside its result reaches the call that asked', async (t) => {
  const app = await build(t, configFor('lenient'), { tools: { ask: async (_args, context) => (await context.elicit('Sure?', { type: 'object', properties: {} })).action } })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const session = await openSession(app, '2025-11-25', { elicitation: {} })
  const answer = await fetch(`${address}/mcp`, { method: 'POST', headers: { ...session.headers as Record<string, string>, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body: JSON.stringify(request('tools/call', { name: 'ask' })) })
  if (answer.body === null) throw new Error('There is no body.')
  let text = ''
  let isAnswered = false
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const question = /data: (\{.*"elicitation\/create".*\})\n/.exec(text)?.[1]
    if (question === undefined || isAnswered) continue
    isAnswered = true
    const { id } = JSON.parse(question) as Message
    t.equal((await session.post({ jsonrpc: '2.0', id, result: { action: 'decline' }, error: null })).status, 202)
  }
  t.match(text, /"text":"decline"/)
})

t.test('batches of 2025-03-26 are borne with element by element', async (t) => {
  const app = await open(t, 'lenient')
  const session = await openSession(app, '2025-03-26')
  t.match((await session.post([{ id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'ping', params: null }, { jsonrpc: '2.0', id: null, method: 'notifications/x' }, { jsonrpc: '2.0', id: null, method: 'ping' }])).messages, [
    { id: 1, result: {} }, { id: 2, result: {} }, invalidRequest
  ])
  t.strictSame(counted(app), { test: { 'jsonrpc-missing': 1, 'params-null': 1, 'notification-id-null': 1 } })
  const strict = await openSession(await open(t, 'strict'), '2025-03-26')
  t.match((await strict.post([{ id: 1, method: 'ping' }])).messages, [{ id: 1, ...invalidRequest }])
})

/** The client on a pair of streams. */
interface Line { app: GantryApp, ask (...messages: unknown[]): Promise<Message[]> }

async function line (t: Test, strictness: Strictness): Promise<Line> {
  const app = await buildStdioApp({ config: configOf(configFor(strictness), ['echo']), baseDir: process.cwd(), handlers: new Map(Object.entries(tools)) })
  t.teardown(() => app.close())
  await app.ready()
  const written: Message[] = []
  const connection = new LineConnection({ core: app.core, logger: app.core.logger, principal: localPrincipal, requests: app.serverRequests, maxLineBytes: 10_000, write: (text) => { written.push(JSON.parse(text) as Message) } })
  return {
    app,
    async ask (...messages) {
      const before = written.length
      for (const message of messages) connection.receive(JSON.stringify(message))
      await connection.settled()
      return written.slice(before)
    }
  }
}
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

t.test('over stdio: what deviates in a message is served and counted, or refused', async (t) => {
  for (const { name, message, served, refused } of messageCases) {
    const what = `${name}: ${JSON.stringify(message)}`
    const lenient = await line(t, 'lenient')
    await lenient.ask(initialize('2025-11-25'), initialized)
    t.match(await lenient.ask(message), served === undefined ? [] : [served], what)
    t.strictSame(counted(lenient.app), { test: { [name]: 1 } }, what)

    const strict = await line(t, 'strict')
    await strict.ask(initialize('2025-11-25'), initialized)
    t.match(await strict.ask(message), [refused], `strict ${what}`)
    t.strictSame(counted(strict.app), {}, what)
  }
})

t.test('over stdio: what initialize lacks is made up for and counted, or asked for', async (t) => {
  for (const { name, params, client } of handshakeCases) {
    const what = `${name}: ${JSON.stringify(params)}`
    const lenient = await line(t, 'lenient')
    t.match(await lenient.ask(request('initialize', params)), [{ id: 7, result: { protocolVersion: /^2025-/ } }], what)
    t.strictSame(counted(lenient.app), { [client]: { [name]: 1 } }, what)
    t.match(await (await line(t, 'strict')).ask(request('initialize', params)), [invalidParams], `strict ${what}`)
  }
})

t.test('over stdio: requests that come too early are served and counted, or refused; ping may always come', async (t) => {
  for (const { name, before, client } of lifecycleCases) {
    const lenient = await line(t, 'lenient')
    await lenient.ask(...before)
    t.match(await lenient.ask(request('tools/list')), [listed], name)
    t.match(await lenient.ask(ping), [{ id: 7, result: {} }], name)
    t.strictSame(counted(lenient.app), { [client]: { [name]: 1 } }, name)

    const strict = await line(t, 'strict')
    await strict.ask(...before)
    t.match(await strict.ask(request('tools/list')), [{ id: 7, error: { code: -32600, message: /before its first request/ } }], `strict ${name}`)
    t.match(await strict.ask(ping), [{ id: 7, result: {} }], `strict ${name}`)
    await strict.ask(...(before.length === 0 ? [initialize('2025-11-25')] : []), initialized)
    t.match(await strict.ask(request('tools/list')), [listed], 'and is served when it has done what it should')
  }
})

t.test('over stdio: clients of 2026-07-28 owe no handshake', async (t) => {
  const strict = await line(t, 'strict')
  t.match(await strict.ask(request('tools/list', { _meta: envelope() })), [{ id: 7, result: { resultType: 'complete' } }])
  const lenient = await line(t, 'lenient')
  const meta = envelope({ 'io.modelcontextprotocol/clientInfo': { name: 'mia', version: '1' } })
  t.match(await lenient.ask(request('tools/list', { cursor: null, _meta: meta })), [{ id: 7, result: { resultType: 'complete' } }])
  t.strictSame(counted(lenient.app), { mia: { 'cursor-null': 1 } })
})

t.test('the official clients deviate in nothing', async (t) => {
  for (const strictness of ['lenient', 'strict'] as const) {
    const app = await open(t, strictness)
    const url = new URL(`${await app.listen({ port: 0, host: '127.0.0.1' })}/mcp`)
    const old = new OldClient({ name: 'old', version: '1' })
    // Its members may be undefined, which exactOptionalPropertyTypes tells from absent.
    await old.connect(new OldTransport(url) as Transport)
    const clients = [old, ...await Promise.all((['legacy', 'auto'] as const).map(async (mode) => {
      const client = new NewClient({ name: mode, version: '1' }, { versionNegotiation: { mode } })
      await client.connect(new NewTransport(url))
      return client
    }))]
    for (const client of clients) {
      t.match(await client.listTools(), { tools: [{ name: 'echo' }] })
      t.match(await client.callTool({ name: 'echo' }), { content: [{ text: '{}' }] })
      t.match(await client.getPrompt({ name: 'greet', arguments: { who: 'ann' } }), { messages: [{ content: { text: 'ann ' } }] })
      await client.close()
    }
    t.strictSame(counted(app), {}, strictness)
  }
})

t.test('who invents names of clients gets no memory for it', async (t) => {
  const app = await open(t, 'lenient')
  for (let n = 0; n < 150; n++) {
    const params = { protocolVersion: '2025-11-25', clientInfo: { name: `client-${n}-${'x'.repeat(200)}`, version: '1' } }
    t.equal((await post(app, request('initialize', params))).status, 200)
  }
  t.equal(app.core.tolerated.size, 101)
  t.ok([...app.core.tolerated.keys()].every((name) => name.length <= 64))
  t.equal(app.core.tolerated.get('other')?.get('initialize-no-capabilities'), 50)
  await until('nothing is left running', () => app.core.inFlight.size === 0)
})
