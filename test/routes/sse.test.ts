import { once } from 'node:events'
import { mock } from 'node:test'
import t from 'tap'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema, LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema, type ClientCapabilities, type Progress } from '@modelcontextprotocol/sdk/types.js'
import { fastify } from 'fastify'
import { configFromObject } from '../../src/config/load.ts'
import type { HandlerContext, JsonObject, ToolHandler } from '../../src/core/ports.ts'
import jsonBody from '../../src/plugins/json-body.ts'
import sseRoutes from '../../src/routes/sse.ts'
import { build, initialize, openSession, post, type BuildOptions, type GantryApp, type HeaderValues, type Message, type Test } from '../helpers/build.ts'
import { keepingLogger } from '../helpers/exchange.ts'
import { startRedis } from '../helpers/redis.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

const enabled = (server: JsonObject = {}, protocol: JsonObject = {}): JsonObject => ({ ...server, protocol: { httpSse: { enabled: true }, ...protocol } })

interface Server { app: GantryApp, url: string }

async function serve (t: Test, tools: Record<string, ToolHandler> = {}, config: JsonObject = {}, options: BuildOptions = {}): Promise<Server> {
  const app = await build(t, { server: enabled(), ...config }, { tools, ...options })
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** The official client of the 2025 era over the old transport. */
async function connect (t: Test, { url }: Server, capabilities: ClientCapabilities = {}, prepare: (client: Client) => void = () => {}): Promise<Client> {
  const client = new Client({ name: 'sdk-1-client', version: '1.0.0' }, { capabilities })
  prepare(client)
  // Its members may be undefined, which exactOptionalPropertyTypes tells from absent.
  await client.connect(new SSEClientTransport(new URL(`${url}/sse`)) as Transport)
  t.teardown(() => client.close())
  return client
}

/** A stream as it is on the wire. */
class RawStream {
  readonly response: Response
  readonly endpoint: string
  readonly #reader: ReadableStreamDefaultReader<string>
  readonly #connection: AbortController
  #text = ''

  private constructor (response: Response, reader: ReadableStreamDefaultReader<string>, connection: AbortController, first: string) {
    this.response = response
    this.#reader = reader
    this.#connection = connection
    this.endpoint = /^event: endpoint\ndata: ([^\n]*)$/.exec(first)?.[1] ?? `no endpoint: ${first}`
  }

  static async open (t: Test, url: string, headers: HeaderValues = {}): Promise<RawStream> {
    const connection = new AbortController()
    t.teardown(() => { connection.abort() })
    const response = await fetch(`${url}/sse`, { headers: { accept: 'text/event-stream', ...headers as Record<string, string> }, signal: connection.signal })
    if (response.status !== 200 || response.body === null) throw new Error(`No stream was opened: ${response.status} ${await response.text()}`)
    const stream = new RawStream(response, response.body.pipeThrough(new TextDecoderStream()).getReader(), connection, '')
    const first = await stream.event()
    return Object.assign(stream, { endpoint: /^event: endpoint\ndata: ([^\n]*)$/.exec(first ?? '')?.[1] ?? `no endpoint: ${first}` })
  }

  /** The text of the next event or comment; undefined at the end. */
  async event (): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end >= 0) {
        const event = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return event
      }
      const { value, done } = await this.#reader.read()
      if (done) return undefined
      this.#text += value
    }
  }

  async message (): Promise<Message | undefined> {
    const event = await this.event()
    if (event === undefined) return undefined
    const data = /^event: message\ndata: ([^\n]*)$/.exec(event)?.[1]
    return data === undefined ? await this.message() : JSON.parse(data) as Message
  }

  get sessionId (): string { return new URL(this.endpoint, 'http://x').searchParams.get('sessionId') ?? '' }

  close (): void { this.#connection.abort() }
}

interface PostAnswer { status: number, text: string, headers: Headers }

