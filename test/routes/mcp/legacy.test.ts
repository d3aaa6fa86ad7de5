import t from 'tap'
import type { HandlerContext, JsonObject, ToolHandler } from '../../../src/core/ports.ts'
import { build, initialize, legacyRevisions, modern, openSession, post, type GantryApp } from '../../helpers/build.ts'
import { deferred, turn } from '../../helpers/waiting.ts'

const tools: Record<string, ToolHandler> = { echo: (args) => args }
const stateless = { server: { protocol: { sessions: 'stateless' } } }
const ping = (id: unknown = 1): JsonObject => ({ jsonrpc: '2.0', id, method: 'ping' })
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
const callOf = (id: unknown, name: string, args: JsonObject = {}): JsonObject => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })

t.test('a handshake settles the revision: the one asked for, or the latest', async (t) => {
  const app = await build(t, { name: 'shop', version: '3', instructions: 'Be kind.' })
  for (const revision of legacyRevisions) {
    const { result } = (await openSession(app, revision)).initialized
    const { capabilities, ...rest } = result ?? {}
    t.strictSame(rest, { protocolVersion: revision, serverInfo: { name: 'shop', version: '3' }, instructions: 'Be kind.' })
    t.strictSame(Object.keys(capabilities as object).sort(), [...(revision === '2024-11-05' ? [] : ['completions']), 'logging', 'prompts', 'resources', 'tools'])
  }
  for (const asked of ['2026-07-28', '1999-01-01', 'nonsense', '', 5, null, undefined, {}]) {
    t.match(await post(app, initialize(asked)), { status: 200, message: { result: { protocolVersion: '2025-11-25' } } }, JSON.stringify(asked))
  }
})

t.test('a handshake copes with a client that says nothing of itself', async (t) => {
  const app = await build(t)
  for (const params of [undefined, {}, { clientInfo: null, capabilities: null }, { clientInfo: 'x', capabilities: [] }, { clientInfo: { name: 5 } }]) {
    t.match(await post(app, { jsonrpc: '2.0', id: 'i', method: 'initialize', ...(params !== undefined && { params }) }), { status: 200, message: { id: 'i', result: { protocolVersion: '2025-11-25' } } })
  }
})

t.test('what a client says of its abilities is not kept by the megabyte', async (t) => {
  const app = await build(t)
  const { status, message, headers } = await post(app, initialize('2025-11-25', { experimental: { x: 'y'.repeat(1_000_000) } }))
  t.match([status, message], [400, { id: 0, error: { code: -32602, message: /too long/ } }])
  t.notOk('mcp-session-id' in headers)
})

t.test('initialize under the header of the later era is refused', async (t) => {
  const app = await build(t)
  t.match(await post(app, initialize('2025-11-25'), { 'mcp-protocol-version': '2026-07-28' }), { status: 400, message: { id: 0, error: { code: -32020 } } })
  t.match(await modern(app, 'initialize', { protocolVersion: '2025-11-25' }), { status: 404, message: { error: { code: -32601 } } })
})

t.test('a session has a random name of visible ASCII, and a client cannot choose it', async (t) => {
  const app = await build(t)
  const ids = new Set<string>()
  for (let n = 0; n < 20; n++) {
    const { headers } = await post(app, initialize('2025-11-25'), { 'mcp-session-id': 'chosen-by-me' })
    const id = String(headers['mcp-session-id'])
    t.match(id, /^[\x21-\x7e]{32,}$/)
    ids.add(id)
  }
  t.equal(ids.size, 20)
  t.match(await post(app, ping(), { 'mcp-session-id': 'chosen-by-me' }), { status: 404 })
})

