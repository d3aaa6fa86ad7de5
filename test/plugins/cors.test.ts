import t from 'tap'
import { build, initialize, legacyRevisions, modernHeaders, modernMessage, type GantryApp, type JsonObject } from '../helpers/build.ts'

const page = 'https://app.example.com'
const host = 'api.example.com'
const json = { 'content-type': 'application/json' }
const call = { name: 'echo', arguments: { a: 1 } }

interface Wanted { method: string, url: string, headers?: Record<string, string>, body?: unknown }
interface Fetched { status: number, headers: Record<string, unknown>, body: JsonObject }

/** What the Fetch standard lets a page do without asking, and see without being allowed to. */
const simpleMethods = new Set(['GET', 'HEAD', 'POST'])
const simpleHeaders = new Set(['accept', 'accept-language', 'content-language'])
const visibleHeaders = new Set(['cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified', 'pragma'])

class CorsError extends Error {}

/** Fetches as a browser does for a page of an origin: asks first where it has to, and shows what it may. Fetch standard, sections 3.3 and 4. */
async function fetchAs (app: GantryApp, origin: string, { method, url, headers = {}, body }: Wanted): Promise<Fetched> {
  const unsafe = Object.keys(headers).filter((name) => !simpleHeaders.has(name)).sort()
  if (!simpleMethods.has(method) || unsafe.length > 0) {
    const asked = await app.inject({
      method: 'OPTIONS',
      url,
      headers: { host, origin, 'access-control-request-method': method, ...(unsafe.length > 0 && { 'access-control-request-headers': unsafe.join(',') }) }
    })
    if (asked.statusCode < 200 || asked.statusCode > 299 || asked.headers['access-control-allow-origin'] !== origin) throw new CorsError(`preflight: ${asked.statusCode}`)
    const methods = listOf(asked.headers['access-control-allow-methods'])
    if (!simpleMethods.has(method) && !methods.includes(method.toLowerCase())) throw new CorsError(`method: ${method}`)
    const allowed = listOf(asked.headers['access-control-allow-headers'])
    for (const name of unsafe) if (!allowed.includes(name)) throw new CorsError(`header: ${name}`)
  }
  const answer = await app.inject({ method: method as 'POST', url, headers: { host, origin, ...headers }, ...(body !== undefined && { payload: JSON.stringify(body) }) })
  if (answer.headers['access-control-allow-origin'] !== origin) throw new CorsError(`answer: ${answer.statusCode}`)
  const exposed = listOf(answer.headers['access-control-expose-headers'])
  const shown = Object.entries(answer.headers).filter(([name]) => visibleHeaders.has(name) || exposed.includes(name))
  return { status: answer.statusCode, headers: Object.fromEntries(shown), body: answer.payload.startsWith('{') ? JSON.parse(answer.payload) as JsonObject : {} }
}

function listOf (header: unknown): string[] {
  return typeof header === 'string' ? header.split(',').map((name) => name.trim().toLowerCase()) : []
}

async function open (t: { teardown (fn: () => unknown): unknown }, server: JsonObject = {}, more: JsonObject = {}): Promise<GantryApp> {
  return await build(t, { ...more, server: { allowedHosts: [host], allowedOrigins: [page], ...server } }, { tools: { echo: (args) => args } })
}

t.test('a page of a listed origin calls over every door, as its browser lets it', async (t) => {
  const app = await open(t)
  const modern = { ...json, ...modernHeaders('tools/call', call), 'mcp-param-region': 'eu', traceparent: 'x', tracestate: 'x', baggage: 'x' }
  t.match(await fetchAs(app, page, { method: 'POST', url: '/mcp', headers: modern, body: modernMessage('tools/call', call) }), { status: 200, body: { result: { structuredContent: { a: 1 } } } })
  t.match(await fetchAs(app, page, { method: 'POST', url: '/tools/echo', headers: { ...json, authorization: 'Bearer x', 'x-api-key': 'x' }, body: { a: 1 } }), { status: 200, body: { structuredContent: { a: 1 } } })
  t.match(await fetchAs(app, page, { method: 'GET', url: '/tools' }), { status: 200, body: { tools: [{ name: 'echo' }] } })
  for (const revision of legacyRevisions) {
    const opened = await fetchAs(app, page, { method: 'POST', url: '/mcp', headers: json, body: initialize(revision) })
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': revision }
    t.match(await fetchAs(app, page, { method: 'POST', url: '/mcp', headers: { ...json, ...session }, body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call } }), { status: 200, body: { result: { content: [{ text: '{"a":1}' }] } } }, revision)
    t.match(await fetchAs(app, page, { method: 'DELETE', url: '/mcp', headers: session }), { status: 204 }, revision)
    t.match(await fetchAs(app, page, { method: 'GET', url: '/mcp', headers: { ...session, accept: 'text/event-stream', 'last-event-id': '1' } }), { status: 404 }, revision)
  }
})

