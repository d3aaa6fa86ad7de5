import t from 'tap'
import { build, envelope, initialize, modern, modernHeaders, modernMessage, openSession, post, readAnswer, rest, textOf, type GantryApp, type HeaderValues, type JsonObject } from '../helpers/build.ts'

const minute = (maxRequests: number) => ({ window: 60_000, maxRequests })
const tools = { add: () => 'added', sub: () => 'subtracted' }

/** An app whose time the test moves. */
async function open (t: { teardown (fn: () => unknown): unknown }, rateLimit: JsonObject | undefined, { security = {}, tools: declared = [], ...config }: JsonObject = {}) {
  let time = 1_700_000_000_000
  const app = await build(t, {
    ...config, tools: declared, security: { ...security as JsonObject, ...(rateLimit !== undefined && { rateLimit }) }
  }, { tools, clock: { now: () => time } })
  return { app, pass: (ms: number) => { time += ms } }
}

const limitedAdd = [{ name: 'add', inputSchema: { type: 'object' }, rateLimit: minute(2) }]

/** What is left of the limit of a name, as an answer says. */
function left (name: string, headers: { ratelimit?: unknown } & Record<string, unknown>): number | undefined {
  const match = new RegExp(`"${name}";r=(\\d+)`).exec(String(headers['ratelimit']))
  return match === null ? undefined : Number(match[1])
}

t.test('over REST, too many calls end in 429, with the time to wait', async (t) => {
  const { app, pass } = await open(t, undefined, { tools: limitedAdd })
  const first = await rest(app, 'add', {})
  t.match(first, { status: 200, headers: { 'ratelimit-policy': '"tool:add";q=2;w=60', ratelimit: '"tool:add";r=1;t=60' } })
  t.equal(first.headers['retry-after'], undefined)
  pass(10_500)
  t.match(await rest(app, 'add', {}), { status: 200, headers: { ratelimit: '"tool:add";r=0;t=50' } })
  t.match(await rest(app, 'add', {}), {
    status: 429,
    headers: { 'content-type': /^application\/problem\+json/, 'retry-after': '50', 'ratelimit-policy': '"tool:add";q=2;w=60', ratelimit: '"tool:add";r=0;t=50' },
    body: { status: 429, title: 'Too Many Requests', code: 'MCP_RATE_LIMITED', detail: 'The tool add takes 2 calls in 60 s. Try again in 50 s.' }
  })
  pass(49_500)
  t.match(await rest(app, 'add', {}), { status: 200, headers: { ratelimit: '"tool:add";r=0;t=11' } })
})

t.test('in the 2026 era, they end in 429 with a JSON-RPC error under their id', async (t) => {
  const { app } = await open(t, undefined, { tools: limitedAdd })
  const call = async (id: string) => await modern(app, 'tools/call', { name: 'add' }, { id })
  t.strictSame([(await call('a')).status, (await call('b')).status], [200, 200])
  t.match(await call('c'), {
    status: 429, headers: { 'retry-after': '60' }, message: { jsonrpc: '2.0', id: 'c', error: { code: -32603, message: 'The tool add takes 2 calls in 60 s. Try again in 60 s.', data: { limit: 'tool', retryAfterSeconds: 60 } } }
  })
})

t.test('in a session, a tool that is called too often answers with an error, and the session goes on', async (t) => {
  const { app } = await open(t, undefined, { tools: limitedAdd })
  const session = await openSession(app)
  for (let each = 0; each < 2; each++) t.equal(textOf(await session.call('tools/call', { name: 'add' })), 'added')
  t.match(await session.call('tools/call', { name: 'add' }, { id: 7 }), { status: 200, headers: { 'retry-after': '60' }, message: { id: 7, error: { code: -32603, data: { limit: 'tool' } } } })
  t.equal(textOf(await session.call('tools/call', { name: 'sub' })), 'subtracted')
  const streamed = await session.call('tools/call', { name: 'add' }, { id: 8, headers: { accept: 'text/event-stream' } })
  t.match(streamed, { status: 200, headers: { 'content-type': /^text\/event-stream/ }, messages: [{ id: 8, error: { code: -32603 } }] })
})