t.test('without a session nothing but initialize is served, and the answer says what is missing', async (t) => {
  const app = await build(t, {}, { tools })
  for (const [what, body, id] of [['a request', callOf('a', 'echo'), 'a'], ['a ping', ping(0), 0], ['an unknown method', { ...ping(2), method: 'x' }, 2], ['a notification', initialized, undefined], ['an answer', { jsonrpc: '2.0', id: 1, result: {} }, undefined], ['a batch', [ping()], undefined]] as const) {
    const { status, message } = await post(app, body)
    t.match([status, message.error], [400, { code: -32600, message: /session/ }], what)
    t.strictSame(message.id, id, what)
    t.equal((await post(app, body, { 'mcp-session-id': '' })).status, 400, `${what}, empty id`)
  }
  for (const method of ['GET', 'DELETE'] as const) t.match(await app.inject({ method, url: '/mcp' }), { statusCode: 400, body: /session/ })
})

t.test('a session that is not there is 404 for everything', async (t) => {
  const app = await build(t, {}, { tools })
  for (const id of ['unknown', '00000000-0000-4000-8000-000000000000', '__proto__', 'x'.repeat(5_000)]) {
    const headers = { 'mcp-session-id': id }
    t.match(await post(app, callOf(5, 'echo'), headers), { status: 404, message: { id: 5, error: { code: -32600 } } })
    t.equal((await post(app, initialized, headers)).status, 404)
    t.equal((await post(app, { jsonrpc: '2.0', id: 1, result: {} }, headers)).status, 404)
    t.equal((await post(app, [ping()], headers)).status, 404)
    for (const method of ['GET', 'DELETE'] as const) t.equal((await app.inject({ method, url: '/mcp', headers })).statusCode, 404)
  }
})

t.test('DELETE ends a session for good', async (t) => {
  const app = await build(t, {}, { tools })
  const session = await openSession(app)
  const other = await openSession(app)
  t.equal((await session.call('ping')).status, 200)
  const ended = await session.send('DELETE')
  t.match([ended.status, ended.text], [204, ''])
  t.equal((await session.call('ping')).status, 404)
  t.equal((await session.send('DELETE')).status, 404)
  t.equal((await other.call('ping')).status, 200)
})

t.test('a session of somebody else is as unknown as one that never was', async (t) => {
  const app = await build(t, {}, { tools })
  const record = { revision: '2025-11-25', principal: 'somebody', clientCapabilities: {}, clientName: undefined, logLevel: 'info', subscriptions: [], streamId: undefined } as const
  await app.sessions?.create({ ...record, id: 'theirs' })
  const theirs = await post(app, callOf(1, 'echo'), { 'mcp-session-id': 'theirs' })
  const unknown = await post(app, callOf(1, 'echo'), { 'mcp-session-id': 'nobodys' })
  t.equal(theirs.status, 404)
  t.equal(theirs.text, unknown.text)
  for (const method of ['GET', 'DELETE'] as const) t.equal((await app.inject({ method, url: '/mcp', headers: { 'mcp-session-id': 'theirs' } })).statusCode, 404)
  t.ok(await app.sessions?.get('theirs'), 'and it goes on')
})

t.test('as many sessions as are allowed, and not one more', async (t) => {
  const app = await build(t, { server: { maxSessions: 3 } })
  const sessions = [await openSession(app), await openSession(app), await openSession(app)]
  const refused = await post(app, initialize('2025-11-25'))
  t.match([refused.status, refused.message], [503, { id: 0, error: { message: /as many sessions as it may/ } }])
  t.notOk('mcp-session-id' in refused.headers)
  for (const session of sessions) t.equal((await session.call('ping')).status, 200, 'those that are there stay')
  await sessions[0]?.send('DELETE')
  t.equal((await post(app, initialize('2025-11-25'))).status, 200)
})

t.test('a session that is not used for long enough ends, and makes room', async (t) => {
  let now = 1_000_000
  const app = await build(t, { server: { maxSessions: 2, sessionIdleTimeout: 60_000 } }, { clock: { now: () => now } })
  const used = await openSession(app)
  const idle = await openSession(app)
  now += 40_000
  t.equal((await used.call('ping')).status, 200)
  now += 40_000
  t.equal((await idle.call('ping')).status, 404)
  t.equal((await used.call('ping')).status, 200)
  now += 60_000
  t.equal((await used.call('ping')).status, 200, 'not before the time is over')
  now += 60_001
  t.equal((await openSession(app)).initialized.id, 0)
  t.equal((await openSession(app)).initialized.id, 0)
  t.equal((await used.call('ping')).status, 404)
})