t.test('a page reads the errors, too', async (t) => {
  const app = await open(t)
  t.match(await fetchAs(app, page, { method: 'POST', url: '/tools/none', headers: json, body: {} }), { status: 404, body: { code: 'MCP_TOOL_UNKNOWN' } })
  t.match(await fetchAs(app, page, { method: 'GET', url: '/tools/echo' }), { status: 405, headers: { allow: 'POST' }, body: { code: 'MCP_METHOD_NOT_ALLOWED' } })
  t.match(await fetchAs(app, page, { method: 'GET', url: '/nothing' }), { status: 404, body: { code: 'MCP_ROUTE_UNKNOWN' } })
  t.match(await fetchAs(app, page, { method: 'POST', url: '/mcp', headers: json, body: {} }), { status: 400, body: { error: { code: -32600 } } })
})

t.test('a page shows who it is by header: the browser asks without, and the page reads what is missing', async (t) => {
  const authentication = { headerName: 'X-Shop-Key', apiKeys: [{ name: 'page', key: 'the-key-of-the-page-0123456789abcdef', permissions: ['*'] }] }
  const app = await open(t, {}, { security: { authentication } })
  const wanted = { method: 'POST', url: '/tools/echo', body: { a: 1 } }
  t.match(await fetchAs(app, page, { ...wanted, headers: json }), { status: 401, headers: { 'www-authenticate': /^Bearer/ } })
  t.match(await fetchAs(app, page, { ...wanted, headers: { ...json, 'x-shop-key': 'the-key-of-the-page-0123456789abcdef' } }), { status: 200, body: { structuredContent: { a: 1 } } })
})

