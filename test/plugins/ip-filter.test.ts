import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { build, configOf, modernHeaders, modernMessage, type GantryApp, type JsonObject, type Test } from '../helpers/build.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { sendRaw, type RawAnswer } from '../helpers/raw-http.ts'

const call = { name: 'echo', arguments: {} }
const refused = { title: 'Forbidden', status: 403, code: 'MCP_ADDRESS_REFUSED', detail: 'Requests from this address are not served.' }

interface Opened { app: GantryApp, entered: () => number }

async function open (t: Test, ipWhitelist: readonly string[] | undefined, { trustProxy = false, security = {}, server = {} }: { trustProxy?: unknown, security?: JsonObject, server?: JsonObject } = {}): Promise<Opened> {
  let entered = 0
  const config = { security: { ...security, ...(ipWhitelist !== undefined && { ipWhitelist: [...ipWhitelist] }) }, server: { trustProxy, ...server } }
  const app = await build(t, config, { tools: { echo: () => { entered++; return 'x' } } })
  return { app, entered: () => entered }
}

/** The status of one request, as if it came from an address. */
async function ask (app: GantryApp, remoteAddress: string, headers: Record<string, string | string[]> = {}, url = '/tools'): Promise<number> {
  return (await app.inject({ url, remoteAddress, headers: { host: 'localhost', ...headers } })).statusCode
}

t.test('without a list every address is served', async (t) => {
  const { app } = await open(t, undefined)
  for (const address of ['127.0.0.1', '203.0.113.9', '2001:db8::9', '::ffff:10.0.0.1']) t.equal(await ask(app, address), 200, address)
})

t.test('a list serves what it holds, however the address is written, and nothing else', async (t) => {
  const { app } = await open(t, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '2001:db8::9', '2001:0DB8:0:0:0:0:0:9', '192.0.2.7']) t.equal(await ask(app, address), 200, address)
  for (const address of ['127.0.0.1', '11.0.0.1', '::ffff:11.0.0.1', '192.0.2.8', '::1', '2001:db9::1', '::10.1.2.3', '64:ff9b::10.1.2.3']) t.equal(await ask(app, address), 403, address)
})

t.test('a list that came without an entry serves nobody', async (t) => {
  const config = configOf({}, ['echo'])
  const app = await buildApp({ config: { ...config, security: { ...config.security, ipWhitelist: [] } }, baseDir: process.cwd(), handlers: new Map([['echo', () => 'x']]) })
  t.teardown(() => app.close())
  for (const address of ['127.0.0.1', '::1', '10.0.0.1']) t.equal(await ask(app, address), 403, address)
})

t.test('a list with an entry that cannot be read builds no server', async (t) => {
  const config = configOf({}, ['echo'])
  const handlers = new Map([['echo', () => 'x']])
  await t.rejects(buildApp({ config: { ...config, security: { ...config.security, ipWhitelist: ['10.0.0.0/8', 'office'] } }, baseDir: process.cwd(), handlers }), { message: /"office"/ })
  await t.rejects(buildApp({ config: { ...config, server: { ...config.server, trustProxy: ['nginx'] } }, baseDir: process.cwd(), handlers }), { message: /"nginx"/ })
})

t.test('who is refused gets one answer, before the host, the origin, the key and the body are looked at', async (t) => {
  const key = 'k'.repeat(32)
  const { app, entered } = await open(t, ['10.0.0.0/8'], { security: { authentication: { apiKeys: [{ name: 'a', key, permissions: ['*'] }] } } })
  const variants: Record<string, string>[] = [{}, { authorization: `Bearer ${key}` }, { authorization: 'Bearer wrong' }, { host: 'evil.example' }, { origin: 'https://evil.example' }, { origin: 'http://localhost' }, { 'content-type': 'text/plain' }, { 'x-forwarded-for': '10.0.0.1' }]
  for (const headers of variants) {
    const { statusCode, body, headers: answered } = await app.inject({ method: 'POST', url: '/tools/echo', headers: { 'content-type': 'application/json', ...headers }, payload: '{"broken' })
    t.equal(statusCode, 403, JSON.stringify(headers))
    t.strictSame(JSON.parse(body), refused)
    for (const name of ['www-authenticate', 'access-control-allow-origin', 'retry-after']) t.equal(answered[name], undefined, name)
  }
  const rpc = await app.inject({ method: 'POST', url: '/mcp', headers: { host: 'localhost', authorization: `Bearer ${key}`, ...modernHeaders('tools/call', call), 'content-type': 'application/json' }, payload: JSON.stringify(modernMessage('tools/call', call)) })
  t.equal(rpc.statusCode, 403)
  t.match(JSON.parse(rpc.body), { jsonrpc: '2.0', error: { code: -32600, message: refused.detail } })
  t.notOk('id' in JSON.parse(rpc.body))
  t.equal(entered(), 0)
  t.equal(await ask(app, '10.0.0.1'), 401, 'a listed address still has to show its key')
  t.equal(await ask(app, '10.0.0.1', { authorization: `Bearer ${key}` }), 200)
})