t.test('the version header is held against what there is, and the session decides', async (t) => {
  const app = await build(t, { tools: [{ name: 'list', outputSchema: { type: 'array' } }] }, { tools: { list: () => [1] } })
  const session = await openSession(app, '2025-11-25')
  for (const version of ['2026-07-28', '1999-01-01', 'garbage', '2030-01-01', '', '2025-11-25, 2025-11-25']) {
    const { status, message } = await session.call('ping', {}, { id: 8, headers: { 'mcp-protocol-version': version } })
    t.match([status, message.id], [400, 8], version)
  }
  for (const version of ['2025-11-25', '2024-11-05', undefined]) {
    t.strictSame((await session.call('tools/call', { name: 'list' }, { headers: { 'mcp-protocol-version': version } })).message.result?.structuredContent, { result: [1] })
  }
})

t.test('methods that the era does not have are errors in an answer', async (t) => {
  const app = await build(t)
  const session = await openSession(app)
  for (const method of ['server/discover', 'subscriptions/listen', 'unknown', '', 'tools/Call', '__proto__', 'toString']) {
    t.match(await session.call(method, {}, { id: 4 }), { status: 200, message: { id: 4, error: { code: -32601 } } }, method)
  }
  t.match(await session.call('ping', {}, { id: 'p' }), { status: 200, message: { jsonrpc: '2.0', id: 'p', result: {} } })
})

t.test('notifications and answers are taken with 202 and nothing else', async (t) => {
  const app = await build(t)
  const session = await openSession(app)
  for (const body of [initialized, { jsonrpc: '2.0', method: 'unknown/notification', params: {} }, { jsonrpc: '2.0', id: 1, result: {} }, { jsonrpc: '2.0', id: 'x', error: { code: 1, message: 'no' } }, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: {} } }]) {
    const { status, text } = await session.post(body)
    t.strictSame([status, text], [202, ''], JSON.stringify(body))
  }
})

t.test('a second initialize in a session opens another one', async (t) => {
  const app = await build(t)
  const session = await openSession(app)
  const { headers } = await session.post(initialize('2025-06-18'), { 'mcp-protocol-version': undefined })
  t.not(headers['mcp-session-id'], session.id)
  t.equal((await session.call('ping')).status, 200)
})

t.test('without sessions each request stands for itself', async (t) => {
  const app = await build(t, stateless, { tools: { ...tools, list: () => [1], who: (_args, { sessionId }) => sessionId ?? 'nobody' } })
  const opened = await post(app, initialize('2025-06-18'))
  t.match(opened, { status: 200, message: { result: { protocolVersion: '2025-06-18' } } })
  t.notOk('mcp-session-id' in opened.headers)
  for (const headers of [{}, { 'mcp-session-id': 'left-over' }, { 'mcp-protocol-version': '2025-06-18' }]) {
    const { status, message, headers: answered } = await post(app, callOf(1, 'echo', { a: 1 }), headers)
    t.match([status, message.result?.content], [200, [{ text: '{"a":1}' }]])
    t.notOk('mcp-session-id' in answered)
  }
  t.match((await post(app, callOf(1, 'who'))).message, { result: { content: [{ text: 'nobody' }] } })
  t.equal((await post(app, initialized)).status, 202)
  t.equal((await post(app, { jsonrpc: '2.0', id: 1, result: {} })).status, 202)
  t.match(await post(app, ping(), { 'mcp-protocol-version': 'garbage' }), { status: 400, message: { id: 1 } })
  t.match(await post(app, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }), { status: 202 })
})