t.test('in a session, too many requests end in 429 with a JSON-RPC error under their id', async (t) => {
  const { app } = await open(t, { global: minute(2) })
  const session = await openSession(app)
  t.equal((await session.call('ping')).status, 200)
  t.match(await session.call('tools/call', { name: 'add' }, { id: 'x' }), { status: 429, headers: { 'retry-after': '60' }, message: { id: 'x', error: { code: -32603, data: { limit: 'global' } } } })
  t.match(await session.notify('notifications/cancelled', { requestId: 1 }), { status: 429, message: { error: { code: -32603 } } })
})

t.test('every door counts once, whatever comes of it', async (t) => {
  const { app } = await open(t, { global: minute(1_000) }, { server: { protocol: { httpSse: { enabled: true } } } })
  const session = await openSession(app)
  const batching = await openSession(app, '2025-03-26')
  const batch = [{ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'add' } }, { jsonrpc: '2.0', method: 'notifications/cancelled' }]
  const raw = (body: string, headers: HeaderValues = {}) => post(app, body, headers)
  const inject = async (method: 'GET' | 'PUT' | 'DELETE' | 'HEAD', url: string, headers: Record<string, string> = {}) => readAnswer(await app.inject({ method, url, headers }))
  const doors: [what: string, status: number, cost: number, send: () => Promise<{ status: number, headers: Record<string, unknown> }>][] = [
    ['a call of the 2026 era', 200, 1, () => modern(app, 'tools/call', { name: 'add' })],
    ['a list of the 2026 era', 200, 1, () => modern(app, 'tools/list')],
    ['server/discover', 200, 1, () => modern(app, 'server/discover')],
    ['a call of an unknown tool', 200, 1, () => modern(app, 'tools/call', { name: 'mul' })],
    ['a method that there is not', 404, 1, () => modern(app, 'no/such')],
    ['headers that disagree', 400, 1, () => post(app, modernMessage('tools/list'), modernHeaders('tools/call', { name: 'add' }))],
    ['initialize', 200, 1, () => post(app, initialize('2025-11-25'))],
    ['a call in a session', 200, 1, () => session.call('tools/call', { name: 'add' })],
    ['ping in a session', 200, 1, () => session.call('ping')],
    ['a notification', 202, 1, () => session.notify('notifications/initialized')],
    ['an answer that nobody waits for', 202, 1, () => session.post({ jsonrpc: '2.0', id: 99, result: {} })],
    ['a session that there is not', 404, 1, () => post(app, { jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': 'no-such' })],
    ['a batch', 200, 3, () => batching.post(batch)],
    ['the other slash', 200, 1, () => post(app, modernMessage('tools/list'), modernHeaders('tools/list'), '/mcp/')],
    ['no message at all', 400, 1, () => raw('"text"')],
    ['DELETE', 204, 1, () => session.send('DELETE')],
    ['GET without a session', 400, 1, () => inject('GET', '/mcp', { accept: 'text/event-stream' })],
    ['a call over REST', 200, 1, () => rest(app, 'add', {})],
    ['an unknown tool over REST', 404, 1, () => rest(app, 'mul', {})],
    ['arguments that are none', 400, 1, () => rest(app, 'add', [])],
    ['the list of tools', 200, 1, () => inject('GET', '/tools')],
    ['nothing at this address', 404, 1, () => inject('GET', '/nowhere')],
    ['a message to no stream', 404, 1, () => post(app, { jsonrpc: '2.0', id: 1, method: 'ping' }, {}, '/messages?sessionId=00000000-0000-0000-0000-000000000000')],
    ['a batch to no stream', 404, 3, () => post(app, batch, {}, '/messages?sessionId=00000000-0000-0000-0000-000000000000')]
  ]
  let expected = left('global', (await rest(app, 'add', {})).headers) ?? 0
  for (const [what, status, cost, send] of doors) {
    const answer = await send()
    expected -= cost
    t.strictSame([answer.status, left('global', answer.headers)], [status, expected], what)
  }

  // What is refused before its body was read is counted when it was answered.
  const unread: [what: string, status: number, send: () => Promise<{ status: number }>][] = [
    ['no JSON', 400, () => raw('{"jsonrpc":')],
    ['a key that is never allowed', 400, () => raw('{"__proto__":{}}')],
    ['another media type', 415, () => raw('a=b', { 'content-type': 'application/x-www-form-urlencoded' })],
    ['another method', 405, () => inject('PUT', '/mcp')],
    ['another method of a tool', 405, () => inject('DELETE', '/tools/add')]
  ]
  for (const [what, status, send] of unread) {
    t.equal((await send()).status, status, what)
    expected -= 2
    t.equal(left('global', (await rest(app, 'add', {})).headers), expected, what)
  }
})

t.test('what is not served to callers is not counted', async (t) => {
  const { app } = await open(t, { global: minute(10) }, { security: { authentication: { apiKeys: [{ name: 'ann', key: 'key-of-ann', permissions: ['*'] }] } } })
  const key = { authorization: 'Bearer key-of-ann' }
  const send = async (headers: Record<string, string>, url = '/tools') => await app.inject({ method: 'GET', url, headers })
  for (let each = 0; each < 15; each++) {
    t.equal((await send({})).statusCode, 401)
    t.match(await send({ authorization: 'Bearer wrong' }), { statusCode: each < 20 ? 401 : 429 })
    t.equal((await send({ ...key, host: 'evil.example' })).statusCode, 403)
    t.equal((await send({}, '/health')).statusCode, 200)
  }
  const answer = await send(key)
  t.strictSame([answer.statusCode, left('global', answer.headers)], [200, 9])
})

t.test('one caller has one count, in whatever way it comes', async (t) => {
  const keys = [{ name: 'ann', key: 'the-first-key', permissions: ['*'] }, { name: 'ann', key: 'the-second-key', permissions: ['*'] }, { name: 'ben', key: 'another-key', permissions: ['*'] }]
  const { app } = await open(t, { perPrincipal: minute(100) }, { security: { authentication: { apiKeys: keys } } })
  const bearer = { authorization: 'bearer the-first-key' }
  const header = { 'x-api-key': 'the-first-key' }
  const second = { 'x-api-key': 'the-second-key' }
  let expected = 100
  const ways: [what: string, send: () => Promise<{ status: number, headers: Record<string, unknown> }>][] = [
    ['as Bearer', () => modern(app, 'tools/list', {}, { headers: bearer })],
    ['in a header', () => modern(app, 'tools/list', {}, { headers: header })],
    ['with the second key', () => modern(app, 'tools/list', {}, { headers: second })],
    ['in both headers', () => modern(app, 'tools/list', {}, { headers: { ...bearer, ...header } })],
    ['over REST', () => rest(app, 'add', undefined, { headers: header })],
    ['in a new session', () => post(app, initialize('2025-11-25'), header)],
    ['in another new session', () => post(app, initialize('2024-11-05'), header)],
    ['with another name for the client', () => post(app, { ...initialize('2025-11-25'), params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '2' } } }, header)],
    ['at the other slash', () => post(app, modernMessage('tools/list'), { ...modernHeaders('tools/list'), ...header }, '/mcp/')],
    ['from behind something', () => modern(app, 'tools/list', {}, { headers: { ...header, 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' } })]
  ]
  for (const [what, send] of ways) {
    const answer = await send()
    expected--
    t.strictSame([answer.status, left('principal', answer.headers)], [200, expected], what)
  }
  t.equal(left('principal', (await modern(app, 'tools/list', {}, { headers: { 'x-api-key': 'another-key' } })).headers), 99, 'ben has a count of his own')
})

t.test('one tool has one count, in whatever way it is called', async (t) => {
  const { app } = await open(t, undefined, { tools: [{ name: 'add', inputSchema: { type: 'object' }, rateLimit: minute(100) }] })
  const session = await openSession(app)
  const old = await openSession(app, '2024-11-05')
  const batching = await openSession(app, '2025-03-26')
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'add' } }
  let expected = 100
  const ways: [what: string, cost: number, send: () => Promise<{ headers: Record<string, unknown> }>][] = [
    ['2026', 1, () => modern(app, 'tools/call', { name: 'add' })],
    ['2025', 1, () => session.call('tools/call', { name: 'add' })],
    ['2024', 1, () => old.call('tools/call', { name: 'add' })],
    ['a batch', 2, () => batching.post([call, { ...call, id: 2 }])],
    ['a batch of one', 1, () => batching.post([call])],
    ['REST', 1, () => rest(app, 'add', {})],
    ['REST, with an escape in the path', 1, () => rest(app, '%61dd', {})],
    ['REST, with a query', 1, () => rest(app, 'add?x=1', {})],
    ['a message without its version', 1, () => session.post({ ...call, jsonrpc: undefined })],
    ['arguments that are null', 1, () => session.call('tools/call', { name: 'add', arguments: null })],
    ['arguments that do not fit', 1, () => session.call('tools/call', { name: 'add', arguments: 7 })],
    ['a name twice', 1, () => session.post('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sub"},"params":{"name":"add"}}')],
    ['a method with an escape', 1, () => session.post('{"jsonrpc":"2.0","id":1,"method":"tools\\/c\\u0061ll","params":{"name":"\\u0061dd"}}')]
  ]
  for (const [what, cost, send] of ways) {
    expected -= cost
    t.equal(left('tool:add', (await send()).headers), expected, what)
  }
})

t.test('of 200 calls at once, over all doors, exactly as many are admitted as the limits allow', async (t) => {
  let entered = 0
  const count = async (): Promise<string> => { entered++; await null; return 'done' }
  const limits: [JsonObject, JsonObject][] = [[{ global: minute(12) }, {}], [{ perTool: { count: minute(10) } }, {}], [{ perAddress: minute(12) }, {}], [{ perTool: { count: minute(10) }, global: minute(150) }, {}]]
  for (const [rateLimit] of limits) {
    const app = await build(t, { security: { rateLimit } }, { tools: { count } })
    const [one, two] = [await openSession(app), await openSession(app)]
    entered = 0
    const answers = await Promise.all(Array.from({ length: 200 }, async (_, each) => {
      switch (each % 4) {
        case 0: return (await rest(app, 'count', {})).text
        case 1: return (await modern(app, 'tools/call', { name: 'count' })).text
        default: return (await (each % 4 === 2 ? one : two).call('tools/call', { name: 'count' })).text
      }
    }))
    t.strictSame([entered, answers.filter((text) => text.includes('done')).length], [10, 10], JSON.stringify(rateLimit))
  }
})

t.test('a batch is admitted whole, or refused whole and uses up nothing', async (t) => {
  const { app } = await open(t, { global: minute(10) })
  const session = await openSession(app, '2025-03-26')
  const ping = (count: number) => Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
  t.equal((await session.post(ping(6))).messages.length, 6)
  t.match(await session.post(ping(4)), { status: 429, headers: { 'retry-after': '60', ratelimit: '"global";r=3;t=60' } })
  t.match(await session.post(ping(11)), { status: 429, message: { error: { message: /Send fewer messages at once/ } } })
  t.equal((await session.post(ping(3))).messages.length, 3)
  t.equal((await session.post(ping(1))).status, 429)
})

t.test('who comes too often is refused before a large body is read', async (t) => {
  const { app } = await open(t, { global: minute(1) })
  t.equal((await rest(app, 'add', {})).status, 200)
  t.equal((await post(app, 'x'.repeat(100_000))).status, 429)
  t.equal((await post(app, 'x'.repeat(11 * 1024 * 1024))).status, 429)
  t.equal((await app.inject({ method: 'GET', url: '/tools' })).statusCode, 429)
  t.equal((await post(app, 'x'.repeat(10))).status, 400, 'a small one is read for its id')
  t.match(await modern(app, 'tools/list', {}, { id: 'this' }), { status: 429, message: { id: 'this' } })
})

t.test('a tool that a caller may not call is as unknown as any, and its limit untouched', async (t) => {
  const keys = [{ name: 'eve', key: 'key-of-eve', permissions: ['tools:call:sub'] }, { name: 'ann', key: 'key-of-ann', permissions: ['tools:*'] }]
  const { app } = await open(t, undefined, { tools: limitedAdd, security: { authentication: { apiKeys: keys } } })
  for (let each = 0; each < 5; each++) {
    t.match(await modern(app, 'tools/call', { name: 'add' }, { headers: { 'x-api-key': 'key-of-eve' } }), { status: 200, message: { error: { code: -32602 } }, headers: { ratelimit: undefined } })
    t.equal((await rest(app, 'add', undefined, { headers: { 'x-api-key': 'key-of-eve' } })).status, 404)
  }
  t.equal(left('tool:add', (await modern(app, 'tools/call', { name: 'add' }, { headers: { 'x-api-key': 'key-of-ann' } })).headers), 1)
})

t.test('a task is one call, and each look after it one request', async (t) => {
  const { app } = await open(t, { global: minute(100) }, { tools: [{ name: 'add', inputSchema: { type: 'object' }, rateLimit: minute(1), task: 'optional' }] })
  const capabilities = { meta: { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } } }
  const begun = await modern(app, 'tools/call', { name: 'add' }, capabilities)
  t.match(begun, { status: 200, headers: { ratelimit: '"global";r=99;t=60, "tool:add";r=0;t=60' }, message: { result: { taskId: String } } })
  t.match(await modern(app, 'tasks/get', { taskId: begun.message.result?.['taskId'] }, capabilities), { status: 200, headers: { ratelimit: '"global";r=98;t=60' } })
  t.equal((await modern(app, 'tools/call', { name: 'add' }, capabilities)).status, 429)
})

t.test('what a handler reads of its own server costs nobody anything', async (t) => {
  const read = async (_args: JsonObject, context: { readResource (uri: string): Promise<unknown> }) => { await context.readResource('a://b'); return 'read' }
  const app = await build(t, { security: { rateLimit: { global: minute(10) } }, resources: [{ uri: 'a://b', name: 'b', content: 'text' }] }, { tools: { read: read as never } })
  t.match(await rest(app, 'read', {}), { status: 200, headers: { ratelimit: '"global";r=9;t=60' } })
})

t.test('the older headers come where they are asked for', async (t) => {
  const { app } = await open(t, { global: minute(10), legacyHeaders: true })
  t.match((await rest(app, 'add', {})).headers, { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '60', ratelimit: '"global";r=9;t=60' })
  const { app: other } = await open(t, { global: minute(10) })
  t.equal((await rest(other, 'add', {})).headers['x-ratelimit-limit'], undefined)
})

t.test('pages of other origins may read the headers', async (t) => {
  const { app } = await open(t, { global: minute(10) }, { server: { allowedOrigins: ['https://app.example'] } })
  t.match((await modern(app, 'tools/list', {}, { headers: { origin: 'https://app.example' } })).headers, { 'access-control-expose-headers': /\bRetry-After, RateLimit, RateLimit-Policy\b/ })
})

t.test('a server without limits has none of it', async (t) => {
  for (const rateLimit of [undefined, { enabled: false, global: minute(1) }]) {
    const { app } = await open(t, rateLimit, rateLimit === undefined ? {} : { tools: limitedAdd })
    for (let each = 0; each < 5; each++) t.match(await rest(app, 'add', {}), { status: 200, headers: { ratelimit: undefined, 'ratelimit-policy': undefined } })
    t.equal(app.rateLimits, undefined)
    t.notOk(hasHook(app))
  }
  const { app } = await open(t, { global: minute(1) })
  t.ok(hasHook(app))
  t.match(envelope(), {})
})

function hasHook (app: GantryApp): boolean { return app.printPlugins().includes('http-rate-limit') }
