import t from 'tap'
import type { HTTPMethods } from 'fastify'
import { build, modern, modernHeaders, modernMessage, openSession, post, readAnswer, rest, type GantryApp, type JsonObject } from '../../helpers/build.ts'
import { keepingLogger } from '../../helpers/exchange.ts'

/** An app that counts the calls that reached a tool. */
async function counting (t: { teardown (fn: () => unknown): unknown }, config: JsonObject = {}): Promise<{ app: GantryApp, entered: () => number }> {
  let entered = 0
  const app = await build(t, config, { tools: { echo: (args) => { entered++; return args } } })
  return { app, entered: () => entered }
}
const call = { name: 'echo', arguments: {} }
const body = JSON.stringify(modernMessage('tools/call', call))
const headers = modernHeaders('tools/call', call)

t.test('a client that takes neither JSON nor event streams gets 406, and nothing runs', async (t) => {
  const { app, entered } = await counting(t)
  for (const accept of ['text/html', 'application/xml', '', 'application/jsonp', 'application/json;q=0', 'image/*']) {
    t.match(await post(app, body, { ...headers, accept }), { status: 406, message: { jsonrpc: '2.0', error: { code: -32600 } } }, accept)
  }
  t.equal(entered(), 0)
  for (const accept of [undefined, '*/*', 'application/json', 'text/event-stream, application/json', 'application/*', 'application/json;charset=utf-8']) {
    t.equal((await post(app, body, { ...headers, accept })).status, 200, String(accept))
  }
})

t.test('a client that takes event streams only gets its answer on one', async (t) => {
  const { app } = await counting(t)
  const session = await openSession(app)
  for (const answer of [await post(app, body, { ...headers, accept: 'text/event-stream' }), await session.call('tools/call', call, { headers: { accept: 'text/event-stream' } })]) {
    t.equal(answer.status, 200)
    t.equal(String(answer.headers['content-type']).split(';')[0], 'text/event-stream')
    t.match(answer.message, { id: 1, result: {} })
  }
})

const foreign = [
  'text/plain', 'text/plain;charset=utf-8', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json-rpc', 'application/jsonp', 'application/json-seq',
  'application/jsonrequest', 'application/vnd.api+json', 'text/json', 'application/xml', 'application/octet-stream', 'text/plain; application/json', 'application/json, text/plain', 'x', ' '
]

t.test('only JSON is a body: what a page may send without asking is refused with 415, and nothing runs', async (t) => {
  const { app, entered } = await counting(t)
  for (const type of foreign) {
    const { status, message } = await post(app, body, { ...headers, 'content-type': type })
    t.match([status, message], [415, { jsonrpc: '2.0', error: { code: -32600 } }], type)
    t.match(await rest(app, 'echo', undefined, { payload: '{}', headers: { 'content-type': type } }), { status: 415, body: { code: 'MCP_UNSUPPORTED_MEDIA_TYPE' } }, `${type} over REST`)
  }
  t.equal((await post(app, body, { ...headers, 'content-type': undefined })).status, 415, 'no type')
  t.equal(entered(), 0)
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="utf-8"']) t.equal((await post(app, body, { ...headers, 'content-type': type })).status, 200, type)
})

t.test('a body that is no JSON is a parse error in JSON-RPC, without an id', async (t) => {
  const { app } = await counting(t)
  for (const text of ['{', '', 'nonsense', '{"a":1,}', "{'a':1}", '{"a":1}{', '\u0000', '[1', 'NaN', '{"jsonrpc":"2.0","id":1,"method":"ping"', '\ufeff{']) {
    const { status, message } = await post(app, text)
    t.match([status, message], [400, { jsonrpc: '2.0', error: { code: -32700 } }], JSON.stringify(text))
    t.notOk('id' in message)
    t.notMatch(message.error?.message, /position|token|at .*:\d+/i, 'and no words of the parser')
  }
  t.match(await rest(app, 'echo', undefined, { payload: '{', headers: { 'content-type': 'application/json' } }), { status: 400, body: { code: 'MCP_PARSE_ERROR', status: 400 } })
})