t.test('without sessions nobody could choose a level: there are no log messages, and the server says so', async (t) => {
  const speaks: ToolHandler = (_args, context) => { for (const level of ['debug', 'info', 'emergency'] as const) context.log(level, level); return 'said' }
  const [app, keeps] = [await build(t, stateless, { tools: { speaks } }), await build(t, {}, { tools: { speaks } })]
  const capabilities = async (of: GantryApp): Promise<unknown> => (await post(of, initialize('2025-11-25'))).message.result?.['capabilities']
  t.notOk('logging' in Object(await capabilities(app)))
  t.match(await capabilities(keeps), { logging: {} })
  t.match((await modern(app, 'server/discover')).message.result?.['capabilities'], { logging: {} }, 'in 2026 each request names its own level')
  for (const level of ['debug', 'loud', undefined]) {
    t.match(await post(app, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level } }), { status: 200, message: { id: 1, error: { code: -32601, message: 'Method not found: logging/setLevel' } } }, String(level))
  }
  t.match((await post(app, callOf(1, 'speaks'))).messages, [{ id: 1, result: { content: [{ text: 'said' }] } }])
  t.equal((await post(app, callOf(1, 'speaks'))).messages.length, 1)
  t.equal((await (await openSession(keeps)).call('tools/call', { name: 'speaks' })).messages.length, 3, 'in a session those from info on come')
})

t.test('without sessions there is no stream to open and nothing to end', async (t) => {
  const app = await build(t, stateless)
  for (const method of ['GET', 'DELETE'] as const) {
    const { statusCode, headers, body } = await app.inject({ method, url: '/mcp', headers: { accept: 'text/event-stream', 'mcp-session-id': 'x' } })
    t.strictSame([statusCode, headers['allow']], [405, 'POST'])
    t.match(JSON.parse(body), { jsonrpc: '2.0', error: { code: -32600 } })
  }
})

