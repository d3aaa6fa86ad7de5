import t from 'tap'
import { accessText, askedOf } from '../../src/core/access.ts'

const least = { outcome: 'ok', durationMs: 1.23456 } as const

t.test('an access is the members of a JSON object, in one order', async (t) => {
  t.equal(accessText({
    requestId: 'a-1',
    door: 'mcp',
    address: '10.0.0.1',
    principal: 'ann',
    verb: 'POST',
    route: '/mcp',
    status: 200,
    revision: '2026-07-28',
    method: 'tools/call',
    tool: 'echo',
    outcome: 'refused',
    code: 'MCP_RATE_LIMITED',
    durationMs: 1.23456,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  }), '"outcome":"refused","durationMs":1.235,"requestId":"a-1","door":"mcp","method":"POST","route":"/mcp","status":200,"rpcMethod":"tools/call","tool":"echo","revision":"2026-07-28","principal":"ann","address":"10.0.0.1","code":"MCP_RATE_LIMITED","traceId":"0af7651916cd43dd8448eb211c80319c"')
  t.equal(accessText(least), '"outcome":"ok","durationMs":1.235', 'what is not known is left out')
  t.notMatch(accessText({ ...least, door: 'rest', revision: '2026-07-28' }), /revision/, 'plain HTTP has none')
})

t.test('what a client wrote stays inside of its member, seen and on one line', async (t) => {
  const hostile = ['a"b', 'a\\b', 'a\nb\r\n{"level":60}', '\u001B[2J', '\u2028\u202E\u200B', 'ü€😀', '\uD800', '\u0000', 'ends in \\']
  for (const text of hostile) {
    for (const member of ['tool', 'method', 'principal', 'route', 'address'] as const) {
      const line = accessText({ ...least, [member]: text })
      t.match(line, /^[ -~]+$/)
      t.equal((JSON.parse(`{${line}}`) as Record<string, string>)[member === 'method' ? 'rpcMethod' : member], text)
    }
  }
})

t.test('long texts are cut', async (t) => {
  const line = accessText({ ...least, tool: 'x'.repeat(100_000) })
  t.equal((JSON.parse(`{${line}}`) as { tool: string }).tool, `${'x'.repeat(128)}…`)
})

t.test('what a message asks for is read as far as it can be', async (t) => {
  t.strictSame(askedOf({ method: 'tools/call', params: { name: 'echo' } }), { method: 'tools/call', tool: 'echo' })
  t.strictSame(askedOf({ method: 'prompts/get', params: { name: 'echo' } }), { method: 'prompts/get' })
  for (const params of [undefined, null, [], 'x', { name: 7 }]) t.strictSame(askedOf({ method: 'tools/call', params }), { method: 'tools/call' })
  for (const message of [undefined, null, 7, 'x', [], {}, { method: 7 }]) t.strictSame(askedOf(message), {})
})
