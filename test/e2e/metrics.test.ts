import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { modernHeaders, modernMessage } from '../helpers/build.ts'
import { familiesOf, readScrape } from '../helpers/metrics.ts'
import { commandLine, freePort, listens, run, serverProgram, start, writeConfig, type Server } from '../helpers/server.ts'

const echo = { name: 'echo', inputSchema: { type: 'object' }, handler: { type: 'inline', code: 'return "x"' } }

async function placeOf (server: Server): Promise<string> {
  const line = await server.line(/Metrics are served at/)
  return /http:\/\/[^"\s]+/.exec(line)?.[0] ?? ''
}

t.test('at a port of their own, metrics tell of calls at every door and of the process, and nothing else is there', async (t) => {
  const server = await start(t, { config: { tools: [echo] }, env: { METRICS_ENABLED: 'true', METRICS_PORT: '0' } })
  const place = await placeOf(server)
  const params = { name: 'echo', arguments: {} }
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  await fetch(server.url, { method: 'POST', headers: { ...headers, ...modernHeaders('tools/call', params) }, body: JSON.stringify(modernMessage('tools/call', params)) }).then((answer) => answer.text())
  await fetch(`${server.origin}/tools/echo`, { method: 'POST', headers, body: '{}' }).then((answer) => answer.text())

  const answer = await fetch(place)
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await answer.text()
  const series = readScrape(text)
  t.equal(series.get('mcp_tool_executions_total{tool="echo",status="ok"}'), 2)
  t.equal(series.get('mcp_request_duration_seconds_count{method="POST",route="/mcp",status_code="200"}'), 1)
  t.ok((series.get('process_cpu_seconds_total') ?? 0) > 0)
  t.equal(familiesOf(text).get('mcp_request_duration_seconds'), 'histogram')

  const { origin } = new URL(place)
  t.equal((await fetch(`${origin}/`)).status, 404)
  t.equal((await fetch(`${origin}/mcp`, { method: 'POST', body: '{}' })).status, 404)
  t.equal((await fetch(place, { method: 'POST' })).status, 405)
  t.equal((await fetch(place, { method: 'HEAD' })).status, 200)
  t.equal((await fetch(place, { headers: { origin: 'https://evil.example' } })).status, 403)
  t.equal(await statusFor(place, 'evil.example'), 403)
  t.equal((await fetch(`${server.origin}/metrics`)).status, 404)

  const { code } = await server.stop()
  t.equal(code, 0)
  t.equal(await listens(Number(new URL(place).port)), false)
})

/** What a request gets that names another host, as one does after DNS rebinding. */
async function statusFor (url: string, host: string): Promise<number | undefined> {
  const sent = request(url, { headers: { host } }).end()
  const [{ statusCode }] = await once(sent, 'response') as [{ statusCode?: number }]
  sent.destroy()
  return statusCode
}

t.test('a port for metrics that is in use ends the start with a sentence, and nothing listens', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { taken.close() })
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const own = await freePort()
  const server = run(t, [serverProgram, writeConfig(t, { port: own, metrics: { port } })])
  t.strictSame(await server.exited, { code: 1, signal: null })
  t.match(server.stderr.join('\n'), `Port ${port} on 127.0.0.1 is in use: stop the program that uses it, or choose another port ("metrics.port" in the configuration, or METRICS_PORT).`)
  t.notMatch(server.stderr.join('\n'), / at .*:\d+:\d+/, 'no stack')
  t.equal(await listens(own), false)
})

t.test('over stdio there are none, and the log says so', async (t) => {
  const program = run(t, [commandLine, 'stdio', writeConfig(t, { metrics: { port: 9 } })])
  await program.line(/over stdio, \\?"metrics\\?" has no effect/)
  program.endInput()
  t.strictSame(await program.exited, { code: 0, signal: null })
})