async function send (url: string, endpoint: string, body: unknown, headers: HeaderValues = {}): Promise<PostAnswer> {
  const answer = await fetch(`${url}${endpoint}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers as Record<string, string> }, body: typeof body === 'string' ? body : JSON.stringify(body) })
  return { status: answer.status, text: await answer.text(), headers: answer.headers }
}

const ping = (id: unknown = 1): JsonObject => ({ jsonrpc: '2.0', id, method: 'ping' })
const callOf = (id: unknown, name: string, args: JsonObject = {}): JsonObject => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })
const unknownId = '00000000-0000-4000-8000-000000000000'
const asks: ToolHandler = async (_args, context) => (await context.elicit('Sure?', { type: 'object', properties: {} })).action

/** A tool that hands its context out and then waits for nothing. */
function hanging (): { handler: ToolHandler, context: Promise<HandlerContext> } {
  const context = deferred<HandlerContext>()
  return { handler: async (_args, given) => { context.resolve(given); return await new Promise(() => {}) }, context: context.promise }
}

t.test('unless it is switched on, there is nothing at these paths', async (t) => {
  for (const server of [{}, { protocol: { httpSse: {} } }, { protocol: { httpSse: { path: '/sse', messagesPath: '/messages' } } }]) {
    const app = await build(t, { server })
    for (const [method, url] of [['GET', '/sse'], ['POST', '/sse'], ['POST', '/messages'], ['POST', `/messages?sessionId=${unknownId}`]] as const) {
      t.match(await app.inject({ method, url }), { statusCode: 404, headers: { 'content-type': 'application/problem+json; charset=utf-8' } }, `${method} ${url}`)
    }
  }
})

for (const [what, protocol] of [['by default', {}], ['stateless', { sessions: 'stateless' }], ['strict', { strictness: 'strict' }]] as const) {
  t.test(`the official client initializes, lists, calls, reads and completes: ${what}`, async (t) => {
    const server = await serve(t, { echo: (args) => args, fail: () => { throw new Error('no paper') } }, {
      server: enabled({}, protocol),
      tools: [{ name: 'echo', description: 'Says it again.', inputSchema: { type: 'object', properties: { n: { type: 'integer' } } } }],
      prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true, enum: ['ann', 'bob'] }], template: 'Hi {{who}}' }],
      resources: [{ uri: 'note://a', name: 'a', content: 'text' }]
    })
    const client = await connect(t, server)
    t.match(client.getServerCapabilities(), { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} })
    t.match((await client.listTools()).tools, [{ name: 'echo', description: 'Says it again.' }, { name: 'fail' }])
    t.match(await client.callTool({ name: 'echo', arguments: { n: 1 } }), { content: [{ type: 'text', text: '{"n":1}' }] })
    t.match(await client.callTool({ name: 'echo', arguments: { n: 'x' } }), { isError: true, content: [{ text: /n: must be integer/ }] })
    t.match(await client.callTool({ name: 'fail' }), { isError: true, content: [{ text: 'no paper' }] })
    await t.rejects(client.callTool({ name: 'missing' }), { code: -32602, message: /Unknown tool: missing/ })
    await t.rejects(client.readResource({ uri: 'note://b' }), { code: -32002 })
    t.match(await client.getPrompt({ name: 'greet', arguments: { who: 'ann' } }), { messages: [{ content: { text: 'Hi ann' } }] })
    t.match(await client.readResource({ uri: 'note://a' }), { contents: [{ text: 'text' }] })
    t.match(await client.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'b' } }), { completion: { values: ['bob'] } })
    await client.ping()
    t.equal(server.app.core.tolerated.size, 0, 'and deviates in nothing')
  })
}

t.test('progress and log messages come before the answer', async (t) => {
  const seen: unknown[] = []
  const server = await serve(t, {
    async work (_args, context) {
      for (const n of [1, 2]) {
        context.progress(n, 2, 'm')
        context.log('debug', n)
        // This client forgets who wants progress as soon as it has the answer.
        await until('it has been seen', () => seen.length === 2 * n)
      }
      return 'done'
    }
  })
  const client = await connect(t, server, {}, (client) => { client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => { seen.push(params.data) }) })
  await client.setLoggingLevel('debug')
  const result = await client.callTool({ name: 'work' }, undefined, { onprogress: ({ progress, total, message }: Progress) => { seen.push([progress, total, message]) } })
  t.match(result, { content: [{ text: 'done' }] })
  t.strictSame(seen, [[1, 2, 'm'], 1, [2, 2, 'm'], 2])
})

t.test('a client cancels its call', async (t) => {
  const hang = hanging()
  const server = await serve(t, { hang: hang.handler })
  const client = await connect(t, server)
  const abort = new AbortController()
  const call = client.callTool({ name: 'hang' }, undefined, { signal: abort.signal })
  const { signal } = await hang.context
  abort.abort('bored')
  await t.rejects(call, /bored/)
  await until('the handler has noticed', () => signal.aborted)
  await client.ping()
  await until('nothing is running', () => server.app.core.inFlight.size === 0)
})

t.test('the server asks its client in the middle of a call', async (t) => {
  const server = await serve(t, { ask: async (_args, context) => await context.elicit('Your name?', { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }), roots: async (_args, context) => await context.roots() })
  const client = await connect(t, server, { elicitation: {} }, (client) => {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ action: 'accept', content: { name: `Ann, asked "${params.message}"` } }))
  })
  t.match(await client.callTool({ name: 'ask' }), { content: [{ text: '{"action":"accept","content":{"name":"Ann, asked \\"Your name?\\""}}' }] })
  t.match(await client.callTool({ name: 'roots' }), { isError: true, content: [{ text: /did not declare/ }] })
})

t.test('a client is told of changes that it wants to hear of', async (t) => {
  const server = await serve(t, {}, { resources: [{ uri: 'note://a', name: 'a', content: 'x' }, { uri: 'note://b', name: 'b', content: 'x' }] })
  const seen: unknown[] = []
  const client = await connect(t, server, {}, (client) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => { seen.push('tools') })
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => { seen.push(params.uri) })
  })
  await client.subscribeResource({ uri: 'note://a' })
  for (const change of [{ kind: 'resource', uri: 'note://b' }, { kind: 'resource', uri: 'note://a' }, { kind: 'tools' }] as const) await server.app.core.changes.announce(change)
  await until('it was told', () => seen.length === 2)
  t.strictSame(seen, ['note://a', 'tools'])
})

t.test('the first event names a path of this server with a random session id, whatever headers say of hosts', async (t) => {
  const { url } = await serve(t)
  const ids = new Set<string>()
  for (const headers of [{}, { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example', 'x-forwarded-prefix': '/evil', 'mcp-session-id': unknownId }]) {
    const stream = await RawStream.open(t, url, headers)
    t.match(stream.endpoint, /^\/messages\?sessionId=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    t.match(Object.fromEntries(stream.response.headers), { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' })
    t.notOk(stream.response.headers.has('mcp-session-id'))
    ids.add(stream.sessionId)
  }
  t.equal(ids.size, 2)
})

t.test('a message is taken with 202 and nothing else, and answered on the stream', async (t) => {
  const { url } = await serve(t, { echo: (args) => args })
  const stream = await RawStream.open(t, url)
  const deliver = async (body: unknown): Promise<void> => {
    const { status, text } = await send(url, stream.endpoint, body)
    t.strictSame([status, text], [202, ''])
  }
  await deliver(initialize('2024-11-05'))
  t.match(await stream.message(), { id: 0, result: { protocolVersion: '2024-11-05' } })
  await deliver({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await deliver(callOf('a', 'echo', { text: 'one\nline\u2028' }))
  t.match(await stream.message(), { id: 'a', result: { content: [{ text: JSON.stringify({ text: 'one\nline\u2028' }) }] } })
  await deliver({ jsonrpc: '2.0', id: 5, method: 'nothing' })
  t.match(await stream.message(), { id: 5, error: { code: -32601 } })
  await deliver({ id: 6 })
  t.match(await stream.message(), { id: 6, error: { code: -32600 } })
  await deliver([ping(1)])
  t.match(await stream.message(), { error: { code: -32600 } }, 'a batch in a revision without')
})

t.test('batches go over this transport where the revision has them', async (t) => {
  const { url } = await serve(t)
  const stream = await RawStream.open(t, url)
  await send(url, stream.endpoint, initialize('2025-03-26'))
  await stream.message()
  await send(url, stream.endpoint, [ping(1), { jsonrpc: '2.0', method: 'notifications/initialized' }, ping('b')])
  t.match(await stream.message(), [{ id: 1, result: {} }, { id: 'b', result: {} }])
})

t.test('who does not know the session is told nothing but that', async (t) => {
  const { app, url } = await serve(t)
  const stream = await RawStream.open(t, url)
  const texts = new Set<string>()
  for (const id of [unknownId, 'x', '__proto__', `${stream.sessionId} `, stream.sessionId.toUpperCase(), 'x'.repeat(5_000), `http-sse\n${stream.sessionId}`]) {
    const { status, text } = await send(url, `/messages?sessionId=${encodeURIComponent(id)}`, ping())
    t.match([status, JSON.parse(text)], [404, { jsonrpc: '2.0', error: { code: -32600, message: /open the stream again/ } }], id.slice(0, 50))
    texts.add(text)
  }
  t.equal(texts.size, 1)
  for (const endpoint of ['/messages', '/messages?sessionId=', `/messages?session_id=${stream.sessionId}`, `${stream.endpoint}&sessionId=${unknownId}`]) {
    t.match(await send(url, endpoint, ping()), { status: 400, text: /lacks the sessionId/ }, endpoint)
  }
  t.equal((await send(url, stream.endpoint, ping())).status, 202)
  t.match(await stream.message(), { id: 1, result: {} })
  t.equal(app.core.inFlight.size, 0)
})

t.test('sessions of the one transport are unknown to the other', async (t) => {
  const { app, url } = await serve(t)
  const stream = await RawStream.open(t, url)
  t.equal((await post(app, ping(), { 'mcp-session-id': stream.sessionId })).status, 404)
  const { id } = await openSession(app)
  t.equal((await send(url, `/messages?sessionId=${id}`, ping())).status, 404)
})

t.test('only JSON is a body, and faults of it are answered to the post', async (t) => {
  const { url } = await serve(t, {}, { server: enabled({ maxRequestSize: 2_000 }) })
  const stream = await RawStream.open(t, url)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
    t.match(await send(url, stream.endpoint, JSON.stringify(ping()), { 'content-type': type }), { status: 415 }, type)
  }
  for (const [body, status, code] of [['{', 400, -32700], ['', 400, -32700], ['5', 400, -32600], ['null', 400, -32600], ['"x"', 400, -32600], ['{"__proto__":{}}', 400, -32700], [JSON.stringify({ x: 'y'.repeat(3_000) }), 413, -32600]] as const) {
    const answer = await send(url, stream.endpoint, body)
    t.match([answer.status, JSON.parse(answer.text)], [status, { jsonrpc: '2.0', error: { code } }], body.slice(0, 20))
  }
  t.equal((await fetch(`${url}${stream.endpoint}`, { method: 'POST' })).status, 400)
  await send(url, stream.endpoint, ping('last'))
  t.match(await stream.message(), { id: 'last' }, 'and nothing of it reached the stream')
})

t.test('pages of other sites reach neither endpoint', async (t) => {
  const { app, url } = await serve(t)
  const { endpoint } = await RawStream.open(t, url)
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { host: 'evil.example' }]) {
    t.equal((await app.inject({ method: 'GET', url: '/sse', headers })).statusCode, 403, JSON.stringify(headers))
    t.equal((await app.inject({ method: 'POST', url: endpoint, headers: { ...headers, 'content-type': 'application/json' }, payload: JSON.stringify(ping()) })).statusCode, 403, JSON.stringify(headers))
  }
})

t.test('other methods are told which one there is, so that clients find the right transport', async (t) => {
  const { app } = await serve(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD'] as const) t.match(await app.inject({ method, url: '/sse' }), { statusCode: 405, headers: { allow: 'GET' } }, method)
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD'] as const) t.match(await app.inject({ method, url: '/messages' }), { statusCode: 405, headers: { allow: 'POST' } }, method)
  t.match(await app.inject({ method: 'POST', url: '/sse', headers: { 'content-type': 'application/json' }, payload: JSON.stringify(initialize('2025-11-25')) }), { statusCode: 405 })
  for (const accept of ['application/json', 'text/html']) t.equal((await app.inject({ method: 'GET', url: '/sse', headers: { accept } })).statusCode, 406)
})

t.test('closing the stream ends the session: its calls are given up and its place is free', async (t) => {
  const hang = hanging()
  const server = await serve(t, { hang: hang.handler, ask: asks }, { server: enabled({ maxSessions: 1 }) })
  const { app, url } = server
  const stream = await RawStream.open(t, url)
  await send(url, stream.endpoint, initialize('2025-11-25', { elicitation: {} }))
  await stream.message()
  await send(url, stream.endpoint, callOf(1, 'hang'))
  await send(url, stream.endpoint, callOf(2, 'ask'))
  const { signal } = await hang.context
  t.match(await stream.message(), { method: 'elicitation/create' })
  t.equal((await fetch(`${url}/sse`)).status, 503, 'as many as are allowed, and not one more')
  t.equal((await post(app, initialize('2025-11-25'))).status, 503, 'counted with the sessions of the other transport')

  stream.close()
  await once(signal, 'abort')
  t.match(signal.reason, { code: 'MCP_CANCELLED' })
  await until('nothing is running', () => app.core.inFlight.size === 0 && app.serverRequests.size === 0)
  t.equal((await send(url, stream.endpoint, ping())).status, 404)
  const next = await RawStream.open(t, url)
  t.not(next.sessionId, stream.sessionId)
})

t.test('a client that goes away before its stream is there leaves nothing', async (t) => {
  const { app, url } = await serve(t, {}, { server: enabled({ maxSessions: 1 }) })
  const store = app.sseSessions
  if (store === undefined) throw new Error('There is no store.')
  const [begun, gone, go] = [deferred<string>(), deferred(), deferred()]
  const create = store.create.bind(store)
  store.create = async (record) => { begun.resolve(record.id); await go.promise; return await create(record) }
  app.server.once('request', (_request, response) => { response.once('close', gone.resolve) })
  const connection = new AbortController()
  const opening = fetch(`${url}/sse`, { signal: connection.signal }).catch((error: unknown) => error)
  const key = await begun.promise
  connection.abort()
  await Promise.all([opening, gone.promise])
  go.resolve()
  await turn()
  await until('the session is gone', () => store.get(key) === undefined)
  t.match(await RawStream.open(t, url), { endpoint: /sessionId/ }, 'and its place is free')
})

t.test('clients with equal ids do not mix, and none answers a question to another', async (t) => {
  const { url } = await serve(t, { echo: async (args) => { await turn(); return args }, ask: asks })
  const [ann, bob] = [await RawStream.open(t, url), await RawStream.open(t, url)]
  for (const stream of [ann, bob]) {
    await send(url, stream.endpoint, initialize('2025-11-25', { elicitation: {} }))
    await stream.message()
  }
  await Promise.all([send(url, ann.endpoint, callOf(1, 'echo', { n: 'ann' })), send(url, bob.endpoint, callOf(1, 'echo', { n: 'bob' }))])
  t.match(await ann.message(), { id: 1, result: { structuredContent: { n: 'ann' } } })
  t.match(await bob.message(), { id: 1, result: { structuredContent: { n: 'bob' } } })

  await send(url, ann.endpoint, callOf(2, 'ask'))
  const { id } = await ann.message() ?? {}
  const answer = (action: string): JsonObject => ({ jsonrpc: '2.0', id, result: { action } })
  t.equal((await send(url, bob.endpoint, answer('accept'))).status, 202)
  await send(url, bob.endpoint, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } })
  await send(url, ann.endpoint, answer('decline'))
  t.match(await ann.message(), { id: 2, result: { content: [{ text: 'decline' }] } })
})

t.test('a session belongs to who opened it: for anyone else there is none', async (t) => {
  const { app: whole } = await serve(t)
  const app = fastify()
  t.teardown(() => app.close())
  app.decorateRequest('principal', { getter () { return { kind: 'key' as const, name: String(this.headers['x-user']), permissions: ['*'], tier: undefined } } })
  app.decorate('sendCompressed', (_request, reply, text) => { reply.send(text) })
  app.decorate('core', whole.core)
  app.decorate('recordRefusal', () => {})
  if (whole.sseSessions === undefined) throw new Error('There is no store.')
  await app.register(jsonBody)
  await app.register(sseRoutes, { core: whole.core, path: '/sse', messagesPath: '/messages', sessions: whole.sseSessions, requests: whole.serverRequests, bus: whole.bus, idleTimeoutMs: 60_000 })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })

  const stream = await RawStream.open(t, url, { 'x-user': 'ann' })
  const theirs = await send(url, stream.endpoint, ping('bob'), { 'x-user': 'bob' })
  const unknown = await send(url, `/messages?sessionId=${unknownId}`, ping('bob'), { 'x-user': 'bob' })
  t.equal(theirs.status, 404)
  t.equal(theirs.text, unknown.text)
  t.equal((await send(url, stream.endpoint, ping('ann'), { 'x-user': 'ann' })).status, 202)
  t.match(await stream.message(), { id: 'ann' }, 'and nothing of the other came before')

  const elsewhere = { id: `http-sse\n${unknownId}`, revision: '2024-11-05', principal: 'ann', clientCapabilities: {}, clientName: undefined, logLevel: 'info', subscriptions: [], streamId: undefined } as const
  await whole.sseSessions.create(elsewhere)
  t.equal((await send(url, `/messages?sessionId=${unknownId}`, ping(), { 'x-user': 'bob' })).status, 404, 'wherever its stream is')
  t.equal((await send(url, `/messages?sessionId=${unknownId}`, ping(), { 'x-user': 'ann' })).status, 404, 'and for its owner too, when no instance has its stream any more')
  const passedOn: unknown[] = []
  await whole.bus.subscribe(`http-sse:${unknownId}`, (event) => { passedOn.push(event) })
  t.equal((await send(url, `/messages?sessionId=${unknownId}`, ping('ann'), { 'x-user': 'ann' })).status, 202, 'which gets what its owner sends')
  t.match(passedOn, [{ message: { id: 'ann' } }])
})

t.test('comments keep a silent stream alive', async (t) => {
  const { url } = await serve(t)
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  const stream = await RawStream.open(t, url)
  mock.timers.tick(15_000)
  t.equal(await stream.event(), ': keep-alive')
  mock.timers.reset()
})

t.test('a stream whose session the store has no more ends', async (t) => {
  const { app, url } = await serve(t, {}, { server: enabled({ sessionIdleTimeout: 100 }) })
  const stream = await RawStream.open(t, url)
  await send(url, stream.endpoint, ping())
  t.match(await stream.message(), { id: 1 })
  await app.sseSessions?.delete(`http-sse\n${stream.sessionId}`)
  t.equal(await stream.event(), undefined)
  t.equal((await send(url, stream.endpoint, ping())).status, 404)
})

t.test('the store of sessions may be away: no stream is opened then, and one that is there goes on', async (t) => {
  const logger = keepingLogger()
  const { app, url } = await serve(t, {}, { server: enabled({ sessionIdleTimeout: 50 }) }, { logger: Object.assign(logger, { fatal: logger.error, silent: logger.error, child: () => logger, level: 'info' }) as never })
  const stream = await RawStream.open(t, url)
  if (app.sseSessions === undefined) throw new Error('There is no store.')
  const { create, get } = app.sseSessions
  app.sseSessions.create = () => { throw new Error('hunter2') }
  app.sseSessions.get = () => { throw new Error('hunter2') }
  const refused = await fetch(`${url}/sse`)
  t.match([refused.status, await refused.text()], [500, /-32603/])
  await until('it was asked', () => logger.lines.some(({ sentence }) => /store of sessions/.test(sentence ?? '')))
  t.equal((await send(url, stream.endpoint, ping())).status, 202)
  t.match(await stream.message(), { id: 1 })
  Object.assign(app.sseSessions, { create, get })
})

t.test('while the server ends, calls that run are answered and streams end politely', async (t) => {
  const started = deferred()
  const finish = deferred<string>()
  const { app, url } = await serve(t, { slow: async () => { started.resolve(); return await finish.promise } })
  const stream = await RawStream.open(t, url)
  await send(url, stream.endpoint, callOf(1, 'slow'))
  await started.promise
  const closed = app.close()
  finish.resolve('done')
  t.match(await stream.message(), { id: 1, result: { content: [{ text: 'done' }] } })
  t.equal(await stream.event(), undefined)
  await closed
})

t.test('the paths are those of the configuration, and may not be taken', async (t) => {
  const paths = { enabled: true, path: '/old/events', messagesPath: '/old/posts' }
  const app = await build(t, { server: { protocol: { httpSse: paths } } })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.equal((await fetch(`${url}/sse`)).status, 404)
  const answer = await fetch(`${url}/old/events`)
  const { value } = await answer.body?.pipeThrough(new TextDecoderStream()).getReader().read() ?? {}
  t.match(value, /^event: endpoint\ndata: \/old\/posts\?sessionId=/)

  const faultsOf = (server: JsonObject): unknown => configFromObject({ server }).faults.map(({ path, message }) => [path.join('.'), message])
  const sse = 'server.protocol.httpSse'
  t.strictSame(faultsOf({ protocol: { httpSse: { enabled: true, path: '/mcp' } } }), [[`${sse}.path`, 'The path "/mcp" is taken by $.server.path.']])
  t.strictSame(faultsOf({ path: '/sse/', protocol: { httpSse: { enabled: true } } }), [[`${sse}.path`, 'The path "/sse" is taken by $.server.path.']])
  t.strictSame(faultsOf({ protocol: { httpSse: { enabled: true, messagesPath: '/sse' } } }), [[`${sse}.messagesPath`, 'The path "/sse" is taken by $.server.protocol.httpSse.path.']])
  t.strictSame(faultsOf({ protocol: { httpSse: { enabled: true, path: '/health', messagesPath: '/tools/x' } } }), [[`${sse}.path`, 'The path "/health" is taken by the health check.'], [`${sse}.messagesPath`, 'The path "/tools/x" is taken by the tools.']])
  t.strictSame(faultsOf({ protocol: { httpSse: { enabled: false, path: '/mcp' } } }), [], 'what is not served takes no path')
  t.match(faultsOf({ protocol: { httpSse: { enabled: true, path: 'sse' } } }), [[`${sse}.path`, /starts with "\/"/]])
})

t.test('with Redis, messages reach the stream through any instance', async (t) => {
  const redis = await startRedis(t)
  const tools = { ask: asks, echo: (args: JsonObject) => args }
  const [a, b] = [await serve(t, tools, { redis: redis.section() }), await serve(t, tools, { redis: redis.section() })]
  const stream = await RawStream.open(t, a.url)
  const deliver = async (body: unknown, { url } = b): Promise<void> => { t.equal((await send(url, stream.endpoint, body)).status, 202) }
  await deliver(initialize('2025-11-25', { elicitation: {} }))
  t.match(await stream.message(), { id: 0, result: { protocolVersion: '2025-11-25' } })
  await deliver({ jsonrpc: '2.0', method: 'notifications/initialized' }, a)
  for (let n = 1; n <= 20; n++) {
    await deliver(callOf(n, 'echo', { n }), n % 2 === 0 ? a : b)
    t.match(await stream.message(), { id: n, result: { structuredContent: { n } } })
  }
  await deliver(callOf('q', 'ask'))
  const { id } = await stream.message() ?? {}
  await deliver({ jsonrpc: '2.0', id, result: { action: 'accept' } })
  t.match(await stream.message(), { id: 'q', result: { content: [{ text: 'accept' }] } })

  t.equal((await send(b.url, `/messages?sessionId=${unknownId}`, ping())).status, 404)
  stream.close()
  let status = 0
  for (let tries = 0; tries < 1_000 && status !== 404; tries++) status = (await send(b.url, stream.endpoint, ping())).status
  t.equal(status, 404, 'and the other instance knows when it has ended')
})
