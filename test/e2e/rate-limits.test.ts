import t, { type Test } from 'tap'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { build, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { commandLine, run, writeConfig } from '../helpers/server.ts'

const minute = (maxRequests: number) => ({ window: 60_000, maxRequests })
const tools = { add: () => 'added', sub: () => 'subtracted' }

/** A server whose time the test moves. */
async function serve (t: Test, rateLimit: JsonObject): Promise<{ app: GantryApp, url: string, pass (ms: number): void }> {
  let ahead = 0
  const app = await build(t, { security: { rateLimit }, server: { protocol: { httpSse: { enabled: true } } } }, { tools, clock: { now: () => Date.now() + ahead } })
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }), pass: (ms) => { ahead += ms } }
}

/** What the limit of a name has left, once a request of any kind has been counted. */
async function left (app: GantryApp, name: string): Promise<number> {
  const { headers } = await app.inject({ method: 'GET', url: '/tools' })
  return Number(new RegExp(`"${name}";r=(\\d+)`).exec(String(headers['ratelimit']))?.[1])
}

t.test('the official client of the 2025 era hears of a tool that is called too often, and goes on', async (t) => {
  for (const transport of ['/mcp', '/sse']) {
    const { url, pass } = await serve(t, { perTool: { add: minute(1) } })
    const client = new Client({ name: 'sdk-1', version: '1.0.0' })
    const address = new URL(url + transport)
    await client.connect((transport === '/mcp' ? new StreamableHTTPClientTransport(address) : new SSEClientTransport(address)) as Transport)
    t.teardown(() => client.close())
    const call = async (name: string) => await client.callTool({ name })
    t.match(await call('add'), { content: [{ text: 'added' }] })
    await t.rejects(call('add'), { message: /The tool add takes 1 call in 60 s\. Try again in \d+ s\./ })
    t.match(await call('sub'), { content: [{ text: 'subtracted' }] })
    pass(60_000)
    t.match(await call('add'), { content: [{ text: 'added' }] })
  }
})

t.test('the official client of the 2025 era hears of too many requests, and goes on when they are few enough', async (t) => {
  const { url, pass } = await serve(t, { global: minute(6) })
  const client = new Client({ name: 'sdk-1', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)) as Transport)
  t.teardown(() => client.close())
  let failure: unknown
  for (let each = 0; each < 7 && failure === undefined; each++) await client.ping().catch((error: unknown) => { failure = error })
  t.match(failure, { code: 429, message: /"code":-32603.*This server takes 6 requests in 60 s/ })
  pass(60_000)
  t.match(await client.callTool({ name: 'add' }), { content: [{ text: 'added' }] })
})

t.test('the official client of the 2026 era hears of both', async (t) => {
  const { url, pass } = await serve(t, { perTool: { add: minute(1) } })
  const client = new Client2({ name: 'sdk-2', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new Transport2(new URL(`${url}/mcp`)))
  t.teardown(() => client.close())
  t.match(await client.callTool({ name: 'add' }), { content: [{ text: 'added' }] })
  await t.rejects(client.callTool({ name: 'add' }), { message: /The tool add takes 1 call in 60 s/ })
  t.match(await client.callTool({ name: 'sub' }), { content: [{ text: 'subtracted' }] })
  pass(60_000)
  t.match(await client.callTool({ name: 'add' }), { content: [{ text: 'added' }] })
})

t.test('over HTTP+SSE, each message counts once: where it is posted', async (t) => {
  const { app, url } = await serve(t, { global: minute(1_000), perTool: { add: minute(1_000) } })
  const client = new Client({ name: 'sdk-1', version: '1.0.0' })
  await client.connect(new SSEClientTransport(new URL(`${url}/sse`)) as Transport)
  t.teardown(() => client.close())
  t.equal(await left(app, 'global'), 1_000 - 3 - 1, 'the stream, initialize and initialized; and the look itself')
  await client.ping()
  await client.callTool({ name: 'add' })
  t.equal(await left(app, 'global'), 1_000 - 3 - 2 - 2)
  const { headers } = await app.inject({ method: 'POST', url: '/tools/add' })
  t.match(headers, { ratelimit: /"tool:add";r=998/ })
})

t.test('over stdio, each line counts, and one too many is answered with an error', async (t) => {
  const file = writeConfig(t, {
    tools: [{ name: 'gantry.echo', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'gantry.echo' }, rateLimit: minute(2) }],
    security: { rateLimit: { global: minute(7), perAddress: minute(1) } }
  })
  const program = run(t, [commandLine, 'stdio', file])
  const message = (id: number, method: string, params: object): string => `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`
  const call = (id: number): string => message(id, 'tools/call', { name: 'gantry.echo', arguments: {} })
  const initialize = message(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } })
  program.write(initialize + '{"jsonrpc":"2.0","method":"notifications/initialized"}\n' + call(2) + call(3) + call(4) + [5, 6, 7, 8, 9].map((id) => message(id, 'ping', {})).join(''))
  program.endInput()
  t.strictSame(await program.exited, { code: 0, signal: null })
  const answers = new Map(program.stdout.map((line) => JSON.parse(line) as { id: number, result?: object, error?: { code: number, message: string, data: object } }).map((answer) => [answer.id, answer]))
  t.strictSame([1, 2, 3, 5, 6, 7].filter((id) => answers.get(id)?.result === undefined), [])
  t.match(answers.get(4)?.error, { code: -32603, message: 'The tool gantry.echo takes 2 calls in 60 s. Try again in 60 s.', data: { limit: 'tool', retryAfterSeconds: 60 } })
  for (const id of [8, 9]) t.match(answers.get(id)?.error, { code: -32603, data: { limit: 'global' } })
})
