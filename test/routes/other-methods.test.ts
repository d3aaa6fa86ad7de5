import t from 'tap'
import { build, type GantryApp, type JsonObject } from '../helpers/build.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'] as const
type Method = typeof methods[number]

/** What each address takes. A tool's address says the same whether there is the tool or not. */
const addresses: readonly [url: string, allowed: readonly Method[]][] = [
  ['/tools/there', ['POST']],
  ['/tools/missing', ['POST']],
  ['/tools/a%20b', ['POST']],
  ['/tools/there?a=1', ['POST']],
  ['/tools', ['GET', 'HEAD']],
  ['/health', ['GET', 'HEAD']],
  ['/mcp', ['POST', 'GET', 'DELETE']],
  ['/mcp/', ['POST', 'GET', 'DELETE']]
]

interface Answered { status: number, allow: unknown, type: unknown, text: string, body: JsonObject & { error?: JsonObject } }

async function ask (app: GantryApp, method: Method, url: string, options: { payload?: string, headers?: Record<string, string> } = {}): Promise<Answered> {
  const { statusCode, headers, payload } = await app.inject({ method: method as 'GET', url, ...options })
  return { status: statusCode, allow: headers['allow'], type: headers['content-type'], text: payload, body: payload.startsWith('{') ? JSON.parse(payload) as JsonObject : {} }
}

t.test('a method that an address does not have gets 405, with those that it has', async (t) => {
  let entered = 0
  const app = await build(t, {}, { tools: { there: () => ++entered } })
  for (const [url, allowed] of addresses) {
    for (const method of methods.filter((each) => !allowed.includes(each))) {
      const { status, allow, type, text, body } = await ask(app, method, url)
      t.strictSame([status, allow], [405, allowed.join(', ')], `${method} ${url}`)
      if (method === 'HEAD') t.equal(text, '', `${method} ${url}`)
      else if (url.startsWith('/mcp')) t.match(body, { jsonrpc: '2.0', error: { code: -32600, message: `${method} is not a method of this address: use POST, GET, DELETE.` } })
      else t.match([type, body], ['application/problem+json; charset=utf-8', { title: 'Method Not Allowed', status: 405, code: 'MCP_METHOD_NOT_ALLOWED', detail: `${method} is not a method of this address: use ${allowed.join(', ')}.` }])
    }
  }
  t.equal(entered, 0)
})

t.test('whatever its body is: it is not read', async (t) => {
  const app = await build(t, { server: { maxRequestSize: 100 } }, { tools: { there: () => 1 } })
  for (const url of ['/tools/there', '/tools', '/health', '/mcp']) {
    for (const [payload, type] of [['{', 'application/json'], ['x', 'text/plain'], ['x'.repeat(1_000), 'application/json']] as const) {
      t.equal((await ask(app, 'PUT', url, { payload, headers: { 'content-type': type } })).status, 405, `${url} ${type}`)
    }
  }
})

t.test('a tool that is there and one that is not answer alike, to the byte', async (t) => {
  const app = await build(t, {}, { tools: { there: () => 1 } })
  for (const method of methods.filter((each) => each !== 'POST')) t.strictSame(await ask(app, method, '/tools/there'), await ask(app, method, '/tools/other'), method)
})

t.test('without sessions, MCP takes posts alone', async (t) => {
  const app = await build(t, { server: { protocol: { sessions: 'stateless' } } })
  for (const method of methods.filter((each) => each !== 'POST')) {
    const { status, allow } = await ask(app, method, '/mcp')
    t.strictSame([status, allow], [405, 'POST'], method)
  }
})

t.test('HEAD is answered like GET, without the body', async (t) => {
  const tools = Array.from({ length: 50 }, (_, index) => ({ name: `tool-${index}`, handler: { type: 'registry', name: 'gantry.echo' } }))
  const app = await build(t, { tools })
  for (const [url, headers] of [['/health', {}], ['/tools', {}], ['/tools', { 'accept-encoding': 'gzip' }]] as const) {
    const get = await app.inject({ method: 'GET', url, headers })
    const head = await app.inject({ method: 'HEAD', url, headers })
    t.strictSame([head.statusCode, head.payload], [200, ''], url)
    t.equal(head.headers['content-type'], get.headers['content-type'], url)
    t.equal(head.headers['content-encoding'], get.headers['content-encoding'], url)
    t.equal(head.headers['cache-control'], get.headers['cache-control'], url)
  }
})

t.test('who may not come in is told so, and nothing of methods', async (t) => {
  const app = await build(t, {}, { tools: { there: () => 1 } })
  for (const url of ['/tools/there', '/tools', '/mcp']) {
    const { status, allow } = await ask(app, 'PUT', url, { headers: { host: 'evil.example' } })
    t.strictSame([status, allow], [403, undefined], url)
  }
})