t.test('the body of who is refused is never waited for', async (t) => {
  const { app } = await open(t, ['10.0.0.0/8'])
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const client = request({ port, host: '127.0.0.1', method: 'POST', path: '/mcp', headers: { 'content-type': 'application/json', 'content-length': 1_000 } }, (response) => {
      resolve(response.statusCode)
      response.destroy()
    })
    client.on('error', reject)
    client.flushHeaders()
  })
  t.equal(status, 403)
})

t.test('everyone may ask for the health of the server: probes have addresses that nobody lists', async (t) => {
  const { app } = await open(t, ['10.0.0.0/8'])
  t.equal(await ask(app, '203.0.113.9', {}, '/health'), 200)
})

t.test('what is published without authentication is published to listed addresses', async (t) => {
  const oauth = { resource: 'http://127.0.0.1:3001/mcp', issuers: [{ issuer: 'http://127.0.0.1:1' }] }
  const { app } = await open(t, ['10.0.0.0/8'], { security: { authentication: { oauth } } })
  for (const url of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
    t.equal(await ask(app, '10.0.0.1', {}, url), 200, url)
    t.equal(await ask(app, '203.0.113.9', {}, url), 403, url)
  }
})

t.test('the log tells operators which address was judged, when they want to know', async (t) => {
  const recorder = createRecorder()
  const app = await build(t, { security: { ipWhitelist: ['10.0.0.0/8'] } }, { logger: recorder.logger as never })
  await ask(app, '::ffff:203.0.113.9')
  await ask(app, '10.0.0.1')
  t.match(recorder.lines.filter(({ sentence }) => sentence.includes('ipWhitelist')), [{ level: 'debug', facts: { address: '::ffff:203.0.113.9' } }])
})

const forwarded = (value: string): Record<string, string> => ({
  'x-forwarded-for': value, 'x-real-ip': value, forwarded: `for="${value}"`, 'client-ip': value, 'x-client-ip': value, 'true-client-ip': value, 'cf-connecting-ip': value, 'x-forwarded-host': 'localhost', 'x-forwarded-proto': 'https'
})

t.test('what a peer that is no proxy forwards changes nothing', async (t) => {
  for (const trustProxy of [false, '192.0.2.1', ['192.0.2.0/24', '2001:db8::1']]) {
    const { app } = await open(t, ['10.0.0.0/8'], { trustProxy })
    for (const claim of ['10.0.0.1', '::ffff:10.0.0.1', '10.0.0.1, 192.0.2.1', '192.0.2.1', '10.0.0.1, 10.0.0.1, 10.0.0.1', '127.0.0.1', '']) {
      for (const peer of ['203.0.113.9', '127.0.0.1', '::1', '2001:db8::2', '::ffff:203.0.113.9']) t.equal(await ask(app, peer, forwarded(claim)), 403, `${peer} claims ${claim}`)
      t.equal(await ask(app, '10.5.5.5', forwarded('203.0.113.9')), 200, 'nor against itself')
    }
  }
})

