import t from 'tap'
import { ToolFailedError, ToolTimeoutError } from '../../../src/core/call-errors.ts'
import { retryDelay } from '../../../src/tools/http/retry.ts'
import type { HttpSpec } from '../../../src/tools/http/spec.ts'
import { contextOf, failureOf, handlerOf, heldTiming, listen, sendJson, startUpstream, type Answer, type Test } from './support.ts'

/** Calls a handler whose upstream answers as told; gives the outcome, the number of requests and the waits between them. */
async function call (t: Test, answer: Answer, spec: Partial<HttpSpec>, { chance, timeoutMs, args = {} }: { chance?: number, timeoutMs?: number, args?: Record<string, unknown> } = {}) {
  const timing = heldTiming(chance)
  const upstream = await startUpstream(t, answer)
  const handler = await handlerOf(t, { url: upstream.origin, ...spec }, { timing }, timeoutMs)
  const outcome = await Promise.resolve(handler(args, contextOf())).catch((error: unknown) => error)
  return { outcome, seen: upstream.seen, requests: upstream.seen.length, waits: timing.waits }
}
/** Fails a number of times, then succeeds. */
const failing = (times: number, fail: Answer): Answer => (response, seen, index) => index < times ? fail(response, seen, index) : sendJson(response, { index })
const reset: Answer = (response) => response.socket?.resetAndDestroy()
const status = (code: number, headers: Record<string, string> = {}): Answer => (response) => sendJson(response, { message: 'busy' }, code, headers)

t.test('429, 502, 503, 504 and a reset connection are tried again, until there is an answer', async (t) => {
  for (const fail of [status(429), status(502), status(503), status(504), reset]) {
    const { outcome, requests } = await call(t, failing(2, fail), { retries: 3 })
    t.strictSame([outcome, requests], [{ index: 2 }, 3])
  }
})

t.test('no other status is tried again', async (t) => {
  for (const code of [400, 401, 404, 409, 500, 501, 302]) {
    const { outcome, requests } = await call(t, status(code), { retries: 3 })
    t.match(outcome, { constructor: ToolFailedError, data: { upstreamStatus: code } })
    t.equal(requests, 1)
  }
})

t.test('without retries, a request is sent once, whatever the method', async (t) => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const) {
    for (const fail of [status(503), reset]) {
      t.equal((await call(t, fail, { method })).requests, 1, method)
    }
  }
})

t.test('after the last retry the error says how often the request was sent', async (t) => {
  const busy = await call(t, status(503), { retries: 2 })
  t.match(busy.outcome, { message: /answered 503 \(3 attempts\): busy$/ })
  t.equal(busy.requests, 3)
  const broken = await call(t, reset, { retries: 2 })
  t.match(broken.outcome, { constructor: ToolFailedError, message: /failed \(3 attempts\): the connection was closed before the answer was complete\.$/ })
  t.equal(broken.requests, 3)
})

t.test('the methods that are idempotent are tried again with the same request', async (t) => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const) {
    const { seen } = await call(t, failing(1, status(503)), { method, retries: 1 }, { args: { id: 7 } })
    t.equal(seen.length, 2)
    t.strictSame(seen[0], seen[1])
  }
})

t.test('a POST with an idempotency key is tried again with the same key, and without the key it is not', async (t) => {
  const spec = { method: 'POST' as const, retries: 2, headers: { 'Idempotency-Key': '${args.key}' } }
  const keyed = await call(t, failing(1, reset), spec, { args: { key: 'k1' } })
  t.strictSame(keyed.seen.map(({ headers }) => headers['idempotency-key']), ['k1', 'k1'])
  for (const args of [{}, { key: null }, { key: '' }, { key: ' ' }]) t.equal((await call(t, reset, spec, { args })).requests, 1, JSON.stringify(args))
})

t.test('an answer that breaks off in its body is tried again; one that is too large is not', async (t) => {
  const half: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' })
    response.write('half', () => response.socket?.resetAndDestroy())
  }
  t.strictSame((await call(t, failing(1, half), { retries: 1 })).outcome, { index: 1 })
  const large = await call(t, (response) => response.end('too large'), { retries: 3, maxResponseBytes: 3 })
  t.equal(large.requests, 1)
})

t.test('a refused connection is tried again', async (t) => {
  const gone = await listen(t, () => {})
  await new Promise((resolve) => gone.server.close(resolve))
  const timing = heldTiming()
  const handler = await handlerOf(t, { url: gone.origin, retries: 2 }, { timing })
  t.match(await failureOf(handler({}, contextOf())), { message: /failed \(3 attempts\): the connection was refused/ })
  t.equal(timing.waits.length, 2)
})

t.test('an attempt that takes too long is tried again, and the last one is a timeout', async (t) => {
  const { outcome, waits } = await call(t, () => {}, { retries: 1, timeout: 30 })
  t.match(outcome, { constructor: ToolTimeoutError, message: /^weather: GET http:\/\/127\.0\.0\.1:\d+ \(2 attempts\) did not finish within 30 ms\.$/ })
  t.equal(waits.length, 1)
})

t.test('waits double, are random from zero on, and have a bound', async (t) => {
  t.strictSame((await call(t, status(503), { retries: 4 }, { chance: 0.5 })).waits, [100, 200, 400, 800])
  t.strictSame((await call(t, status(503), { retries: 2 }, { chance: 0 })).waits, [0, 0])
  t.equal(retryDelay(30, undefined, () => 0.999), 9990)
})

t.test('Retry-After is honoured, as seconds and as a date', async (t) => {
  t.strictSame((await call(t, failing(1, status(429, { 'retry-after': '3' })), { retries: 1 })).waits, [3000])
  t.strictSame((await call(t, failing(1, status(503, { 'retry-after': '0' })), { retries: 1 })).waits, [0])
  const now = Date.UTC(2026, 0, 1)
  t.equal(retryDelay(0, 'Thu, 01 Jan 2026 00:00:07 GMT', () => 0.5, now), 7000)
  t.equal(retryDelay(0, 'Wed, 31 Dec 2025 23:00:00 GMT', () => 0.5, now), 0)
  for (const nonsense of ['soon', '', '-', '-5', '1.5', '1e3', ['1', '2']]) t.equal(retryDelay(0, nonsense, () => 0.5, now), 100, String(nonsense))
})

t.test('a wait that would outlast the call is not begun, and the error passes Retry-After on', async (t) => {
  const { outcome, requests, waits } = await call(t, status(429, { 'retry-after': '3600' }), { retries: 5 }, { timeoutMs: 10_000 })
  t.match(outcome, { message: /answered 429: busy Retry-After: 3600\.$/ })
  t.strictSame([requests, waits], [1, []])
  const several = await call(t, status(503, { 'retry-after': '4' }), { retries: 5 }, { timeoutMs: 10_000 })
  t.strictSame(several.waits, [4000, 4000])
  t.equal((await call(t, status(503, { 'retry-after': '99999999999999999999' }), { retries: 5 })).requests, 1)
})