t.test('a request without a version is taken for 2025-03-26', async (t) => {
  const app = await build(t, stateless, { tools: { link: () => ({ content: [{ type: 'resource_link', uri: 'a:b', name: 'n' }, { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' }] }) } })
  t.match((await post(app, callOf(1, 'link'))).message.result?.content, [{ type: 'text' }, { type: 'audio' }])
  t.match((await post(app, callOf(1, 'link'), { 'mcp-protocol-version': '2025-06-18' })).message.result?.content, [{ type: 'resource_link' }, { type: 'audio' }])
  t.match((await post(app, [ping()])).messages, [{ id: 1, result: {} }])
})

t.test('a batch of 2025-03-26 is answered in one list, in its order', async (t) => {
  const slow = deferred()
  const app = await build(t, {}, { tools: { ...tools, slow: async () => { await slow.promise; return 'slow' }, quick: async () => { slow.resolve(); return 'quick' } } })
  const session = await openSession(app, '2025-03-26')
  const { status, messages, headers } = await session.post([
    callOf('a', 'slow'), initialized, callOf(2, 'quick'), { jsonrpc: '2.0', id: null, method: 'ping' }, 5, callOf(3, 'missing'), { jsonrpc: '2.0', id: 9, result: {} }, { ...ping(4), method: 'nothing' }, initialize('2025-03-26'), ping(0), ping(0)
  ])
  t.equal(status, 200)
  t.equal(headers['content-type'], 'application/json; charset=utf-8')
  t.match(messages, [
    { id: 'a', result: { content: [{ text: 'slow' }] } }, { id: 2, result: { content: [{ text: 'quick' }] } }, { error: { code: -32600 } }, { error: { code: -32600 } },
    { id: 3, error: { code: -32602 } }, { id: 4, error: { code: -32601 } }, { id: 0, error: { code: -32600, message: /never part of a batch/ } }, { id: 0, result: {} }, { id: 0, result: {} }
  ])
  t.equal(messages.length, 9)
  t.notOk(messages.some((message) => 'id' in message && message.id === null))
  t.notOk('mcp-session-id' in headers, 'no session was opened on the way')
})

t.test('a batch is refused in every other revision, and when it is empty or too long', async (t) => {
  const app = await build(t, {}, { tools })
  for (const revision of legacyRevisions.filter((each) => each !== '2025-03-26')) {
    const { status, message } = await (await openSession(app, revision)).post([ping()])
    t.match([status, message.error?.code], [400, -32600], revision)
    t.notOk('id' in message)
  }
  const session = await openSession(app, '2025-03-26')
  t.match(await session.post([]), { status: 400, message: { error: { code: -32600 } } })
  t.match(await session.post(Array.from({ length: 101 }, (_, id) => ping(id))), { status: 400, message: { error: { code: -32600, message: /at most 100/ } } })
  t.equal((await session.post(Array.from({ length: 100 }, (_, id) => ping(id)))).messages.length, 100)
})

t.test('a batch that needs no answer gets 202', async (t) => {
  const app = await build(t)
  const session = await openSession(app, '2025-03-26')
  const { status, text } = await session.post([initialized, { jsonrpc: '2.0', id: 1, result: {} }])
  t.strictSame([status, text], [202, ''])
})

/** A tool that runs until it is told to end, and says when it runs. */
function hanging (): { handler: ToolHandler, started: Promise<HandlerContext>, end (value: string): void } {
  const started = deferred<HandlerContext>()
  const end = deferred<string>()
  return { handler: async (_args, context) => { started.resolve(context); return await end.promise }, started: started.promise, end: end.resolve }
}
const cancel = (requestId: unknown): JsonObject => ({ requestId, reason: 'bored' })

t.test('a client cancels its own call: the signal fires and no answer follows', async (t) => {
  for (const accept of ['application/json, text/event-stream', 'application/json']) {
    const hang = hanging()
    const app = await build(t, {}, { tools: { hang: hang.handler } })
    const session = await openSession(app)
    const call = session.call('tools/call', { name: 'hang' }, { id: 'long', headers: { accept } })
    const { signal } = await hang.started
    t.equal(app.core.inFlight.size, 1)
    t.equal((await session.notify('notifications/cancelled', cancel('long'))).status, 202)
    t.ok(signal.aborted)
    t.strictSame((await call).messages, [], accept)
    t.equal(app.core.inFlight.size, 0)
    hang.end('too late')
    await turn()
    t.equal((await session.call('ping')).status, 200)
  }
})

t.test('after progress a cancelled call ends its stream without an answer', async (t) => {
  const started = deferred()
  const app = await build(t, {}, { tools: { hang: async (_args, context) => { context.progress(1); started.resolve(); return await new Promise(() => {}) } } })
  const session = await openSession(app)
  const call = session.call('tools/call', { name: 'hang' }, { id: 1, meta: { progressToken: 't' } })
  await started.promise
  await session.notify('notifications/cancelled', cancel(1))
  t.match((await call).messages, [{ method: 'notifications/progress', params: { progressToken: 't', progress: 1 } }])
  t.equal((await call).messages.length, 1)
})

t.test('nobody cancels what is not theirs: not by session, not by the type of the id, not by a wrong id', async (t) => {
  const hang = hanging()
  const app = await build(t, {}, { tools: { hang: hang.handler } })
  const [mine, other] = [await openSession(app), await openSession(app)]
  const call = mine.call('tools/call', { name: 'hang' }, { id: 1 })
  const { signal } = await hang.started
  await other.notify('notifications/cancelled', cancel(1))
  for (const id of ['1', 2, null, '', {}, [1], true, undefined, '1 ']) await mine.notify('notifications/cancelled', cancel(id))
  await post(app, { jsonrpc: '2.0', method: 'notifications/cancelled', params: cancel(1) }, { 'mcp-protocol-version': '2026-07-28' })
  await post(app, { jsonrpc: '2.0', method: 'notifications/cancelled', params: cancel(1) })
  t.notOk(signal.aborted)
  hang.end('done')
  t.match((await call).message, { id: 1, result: { content: [{ text: 'done' }] } })
})

t.test('equal ids of two sessions do not mix', async (t) => {
  const contexts: HandlerContext[] = []
  const both = deferred()
  const end = deferred<string>()
  const app = await build(t, {}, { tools: { hang: async ({ who }, context) => { contexts.push(context); if (contexts.length === 2) both.resolve(); return `${String(who)} ${await end.promise}` } } })
  const [ann, bob] = [await openSession(app), await openSession(app)]
  const calls = [ann, bob].map((session, n) => session.call('tools/call', { name: 'hang', arguments: { who: n } }, { id: 1, meta: { progressToken: 1 } }))
  await both.promise
  contexts[0]?.progress(10)
  contexts[1]?.progress(20)
  await ann.notify('notifications/cancelled', cancel(1))
  t.strictSame(contexts.map(({ signal }) => signal.aborted), [true, false])
  end.resolve('done')
  const [first, second] = await Promise.all(calls)
  t.strictSame(first?.messages.map(({ params }) => params?.['progress']), [10])
  t.match(second?.messages, [{ params: { progress: 20 } }, { result: { content: [{ text: '1 done' }] } }])
})

t.test('what is cancelled in a batch is left out of its answer', async (t) => {
  const hang = hanging()
  const app = await build(t, {}, { tools: { ...tools, hang: hang.handler } })
  const session = await openSession(app, '2025-03-26')
  const batch = session.post([callOf(1, 'hang'), callOf(2, 'echo')])
  await hang.started
  await session.notify('notifications/cancelled', cancel(1))
  t.match((await batch).messages, [{ id: 2 }])
  t.equal((await batch).messages.length, 1)
  t.equal(app.core.inFlight.size, 0)
})

t.test('log messages come from the level on that the session chose', async (t) => {
  const app = await build(t, { server: { protocol: { strictness: 'strict' } } }, { tools: { say: (_args, context) => { for (const level of ['debug', 'info', 'warning', 'error'] as const) context.log(level, level); return 'x' } } })
  const [loud, other] = [await openSession(app), await openSession(app)]
  const heard = async (session: typeof loud): Promise<unknown> => (await session.call('tools/call', { name: 'say' })).messages.flatMap(({ method, params }) => method === 'notifications/message' ? [params?.['data']] : [])
  t.strictSame(await heard(loud), ['info', 'warning', 'error'], 'before it says anything')
  t.match(await loud.call('logging/setLevel', { level: 'debug' }), { status: 200, message: { result: {} } })
  t.strictSame(await heard(loud), ['debug', 'info', 'warning', 'error'])
  t.strictSame(await heard(other), ['info', 'warning', 'error'])
  await loud.call('logging/setLevel', { level: 'emergency' })
  t.strictSame(await heard(loud), [])
  for (const level of ['loud', 'INFO', '', null, 5, undefined, 'toString']) {
    t.match(await loud.call('logging/setLevel', { level }), { status: 200, message: { error: { code: -32602, message: /must be one of debug/ } } })
  }
  t.strictSame(await heard(loud), [])
})

t.test('progress goes out under the token that the request brought, and only then', async (t) => {
  const app = await build(t, {}, { tools: { work: (_args, context) => { for (const n of [1, 1, 2]) context.progress(n, 2, 'm'); return 'x' } } })
  for (const revision of legacyRevisions) {
    const session = await openSession(app, revision)
    t.equal((await session.call('tools/call', { name: 'work' })).messages.length, 1)
    const { messages, headers } = await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' } })
    t.equal(headers['content-type'], 'text/event-stream')
    const message = revision === '2024-11-05' ? {} : { message: 'm' }
    t.strictSame(messages.map(({ params }) => params), [{ progressToken: 'p', progress: 1, total: 2, ...message }, { progressToken: 'p', progress: 2, total: 2, ...message }, undefined])
    for (const token of [null, {}, [], true]) t.equal((await session.call('tools/call', { name: 'work' }, { meta: { progressToken: token } })).messages.length, 1)
    t.equal((await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' }, headers: { accept: 'application/json' } })).messages.length, 1)
  }
})

t.test('a hundred callers with one id in sessions of their own each get their own answer', async (t) => {
  const app: GantryApp = await build(t, {}, { tools: { echo: async ({ n }) => { await turn(); return { n } } } })
  const sessions = await Promise.all(Array.from({ length: 20 }, () => openSession(app)))
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => sessions[n % 20]?.call('tools/call', { name: 'echo', arguments: { n } }, { id: 'same' })))
  t.strictSame(answers.map((answer) => answer?.message.result?.structuredContent), answers.map((_, n) => ({ n })))
  t.equal(app.core.inFlight.size, 0)
})
