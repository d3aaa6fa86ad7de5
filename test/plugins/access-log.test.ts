import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Access } from '../../src/core/access.ts'
import { ToolFailedError } from '../../src/core/call-errors.ts'
import type { HandlerContext, JsonObject } from '../../src/core/ports.ts'
import { build, initialize, modern, openSession, post, rest, type GantryApp } from '../helpers/build.ts'
import { until } from '../helpers/waiting.ts'

const key = 'gk_test_0123456789abcdef0123456789abcdef'
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const tools = {
  echo: (args: JsonObject) => args['text'] ?? 'nothing',
  fail () { throw new ToolFailedError('It failed.') },
  report: () => ({ content: [{ type: 'text', text: 'no' }], isError: true }),
  ask: async (_args: JsonObject, context: HandlerContext) => await context.elicit('Who?', { type: 'object', properties: { name: { type: 'string' } } }),
  slow: async (_args: JsonObject, { signal }: HandlerContext) => await once(signal, 'abort')
}

interface Logged { app: GantryApp, accesses: Access[], last: () => Promise<Access> }

/** An app, and what its access log was told. `last` gives the newest line, and there has to be exactly one more than at the last time. */
async function logged (t: Test, config: JsonObject = {}): Promise<Logged> {
  const accesses: Access[] = []
  const app = await build(t, { tools: [{ name: 'slow', inputSchema: { type: 'object' }, timeout: 30 }], ...config }, { tools, accesses: { isOn: true, write: (access) => { accesses.push(access) } } })
  let seen = 0
  return {
    app,
    accesses,
    async last () {
      seen++
      await until('the line is there', () => accesses.length >= seen)
      if (accesses.length !== seen) throw new Error(`There are ${accesses.length} lines for ${seen} requests.`)
      return accesses[seen - 1] as Access
    }
  }
}

t.test('a call over MCP has one line with all that is known of it', async (t) => {
  const { app, last } = await logged(t)
  await modern(app, 'tools/call', { name: 'echo', arguments: {} }, { headers: { traceparent } })
  t.match(await last(), {
    requestId: /^[0-9a-f]{8}-1$/,
    door: 'mcp',
    address: '127.0.0.1',
    principal: 'anonymous',
    verb: 'POST',
    route: '/mcp',
    status: 200,
    revision: '2026-07-28',
    method: 'tools/call',
    tool: 'echo',
    outcome: 'ok',
    code: undefined,
    traceparent,
    durationMs: Number
  })
  const session = await openSession(app, '2025-03-26')
  t.match(await last(), { door: 'mcp', method: 'initialize', status: 200, outcome: 'ok' })
  await session.call('tools/call', { name: 'echo' })
  t.match(await last(), { door: 'mcp', revision: '2025-03-26', method: 'tools/call', tool: 'echo', outcome: 'ok' })
  await session.post([{ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'fail' } }])
  t.match(await last(), { method: undefined, tool: undefined, status: 200, outcome: 'error', code: 'MCP_TOOL_FAILED' }, 'a batch comes to what failed of it')
})

t.test('what became of a call is told in the words of the audit, whatever its status', async (t) => {
  const { app, last } = await logged(t)
  const cases = [
    { name: 'fail', outcome: 'error', code: 'MCP_TOOL_FAILED' },
    { name: 'report', outcome: 'error', code: 'MCP_TOOL_REPORTED' },
    { name: 'slow', outcome: 'timeout', code: 'MCP_TOOL_TIMEOUT' },
    { name: 'unknown', outcome: 'refused', code: 'MCP_TOOL_UNKNOWN' }
  ]
  for (const { name, ...expected } of cases) {
    const { status } = await modern(app, 'tools/call', { name })
    t.match(await last(), { ...expected, status, tool: name, door: 'mcp' }, `${name} over MCP`)
    const answer = await rest(app, name)
    t.match(await last(), { ...expected, status: answer.status, tool: name, door: 'rest', route: '/tools/:name', verb: 'POST' }, `${name} over REST`)
  }
  await modern(app, 'tools/call', { name: 'ask' }, { meta: { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } } })
  t.match(await last(), { outcome: 'input_required', code: undefined, status: 200 })
})