t.test('behind a proxy the last address that is none of the proxies is judged', async (t) => {
  const { app } = await open(t, ['10.0.0.0/8', '2001:db8:a::/48'], { trustProxy: ['192.0.2.0/24', '2001:db8:f::1'] })
  const rows: [forwardedFor: string | string[] | undefined, status: number][] = [
    ['10.0.0.1', 200], ['203.0.113.9', 403],
    // Callers may write what they like before what the proxy adds.
    ['10.0.0.1, 203.0.113.9', 403], ['203.0.113.9, 10.0.0.1', 200], [`${'10.0.0.1, '.repeat(200)}203.0.113.9`, 403], [`${'203.0.113.9, '.repeat(200)}10.0.0.1`, 200],
    [['10.0.0.1', '203.0.113.9'], 403], [['203.0.113.9', '10.0.0.1'], 200],
    // More proxies in a row.
    ['10.0.0.1, 192.0.2.5, 2001:db8:f::1, 192.0.2.9', 200], ['10.0.0.1, 203.0.113.9, 192.0.2.5, 192.0.2.9', 403], ['10.0.0.1,192.0.2.5', 200], ['10.0.0.1, ::ffff:192.0.2.5', 200], ['10.0.0.1, 192.0.2.5:4711', 200], ['10.0.0.1, [2001:db8:f::1]:4711', 200],
    ['10.0.0.1, 2001:db8:f::2', 403],
    // The forms that proxies have for the caller.
    ['::ffff:10.0.0.1', 200], ['10.0.0.1:51234', 200], ['[::ffff:10.0.0.1]:51234', 200], ['2001:db8:a::1', 200], ['2001:DB8:000a::0001', 200], ['[2001:db8:a::1]', 200], ['[2001:db8:a::1]:51234', 200], ['2001:db8:b::1', 403], ['[2001:db8:b::1]:51234', 403], ['203.0.113.9:51234', 403],
    // What cannot be read is nobody.
    ['unknown', 403], ['_hidden', 403], ['10.0.0.1, unknown', 403], ['10.0.0.1 203.0.113.9', 403], ['10.0.0.1;', 403], ['"10.0.0.1"', 403], ['10.0.0', 403], ['10.0.0.1.1', 403], ['010.0.0.1', 403], ['0x0a.0.0.1', 403], ['167772161', 403], ['10.0.0.1%eth0', 403], ['10.0.0.0/8', 403], ['<script>', 403], ['10.0.0.1:', 403], ['10.0.0.1:x', 403], ['[10.0.0.1', 403], ['x'.repeat(8_000), 403],
    // The proxy itself, where it tells of nobody else.
    [undefined, 403], ['', 403], [' ', 403], [',', 403], ['192.0.2.7', 403]
  ]
  for (const [forwardedFor, status] of rows) {
    for (const peer of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:f::1', '2001:0db8:000f:0:0:0:0:1']) {
      t.equal(await ask(app, peer, forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }), status, `${peer}: ${String(forwardedFor).slice(0, 80)}`)
    }
  }
})

t.test('who believes everyone gets what callers claim', async (t) => {
  const { app } = await open(t, ['10.0.0.0/8'], { trustProxy: true })
  t.equal(await ask(app, '203.0.113.9', { 'x-forwarded-for': '10.0.0.1, 198.51.100.7' }), 200)
  t.equal(await ask(app, '10.0.0.1', { 'x-forwarded-for': '198.51.100.7' }), 403)
  t.equal(await ask(app, '10.0.0.1'), 200)
})

t.test('the host that was asked for is judged, not the one that is forwarded: else a page could choose it', async (t) => {
  const { app } = await open(t, undefined, { trustProxy: 'loopback' })
  for (const name of ['x-forwarded-host', 'x-host', 'x-forwarded-server', 'x-original-host']) {
    t.equal(await ask(app, '127.0.0.1', { host: 'evil.example', [name]: 'localhost' }), 403, name)
    t.equal(await ask(app, '127.0.0.1', { host: 'localhost', [name]: 'evil.example' }), 200, name)
  }
})

t.test('nothing that is sent back repeats a forwarded header, from whomever it comes', async (t) => {
  for (const trustProxy of [false, 'loopback']) {
    const { app } = await open(t, undefined, { trustProxy, server: { protocol: { httpSse: { enabled: true } } } })
    const marked = { 'x-forwarded-for': '198.51.100.77', 'x-forwarded-host': 'marked.example', 'x-forwarded-proto': 'gopher', 'x-forwarded-port': '7007', 'x-forwarded-prefix': '/marked', forwarded: 'for=198.51.100.77;host=marked.example;proto=gopher' }
    for (const [method, url] of [['GET', '/tools'], ['POST', '/tools/echo'], ['POST', '/tools/none'], ['GET', '/mcp'], ['POST', '/mcp'], ['GET', '/health'], ['GET', '/nothing'], ['POST', '/messages']] as const) {
      const { body, headers } = await app.inject({ method, url, headers: { host: 'localhost', 'content-type': 'application/json', ...marked }, ...(method === 'POST' && { payload: '{}' }) })
      t.notMatch(`${JSON.stringify(headers)}${body}`, /marked|gopher|7007|198\.51/, `${method} ${url}`)
    }
  }
})

