import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { build, modernHeaders, modernMessage, type GantryApp } from '../helpers/build.ts'

const call = { name: 'echo', arguments: {} }

interface Seen { status: number, headers: IncomingHttpHeaders, body: string }

async function open (t: { teardown (fn: () => unknown): unknown }, server = {}): Promise<{ app: GantryApp, entered: () => number }> {
  let entered = 0
  const app = await build(t, { server }, { tools: { echo: () => { entered++; return 'x' } } })
  return { app, entered: () => entered }
}

t.test('a page of another site is refused at every door with 403, and nothing runs', async (t) => {
  const { app, entered } = await open(t)
  const strange = [
    { host: 'evil.example', origin: 'http://evil.example' }, { host: 'evil.example' }, { host: 'localhost', origin: 'http://evil.example' }, { host: 'localhost', origin: 'null' },
    { host: 'localhost:3001', origin: 'https://localhost.evil.example' }, { host: '127.0.0.1.nip.io' }
  ]
  for (const headers of strange) {
    const mcp = await app.inject({ method: 'POST', url: '/mcp', headers: { ...headers, ...modernHeaders('tools/call', call), 'content-type': 'application/json' }, payload: JSON.stringify(modernMessage('tools/call', call)) })
    t.equal(mcp.statusCode, 403, JSON.stringify(headers))
    t.match(JSON.parse(mcp.body), { jsonrpc: '2.0', error: { code: -32600 } })
    t.notOk('id' in JSON.parse(mcp.body))
    t.notMatch(mcp.body, /evil/, 'and what was sent is not sent back')
    for (const [method, url] of [['POST', '/tools/echo'], ['POST', '/tools/missing'], ['GET', '/tools'], ['GET', '/mcp'], ['DELETE', '/mcp'], ['OPTIONS', '/mcp'], ['PUT', '/mcp']] as const) {
      const { statusCode, headers: answered } = await app.inject({ method, url, headers })
      t.equal(statusCode, 403, `${method} ${url} ${JSON.stringify(headers)}`)
      t.notOk(Object.keys(answered).some((name) => name.startsWith('access-control-')))
    }
  }
  t.equal(entered(), 0)
})

t.test('pages of this machine and programs without an origin are let in', async (t) => {
  const { app } = await open(t)
  for (const headers of [{ host: 'localhost:3001' }, { host: '127.0.0.1' }, { host: '[::1]:3001' }, { host: 'localhost', origin: 'http://localhost:5173' }, { host: '127.0.0.1:3001', origin: 'http://[::1]:5173' }]) {
    t.equal((await app.inject({ url: '/tools', headers })).statusCode, 200, JSON.stringify(headers))
  }
})

t.test('the lists of the configuration decide', async (t) => {
  const { app } = await open(t, { allowedHosts: ['api.example.com'], allowedOrigins: ['https://app.example.com'] })
  const rows: [headers: Record<string, string>, status: number][] = [
    [{ host: 'api.example.com' }, 200], [{ host: 'api.example.com:8443', origin: 'https://app.example.com' }, 200],
    [{ host: 'localhost' }, 403], [{ host: 'api.example.com', origin: 'http://localhost' }, 403], [{ host: 'api.example.com', origin: 'https://app.example.com.evil.example' }, 403]
  ]
  for (const [headers, status] of rows) t.equal((await app.inject({ url: '/tools', headers })).statusCode, status, JSON.stringify(headers))
})

t.test('who is refused is refused before the body is read', async (t) => {
  const { app } = await open(t)
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const seen = await new Promise<Seen>((resolve, reject) => {
    const client = request({ port, method: 'POST', path: '/mcp', headers: { host: 'evil.example', 'content-type': 'application/json', 'content-length': 1_000 } }, (response) => {
      text(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        client.destroy()
      }, reject)
    })
    client.on('error', reject)
    // The body is never sent: an answer that waited for it would never come.
    client.flushHeaders()
  })
  t.equal(seen.status, 403)
  t.equal(seen.headers['x-content-type-options'], 'nosniff')
})
