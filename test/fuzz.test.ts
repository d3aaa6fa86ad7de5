import t from 'tap'
import fc from 'fast-check'
import { attacksOn, type Attack } from '../scripts/fuzz/attacks.ts'
import { fuzz } from '../scripts/fuzz/campaign.ts'
import { faultOf } from '../scripts/fuzz/judge.ts'
import type { Answer } from '../scripts/fuzz/send.ts'

const requests = 10_000
// The same attacks each time: other ones are for "npm run fuzz".
const seed = 1

t.test('ten thousand requests of an attacker get declared answers, and the server stands as before', { timeout: 110_000 }, async (t) => {
  const { findings, reports, statuses } = await fuzz({ seed, requests, reportEvery: requests / 2 })
  t.strictSame(findings, [])
  const [half, whole] = reports
  t.equal(whole?.requests, requests)
  t.ok((whole?.heapBytes ?? Infinity) < (half?.heapBytes ?? 0) * 1.1, `the heap does not grow: ${half?.heapBytes} bytes, then ${whole?.heapBytes}`)
  for (const name of ['modern 200', 'modern 400', 'legacy 200', 'legacy 400', 'tool 200', 'tool 400', 'tool 500', 'raw 400', 'odd 405']) t.ok(statuses.has(name), `${name} is among the answers`)
})

t.test('the same seed makes the same attacks', async (t) => {
  const attacks = attacksOn({ tools: [{ name: 'x', inputSchema: { type: 'object', properties: { a: { type: 'string' }, b: { enum: [1, 2] } } } }] })
  const take = (seed: number): Attack[] => fc.sample(attacks, { seed, numRuns: 200 })
  t.strictSame(take(7), take(7))
  t.notSame(take(7), take(8))
  t.strictSame([...new Set(take(7).map(({ kind }) => kind))].sort(), ['legacy', 'modern', 'odd', 'raw', 'tool'])
})

t.test('an answer that breaks a promise is noticed', async (t) => {
  const asked = { kind: 'tool', method: 'POST', path: '/tools/x', headers: {}, body: '{}' }
  const raw = { kind: 'raw', bytes: Buffer.from('x') }
  const json = { status: 200, mediaType: 'application/json', body: '{}', tookMs: 1, isLate: false }
  const judged = (answer: Partial<Answer>, attack: Attack = asked): string | undefined => faultOf(attack, { ...json, ...answer })
  t.equal(judged({}), undefined)
  t.equal(judged({ status: 500, body: '{"code":"MCP_TOOL_FAILED"}' }), undefined, 'a declared failure')
  t.equal(judged({ status: 503, body: '{"jsonrpc":"2.0","error":{"code":-32603,"message":"The server is overloaded: try again later."}}' }), undefined)
  t.equal(judged({ status: undefined }, raw), undefined)
  t.equal(judged({ status: 503, body: '' }, { ...asked, method: 'HEAD' }), undefined, 'there is no body to tell it')
  t.equal(judged({ mediaType: 'text/event-stream', body: 'event: endpoint\ndata: /messages\n\n: open\n\ndata: {"result":{}}\n\ndata: {"resu' }), undefined)
  t.equal(judged({ body: '{"detail":"file:///etc/x is unknown"}' }, { ...asked, body: '{"uri":"file:///etc/x"}' }), undefined, 'what came from the attacker')
  for (const [answer, fault] of [
    [{ isLate: true }, 'no answer in time'],
    [{ status: undefined }, 'the connection was closed without an answer'],
    [{ tookMs: 6_000 }, 'an answer after 6000 ms'],
    [{ body: '{"message":"x\\n    at f (/a/b.js:1:2)"}'.replace('\\n', '\n') }, 'the answer tells of the inside of the server'],
    [{ body: '{"x":' }, 'the answer is no JSON'],
    [{ body: '{"error":{"code":-32603,"message":"Internal error. The server log has the details."}}' }, 'an internal error'],
    [{ body: '[{"result":{}},{"error":{"message":"Internal error"}}]' }, 'an internal error'],
    [{ mediaType: 'text/event-stream', body: 'data: {"error":{"message":"Internal error"}}\n\n' }, 'an internal error'],
    [{ status: 500, body: '{"code":"MCP_INTERNAL"}' }, 'status 500 without a declared code'],
    [{ status: 502, mediaType: 'text/html', body: '<h1>Bad' }, 'status 502 without a declared code']
  ] as const) t.equal(judged(answer), fault, fault)
})