t.test('a JSON body that is no message is an invalid request', async (t) => {
  const { app } = await counting(t)
  for (const text of ['null', '5', '"x"', 'true', '{}', '{"id":1}', '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":null,"method":"ping"}']) {
    t.match(await post(app, text), { status: 400, message: { jsonrpc: '2.0', error: { code: -32600 } } }, text)
  }
  t.match(readAnswer(await app.inject({ method: 'POST', url: '/mcp' })), { status: 400, message: { error: { code: -32600 } } }, 'no body at all')
})

t.test('keys that reach for a prototype are refused, however they are written', async (t) => {
  const { app, entered } = await counting(t)
  for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__']) {
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"${key}":{"polluted":1}}}}`
    t.match(await post(app, text), { status: 400, message: { error: { code: -32700 } } }, key)
    t.match(await rest(app, 'echo', undefined, { payload: `{"${key}":{"polluted":1}}`, headers: { 'content-type': 'application/json' } }), { status: 400 }, key)
  }
  t.equal((await post(app, '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"constructor":{"prototype":{"polluted":1}}}}')).status, 400)
  t.equal(({} as JsonObject)['polluted'], undefined)
  t.equal(entered(), 0)
  t.match(await modern(app, 'tools/call', { name: 'echo', arguments: { constructor: 'mine', text: 'about __proto__ and \\u0041' } }), { status: 200, message: { result: { structuredContent: { constructor: 'mine', text: 'about __proto__ and \\u0041' } } } }, 'as a value they are words')
})

t.test('a body over the limit is 413 in JSON-RPC, one just under it is served', async (t) => {
  const { app, entered } = await counting(t, { server: { maxRequestSize: 2_000 } })
  const sized = (length: number): string => body.replace('"arguments":{}', `"arguments":{"x":"${'y'.repeat(length - body.length - 6)}"}`)
  t.equal(sized(2_000).length, 2_000)
  t.equal((await post(app, sized(2_000), headers)).status, 200)
  t.match(await post(app, sized(2_001), headers), { status: 413, message: { jsonrpc: '2.0', error: { code: -32600, message: /2000 bytes/ } } })
  t.match(await rest(app, 'echo', { x: 'y'.repeat(2_000) }), { status: 413, body: { code: 'MCP_BODY_TOO_LARGE' } })
  t.equal(entered(), 1)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const chunked = new ReadableStream({ start (controller) { for (let n = 0; n < 10; n++) controller.enqueue(new TextEncoder().encode('x'.repeat(1_000))); controller.close() } })
  const answer = await fetch(`${address}/mcp`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: chunked, duplex: 'half' } as RequestInit)
  t.equal(answer.status, 413, 'a body that does not say its length, too')
})

t.test('a compressed body is refused by name, never read as it is', async (t) => {
  const { app } = await counting(t)
  const { gzipSync } = await import('node:zlib')
  t.match(await post(app, gzipSync(body), { ...headers, 'content-encoding': 'gzip' }), { status: 415, message: { error: { message: /Content-Encoding/ } } })
  t.equal((await post(app, body, { ...headers, 'content-encoding': 'identity' })).status, 200)
})

t.test('a body as deep as it can be is answered, and the server goes on', async (t) => {
  const { app } = await counting(t)
  const deep = (open: string, close: string): string => open.repeat(1_000_000) + close.repeat(1_000_000)
  for (const text of [deep('[', ']'), deep('{"a":', '}').replace(':}', ':1}'), `${deep('[', ']')}\u005cu0041`]) {
    const { status, message } = await post(app, text)
    t.match([status, message.jsonrpc], [400, '2.0'])
  }
  const nested = deep('{"a":', '}').replace(':}', ':1}')
  const echoed = await post(app, body.replace('"arguments":{}', `"arguments":${nested}`), headers)
  t.match([echoed.status, echoed.message], [200, { id: 1, result: { isError: true } }], 'too deep to be written again')
  t.equal((await modern(app, 'tools/call', call)).status, 200)
})

t.test('methods that the endpoint does not have are 405 and told which it has', async (t) => {
  const { app } = await counting(t)
  for (const method of ['PUT', 'PATCH', 'OPTIONS', 'HEAD'] as const) {
    const { statusCode, headers, body } = await app.inject({ method, url: '/mcp' })
    t.strictSame([statusCode, headers['allow']], [405, 'POST, GET, DELETE'], method)
    if (method !== 'HEAD') t.match(JSON.parse(body), { jsonrpc: '2.0', error: { code: -32600 } })
    t.notOk(Object.keys(headers).some((name) => name.startsWith('access-control-')))
  }
})

t.test('GET is for clients that take event streams', async (t) => {
  const { app } = await counting(t)
  const session = await openSession(app)
  for (const accept of ['application/json', 'text/html']) t.match(await session.send('GET', { accept }), { status: 406, message: { error: { code: -32600 } } })
})

t.test('what leads nowhere is a problem document', async (t) => {
  const { app } = await counting(t, { server: { protocol: { strictness: 'strict' } } })
  const rows: [HTTPMethods, string, number][] = [['GET', '/', 404], ['POST', '/', 404], ['POST', '/mcp/', 404], ['GET', '/mcp/x', 404], ['POST', '/MCP', 404], ['GET', '/tools/echo/x', 404], ['GET', '/mcp%2f', 404], ['GET', '/%', 400], ['GET', '/%zz', 400], ['POST', '/tools/%zz', 400], ['POST', `/tools/${'x'.repeat(200)}`, 400], ['GET', `/${'x'.repeat(5_000)}`, 404], ['GET', '/__proto__', 404]]
  for (const [method, url, status] of rows) {
    const { statusCode, headers, body } = await app.inject({ method, url })
    t.match([statusCode, headers['content-type']], [status, 'application/problem+json; charset=utf-8'], `${method} ${url.slice(0, 40)}`)
    t.match(JSON.parse(body), { status, code: /^MCP_/ })
    t.notMatch(body, /FST_ERR/)
  }
})

t.test('no answer to a fault shows where the server lives or how it is made', async (t) => {
  const { app } = await counting(t)
  const answers = [await post(app, '{'), await post(app, body, { 'content-type': 'text/plain' }), await post(app, '{}'), await rest(app, 'missing'), await rest(app, '%zz'), await post(app, body, { ...headers, accept: 'x' })]
  for (const { text } of answers) t.notMatch(text, /FST_|node_modules|\.ts|\.js|stack|fastify/i)
})

t.test('an error that nobody foresaw is -32603 without its words, and the log has them', async (t) => {
  const logger = keepingLogger()
  const app = await build(t, {}, { logger: Object.assign(logger, { fatal: logger.error, silent: logger.error, child: () => logger, level: 'info' }) as never, tools: { echo: () => 1 } })
  const session = await openSession(app)
  if (app.sessions !== undefined) app.sessions.get = () => { throw new Error('hunter2') }
  const { status, message, text } = await session.call('ping', {}, { id: 6 })
  t.match([status, message], [500, { id: 6, error: { code: -32603 } }])
  t.notMatch(text, /hunter2/)
  t.match(logger.lines.filter(({ level }) => level === 'error').map(({ facts }) => facts), [{ err: { message: 'hunter2' } }])

  app.core.tools.get = () => { throw new Error('hunter3') }
  t.match(await modern(app, 'tools/call', call), { status: 200, message: { error: { code: -32603 } } })
  t.match(await rest(app, 'echo', {}), { status: 500, body: { code: 'MCP_INTERNAL' } })

  app.core.dispatcher.handle = () => { throw new Error('hunter4') }
  t.match(await modern(app, 'tools/call', call), { status: 500, message: { error: { code: -32603 } } })
  t.strictSame(logger.lines.filter(({ level }) => level === 'error').map(({ facts }) => (facts as { err: Error }).err.message), ['hunter2', 'hunter3', 'hunter3', 'hunter4'])
})

t.test('MCP is served where the configuration says', async (t) => {
  const app = await build(t, { server: { path: '/api/v1/mcp' } }, { tools: { echo: (args) => args } })
  t.equal((await post(app, body, headers, '/api/v1/mcp')).status, 200)
  t.equal((await app.inject({ method: 'POST', url: '/mcp', payload: '{}', headers: { 'content-type': 'application/json' } })).statusCode, 404)
})