t.test('what is refused on its way has a line, too', async (t) => {
  const { app, last } = await logged(t, {
    security: { authentication: { enabled: true, apiKeys: [{ name: 'ann', key, permissions: ['tools:*'] }] } }
  })
  await modern(app, 'tools/call', { name: 'echo' })
  t.match(await last(), { status: 401, outcome: 'refused', code: 'MCP_UNAUTHENTICATED', principal: undefined, route: '/mcp', verb: 'POST', door: 'mcp', tool: undefined }, 'before its body is read, nobody knows its tool')
  await modern(app, 'tools/call', { name: 'echo' }, { headers: { 'x-api-key': key } })
  t.match(await last(), { status: 200, outcome: 'ok', principal: 'ann' })
  await rest(app, 'echo', undefined, { headers: { 'x-api-key': key, host: 'evil.example' } })
  t.match(await last(), { outcome: 'refused', code: 'MCP_HOST_REFUSED', tool: 'echo' })
  await post(app, '{', { 'x-api-key': key })
  t.match(await last(), { status: 400, outcome: 'refused', code: 'MCP_PARSE_ERROR', principal: 'ann' })
  await app.inject({ method: 'GET', url: '/nowhere', headers: { 'x-api-key': key } })
  t.match(await last(), { status: 404, outcome: 'refused', code: 'MCP_ROUTE_UNKNOWN', route: undefined })
  await app.inject({ method: 'GET', url: '/%zz' })
  t.match(await last(), { status: 400, outcome: 'refused', verb: 'GET' }, 'what Fastify could not route')
  await app.inject({ method: 'GET', url: '/health' })
  t.match(await last(), { status: 200, outcome: 'ok', route: '/health' })
})

t.test('a message over HTTP+SSE has a line of its own beside that of its post', async (t) => {
  const { app, accesses } = await logged(t, { server: { protocol: { httpSse: { enabled: true } } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const stream = await fetch(`${origin}/sse`, { headers: { accept: 'text/event-stream' } })
  const reader = stream.body?.getReader()
  const { value = new Uint8Array() } = await reader?.read() ?? {}
  const url = /data: (\S+)/.exec(new TextDecoder().decode(value))?.[1] ?? ''
  const send = async (message: object): Promise<void> => {
    await fetch(origin + url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) })
  }
  await send(initialize('2024-11-05'))
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'report' } })
  await until('the line is there', () => accesses.length === 5)
  t.match(accesses.find(({ door, tool }) => door === 'sse' && tool === 'report'), { outcome: 'error', revision: '2024-11-05', address: '127.0.0.1', status: undefined })
  t.match(accesses.filter(({ route }) => route === '/messages').map(({ status }) => status), [202, 202, 202])
  await reader?.cancel()
  await until('the line is there', () => accesses.length === 6)
  t.match(accesses.at(-1), { verb: 'GET', route: '/sse', status: 200, outcome: 'ok' }, 'a stream has its line when it ends')
})

t.test('a client that goes away before its answer leaves a line', async (t) => {
  const { app, accesses } = await logged(t, { tools: [{ name: 'slow', inputSchema: { type: 'object' } }] })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const body = JSON.stringify({})
  socket.write(`POST /tools/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  await once(app.server, 'request')
  socket.destroy()
  await until('the line is there', () => accesses.length === 1)
  t.match(accesses, [{ tool: 'slow', outcome: 'cancelled', status: undefined }])
})

t.test('while no lines are wanted, nothing is kept of a request', async (t) => {
  let isOn = false
  const accesses: Access[] = []
  const app = await build(t, {}, { tools, accesses: { get isOn () { return isOn }, write: (access) => { accesses.push(access) } } })
  await rest(app, 'echo')
  isOn = true
  await rest(app, 'fail')
  await until('the line is there', () => accesses.length > 0)
  t.match(accesses, [{ tool: 'fail' }])
})