t.test('guesses count for the caller behind the proxy, in IPv6 for its /64, and not for what it claims', async (t) => {
  const authentication = { apiKeys: [{ name: 'a', key: 'k'.repeat(32) }], failureLimit: { window: 60_000, maxRequests: 3 } }
  const { app } = await open(t, undefined, { trustProxy: '192.0.2.1', security: { authentication } })
  const guess = async (peer: string, forwardedFor?: string): Promise<number> => await ask(app, peer, { authorization: 'Bearer wrong', ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }) })
  const each = async (guesses: readonly (readonly [string, string?])[]): Promise<number[]> => {
    const seen: number[] = []
    for (const [peer, forwardedFor] of guesses) seen.push(await guess(peer, forwardedFor))
    return seen
  }
  t.strictSame(await each([['198.51.100.1', '10.0.0.1'], ['198.51.100.1', '10.0.0.2'], ['::ffff:198.51.100.1', '10.0.0.3'], ['198.51.100.1']]), [401, 401, 401, 429], 'claims of a stranger change nothing')
  t.strictSame(await each([['192.0.2.1', 'x, 198.51.100.2'], ['192.0.2.1', 'y, 198.51.100.2:99'], ['192.0.2.1', '[::ffff:198.51.100.2]:5'], ['198.51.100.2'], ['192.0.2.1', '198.51.100.2']]), [401, 401, 401, 429, 429])
  t.strictSame(await each([['2001:db8:0:1::1'], ['2001:db8:0:1:ffff::2'], ['2001:db8:0:1::3'], ['2001:db8:0:1:a:b:c:d'], ['2001:db8:0:2::1']]), [401, 401, 401, 429, 401])
  t.strictSame(await each([['192.0.2.1', 'one'], ['192.0.2.1', 'two'], ['192.0.2.1', 'three'], ['192.0.2.1', 'four']]), [401, 401, 401, 429], 'what cannot be read is one caller')
})

t.test('on real sockets the address is that of the connection, in both families and mapped', async (t) => {
  const own = ['127.0.0.1', '::1'] as const
  for (const [host, callers] of [['127.0.0.1', ['127.0.0.1', '127.0.0.2']], ['::1', ['::1']], ['::ffff:127.0.0.1', ['127.0.0.1', '127.0.0.2']]] as const) {
    for (const listed of own) {
      const { app } = await open(t, [listed])
      await app.listen({ port: 0, host })
      const { port } = app.server.address() as AddressInfo
      for (const from of callers) {
        const { status } = await sendRaw({ port, host: from === '::1' ? '::1' : '127.0.0.1', from, target: '/tools', headers: [['X-Forwarded-For', listed]] })
        t.equal(status, from === listed ? 200 : 403, `${from} calls ${host}, ${listed} is listed`)
      }
    }
  }
})

t.test('no spelling of a path or a target leads around the list', async (t) => {
  const { app, entered } = await open(t, ['127.0.0.1'], { server: { protocol: { httpSse: { enabled: true } } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const unroutable = ['\\mcp', '/%zz', `/tools/${'x'.repeat(200)}`]
  const targets = [
    ...unroutable, '/mcp', '/mcp/', '//mcp', '/MCP', '/Mcp', '/mcp?x=1', '/mcp;x', '/mcp%2f', '/%6dcp', '/mcp#x', '/./mcp', '/../mcp', '/x/../mcp', '/mcp/..', '/mcp//', '/mcp.json', '/mcp%00', '/mcp%20',
    `http://localhost:${port}/mcp`, 'http://evil.example/mcp', 'HTTP://LOCALHOST/mcp', `http://localhost:${port}/tools/echo`, 'http://user:pass@localhost/mcp', 'ftp://localhost/mcp',
    '/tools', '/tools/', '/tools/echo', '/tools/echo/', '//tools/echo', '/tools//echo', '/TOOLS/echo', '/tools/%65cho', '/tools/none', '/sse', '/messages', '/messages?sessionId=x',
    '/', '*', '/nothing', '/.well-known/x', '/health/', '/health/x', '/HEALTH', '//health', '/health/../mcp', '/favicon.ico', '/metrics'
  ]
  const body = JSON.stringify(modernMessage('tools/call', call))
  const headers = [['Content-Type', 'application/json'], ['Accept', 'application/json, text/event-stream'], ...Object.entries(modernHeaders('tools/call', call))] as [string, string][]
  const send = async (from: string, method: string, target: string): Promise<RawAnswer> => await sendRaw({ port, from, method, target, headers, ...(['POST', 'PUT', 'PATCH'].includes(method) && { body }) })
  const wrong: string[] = []
  const none = new Set<string>()
  for (const target of targets) {
    for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE']) {
      const { status, body: answered } = await send('127.0.0.2', method, target)
      if (status === 400) none.add(target)
      else if (status !== 403) wrong.push(`${method} ${target}: ${status}`)
      else if (method !== 'HEAD' && !answered.includes(refused.detail)) wrong.push(`${method} ${target}: ${answered}`)
    }
  }
  t.strictSame([...none], unroutable, 'what cannot be a path of any server, and comes to no route')
  t.strictSame(wrong, [])
  t.equal(entered(), 0)
  t.equal((await send('127.0.0.1', 'POST', '/mcp')).status, 200)
  t.equal((await send('127.0.0.1', 'POST', `http://localhost:${port}/mcp`)).status, 200, 'and a whole URL is a target like another')
  t.equal(entered(), 2)
})
