import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { start } from '../helpers/server.ts'
import { lasting } from './fixtures/everything.ts'

interface BadRequest {
  title: string
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Where it is sent; /mcp if not said otherwise. */
  path?: string
  answers: { status: number, code: number | string, id?: number, says?: RegExp }
}

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const modern = { ...json, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
const meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
const list = (params: string): string => `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{${params}}}`

/** Both eras in one table: each gets the error that its revision names, in JSON-RPC, with the id of the request where there is one. */
const badRequests: readonly BadRequest[] = [
  { title: 'no JSON', headers: json, body: '{', answers: { status: 400, code: -32700 } },
  { title: 'no body', headers: json, body: '', answers: { status: 400, code: -32700 } },
  { title: 'a key that pollutes', headers: json, body: '{"__proto__":{"a":1}}', answers: { status: 400, code: -32700 } },
  { title: 'no JSON-RPC', headers: json, body: '{"id":7}', answers: { status: 400, code: -32600, id: 7 } },
  { title: 'an id that is null', headers: json, body: '{"jsonrpc":"2.0","id":null,"method":"ping"}', answers: { status: 400, code: -32600 } },
  { title: 'text instead of JSON', headers: { ...json, 'content-type': 'text/plain' }, body: '{}', answers: { status: 415, code: -32600 } },
  { title: 'a body that is too large', headers: json, body: `{"jsonrpc":"2.0","id":7,"method":"${'x'.repeat(2_000)}"}`, answers: { status: 413, code: -32600 } },
  { title: 'an answer in a form that nobody makes', headers: { ...json, accept: 'image/png' }, body: list(''), answers: { status: 406, code: -32600, id: 7 } },
  { title: 'another host', headers: { ...json, host: 'evil.example' }, body: list(''), answers: { status: 403, code: -32600 } },
  { title: 'a page of another site', headers: { ...json, origin: 'https://evil.example' }, body: list(''), answers: { status: 403, code: -32600 } },
  { title: 'a method of HTTP that has no meaning here', method: 'PUT', headers: json, body: '{}', answers: { status: 405, code: -32600 } },
  { title: 'a request without a session', headers: json, body: list(''), answers: { status: 400, code: -32600, id: 7, says: /session/ } },
  { title: 'a session that never was', headers: { ...json, 'mcp-session-id': 'none' }, body: list(''), answers: { status: 404, code: -32600, id: 7, says: /session/ } },
  { title: 'a stream without a session', method: 'GET', headers: { accept: 'text/event-stream' }, answers: { status: 400, code: -32600, says: /session/ } },
  { title: 'the end of a session that never was', method: 'DELETE', headers: { 'mcp-session-id': 'none' }, answers: { status: 404, code: -32600, says: /session/ } },
  { title: '2026: no version in the header', headers: json, body: list(meta), answers: { status: 400, code: -32020, id: 7 } },
  { title: '2026: another method in the header', headers: { ...modern, 'mcp-method': 'tools/call' }, body: list(meta), answers: { status: 400, code: -32020, id: 7 } },
  { title: '2026: no capabilities', headers: modern, body: list('"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}'), answers: { status: 400, code: -32602, id: 7 } },
  { title: '2026: a version that nobody knows', headers: { ...modern, 'mcp-protocol-version': '2099-01-01' }, body: list(meta.replace('2026-07-28', '2099-01-01')), answers: { status: 400, code: -32022, id: 7 } },
  { title: '2026: a method that it does not have', headers: { ...modern, 'mcp-method': 'ping' }, body: list(meta).replace('tools/list', 'ping'), answers: { status: 404, code: -32601, id: 7 } },
  { title: 'REST: no JSON', path: '/tools/meet', headers: json, body: '{', answers: { status: 400, code: 'MCP_PARSE_ERROR' } },
  { title: 'REST: no object', path: '/tools/meet', headers: json, body: '[]', answers: { status: 400, code: 'MCP_INVALID_REQUEST' } },
  { title: 'REST: another host', path: '/tools/meet', headers: { ...json, host: 'evil.example' }, body: '{}', answers: { status: 403, code: 'MCP_HOST_REFUSED' } },
  { title: 'REST: a tool that is asked for in another way', path: '/tools/meet', method: 'GET', answers: { status: 405, code: 'MCP_METHOD_NOT_ALLOWED', says: /use POST/ } },
  { title: 'REST: a tool that is not there, in that way', path: '/tools/none', method: 'GET', answers: { status: 405, code: 'MCP_METHOD_NOT_ALLOWED', says: /use POST/ } },
  { title: 'a path that leads nowhere', path: '/nothing', method: 'GET', answers: { status: 404, code: 'MCP_ROUTE_UNKNOWN' } }
]

t.test('bad requests get the error of their kind over a real connection, and never a stack', async (t) => {
  const server = await start(t, { config: lasting({ server: { maxRequestSize: 1_000 } }) })
  for (const { title, method = 'POST', path = '/mcp', headers = {}, body, answers: { status, code, id, says = /./ } } of badRequests) {
    const answer = await exchange(server.port, method, path, headers, body)
    const parsed = JSON.parse(answer.body) as { jsonrpc?: string, id?: unknown, error?: { code: number, message: string }, code?: string, detail?: string }
    const found = typeof code === 'number'
      ? { status: answer.status, jsonrpc: parsed.jsonrpc, id: parsed.id, code: parsed.error?.code }
      : { status: answer.status, jsonrpc: parsed.jsonrpc, id: parsed.id, code: parsed.code }
    t.strictSame(found, { status, jsonrpc: typeof code === 'number' ? '2.0' : undefined, id, code }, title)
    t.match(parsed.error?.message ?? parsed.detail, says, title)
    t.notMatch(answer.body, /FST_|node_modules|\bat .*:\d+:\d+/, title)
  }
  t.equal((await fetch(`${server.origin}/health`)).status, 200)
})

t.test('a browser asks before a page of another origin calls, and is answered by origin, over a real connection', async (t) => {
  const page = 'https://app.example.com'
  const server = await start(t, { config: lasting({ server: { allowedOrigins: [page] } }) })
  const asking = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,mcp-session-id' }
  const preflight = await exchange(server.port, 'OPTIONS', '/mcp', { ...asking, origin: page }, undefined)
  t.match(preflight, { status: 204, body: '' })
  t.match(preflight.head, /^access-control-allow-origin: https:\/\/app\.example\.com\r$/im)
  t.match(preflight.head, /^access-control-allow-headers: content-type, mcp-session-id\r$/im)
  const hello = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"page","version":"1"}}}'
  const opened = await exchange(server.port, 'POST', '/mcp', { ...json, origin: page }, hello)
  t.equal(opened.status, 200)
  t.match(opened.head, /^access-control-allow-origin: https:\/\/app\.example\.com\r$/im)
  t.match(opened.head, /^access-control-expose-headers: Mcp-Session-Id,/im)
  const refused = await exchange(server.port, 'OPTIONS', '/mcp', { ...asking, origin: 'https://evil.example' }, undefined)
  t.equal(refused.status, 403)
  t.notMatch(refused.head, /access-control-/i)
})

/** One request over a connection of its own: `fetch` would not send every header. */
async function exchange (port: number, method: string, path: string, headers: Record<string, string>, body: string | undefined): Promise<{ status: number, head: string, body: string }> {
  const lines = Object.entries({ host: `127.0.0.1:${port}`, connection: 'close', ...(body !== undefined && { 'content-length': `${Buffer.byteLength(body)}` }), ...headers })
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body ?? ''}`)
  const [head = '', ...rest] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head: `${head}\r\n`, body: rest.join('\r\n\r\n') }
}