t.test('a page of any other origin gets 403 and no word of CORS, whatever it asks', async (t) => {
  const app = await open(t)
  for (const origin of ['https://evil.example', 'http://app.example.com', 'https://app.example.com:8443', 'https://app.example.com.evil.example', 'null', 'http://localhost:5173']) {
    for (const [method, url] of [['OPTIONS', '/mcp'], ['OPTIONS', '/tools/echo'], ['OPTIONS', '/nothing'], ['POST', '/tools/echo'], ['GET', '/tools'], ['GET', '/nothing']] as const) {
      const { statusCode, headers } = await app.inject({ method, url, headers: { host, origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } })
      t.equal(statusCode, 403, `${method} ${url} ${origin}`)
      t.strictSame(Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary'), [], `${method} ${url} ${origin}`)
    }
  }
})

t.test('what a page did not have to name, or may not send, is not allowed', async (t) => {
  const app = await open(t)
  const preflight = async (headers: Record<string, string>): Promise<Record<string, unknown>> => (await app.inject({ method: 'OPTIONS', url: '/mcp', headers: { host, origin: page, 'access-control-request-method': 'POST', ...headers } })).headers
  const asked = await preflight({ 'access-control-request-headers': 'content-type, Cookie,x-other,mcp-param-,mcp-param-a b,MCP-Param-Region, *' })
  t.equal(asked['access-control-allow-headers'], 'content-type, mcp-param-region')
  t.notOk('access-control-allow-headers' in await preflight({}))
  t.notOk('access-control-allow-credentials' in asked)
  const many = await preflight({ 'access-control-request-headers': Array.from({ length: 1_000 }, (_, index) => `mcp-param-${index}`).join() })
  t.equal(listOf(many['access-control-allow-headers']).length, 100)
  await t.rejects(fetchAs(app, page, { method: 'PUT', url: '/mcp', headers: json, body: {} }), { message: 'method: PUT' })
  await t.rejects(fetchAs(app, page, { method: 'POST', url: '/mcp', headers: { ...json, 'x-other': 'x' }, body: {} }), { message: 'header: x-other' })
})

t.test('the answer to a preflight does not say what is there', async (t) => {
  const app = await open(t, {}, { security: { authentication: { apiKeys: [{ name: 'x', key: 'the-key-of-the-page-0123456789abcdef' }] } } })
  const answers = await Promise.all(['/mcp', '/tools', '/tools/echo', '/tools/none', '/nothing'].map(async (url) => {
    const { statusCode, headers: { date: _date, ...headers }, payload } = await app.inject({ method: 'OPTIONS', url, headers: { host, origin: page, 'access-control-request-method': 'POST' } })
    return { statusCode, headers, payload }
  }))
  for (const answer of answers) t.strictSame(answer, answers[0])
  t.match(answers[0], { statusCode: 204, payload: '', headers: { 'access-control-allow-origin': page, 'access-control-allow-methods': 'GET, HEAD, POST, DELETE', 'access-control-max-age': '7200', vary: 'Origin' } })
})

t.test('who is no page sees nothing of all this, and OPTIONS alone is no preflight', async (t) => {
  const app = await open(t)
  for (const headers of [{ host }, { host, 'access-control-request-method': 'POST' }]) {
    const { statusCode, headers: answered } = await app.inject({ method: 'OPTIONS', url: '/tools', headers })
    t.equal(statusCode, 405)
    t.strictSame(Object.keys(answered).filter((name) => name.startsWith('access-control-') || name === 'vary'), [])
  }
  t.match(await app.inject({ method: 'OPTIONS', url: '/tools', headers: { host, origin: page } }), { statusCode: 405, headers: { allow: 'GET, HEAD', 'access-control-allow-origin': page } })
  t.notOk('access-control-allow-origin' in (await app.inject({ url: '/tools', headers: { host } })).headers)
  t.notOk('access-control-allow-origin' in (await app.inject({ url: '/health', headers: { host, origin: page } })).headers, 'health is for machines')
})

t.test('caches keep the answers to different origins apart, compressed ones too', async (t) => {
  const tools = Array.from({ length: 50 }, (_, index) => ({ name: `tool-${index}`, handler: { type: 'registry', name: 'gantry.echo' } }))
  const app = await open(t, {}, { tools })
  const { headers } = await app.inject({ url: '/tools', headers: { host, origin: page, 'accept-encoding': 'gzip' } })
  t.equal(headers['content-encoding'], 'gzip')
  t.strictSame(listOf(headers['vary']).sort(), ['accept-encoding', 'origin'])
})

t.test('event streams are for pages, too', async (t) => {
  const app = await build(t, { server: { allowedHosts: [host], allowedOrigins: [page] } }, { tools: { report: (_args, context) => { context.progress(1); return 'done' } } })
  const params = { name: 'report' }
  const answer = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host, origin: page, accept: 'application/json, text/event-stream', ...json, ...modernHeaders('tools/call', params) },
    payload: JSON.stringify(modernMessage('tools/call', params, { meta: { progressToken: 1 } }))
  })
  t.match(answer, { statusCode: 200, headers: { 'content-type': /^text\/event-stream/, 'access-control-allow-origin': page } })
})

t.test('bound to loopback, pages of this machine are served without being listed; a list takes their place, an empty one lets nobody in', async (t) => {
  const local = 'http://localhost:5173'
  const ask = async (allowedOrigins?: string[]): Promise<unknown> => {
    const app = await build(t, { server: { ...(allowedOrigins !== undefined && { allowedOrigins }) } })
    const { statusCode, headers } = await app.inject({ method: 'OPTIONS', url: '/mcp', headers: { host: 'localhost:3001', origin: local, 'access-control-request-method': 'POST' } })
    return [statusCode, headers['access-control-allow-origin']]
  }
  t.strictSame(await ask(), [204, local])
  t.strictSame(await ask([local]), [204, local])
  t.strictSame(await ask([page]), [403, undefined])
  t.strictSame(await ask([]), [403, undefined])
})

t.test('bound to all addresses and without a list, no page is served', async (t) => {
  const app = await build(t, { host: '0.0.0.0', security: { authentication: { apiKeys: [{ name: 'x', key: 'the-key-of-the-page-0123456789abcdef' }] } } })
  const { statusCode, headers } = await app.inject({ method: 'OPTIONS', url: '/mcp', headers: { host, origin: page, 'access-control-request-method': 'POST' } })
  t.strictSame([statusCode, headers['access-control-allow-origin']], [403, undefined])
})
