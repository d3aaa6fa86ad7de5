import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { CancelledError, EgressRefusedError, ToolFailedError, ToolTimeoutError, UpstreamBusyError, UpstreamFailingError } from '../../../src/core/call-errors.ts'
import type { Logger } from '../../../src/core/ports.ts'
import { upstreamDefaults, type HttpSpec } from '../../../src/tools/http/spec.ts'
import { Upstreams } from '../../../src/tools/http/upstreams.ts'
import { configOf } from '../../helpers/build.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'
import { contextOf, failureOf, handlerOf, heldTiming, listen, openResolver, ownerOf, sendJson, startUpstream, type Answer, type Test } from './support.ts'

const circuitBreaker = { enabled: true, failures: 3, cooldown: 10_000 }

/** A handler of an upstream, with a held clock and what is logged. */
async function open (t: Test, answer: Answer, spec: Partial<HttpSpec> = {}, breaker: Partial<typeof circuitBreaker> = {}) {
  const upstream = await startUpstream(t, answer)
  const timing = heldTiming(0)
  const resolver = openResolver(t, { timing, upstreams: { circuitBreaker: { ...circuitBreaker, ...breaker } } })
  const handler = await resolver.resolve({ type: 'http', url: upstream.origin, ...spec }, ownerOf())
  const logged: [string, object][] = []
  const logger = { warn: (facts: object) => { logged.push(['warn', facts]) }, info: (facts: object) => { logged.push(['info', facts]) } } as Logger
  const call = async (signal = new AbortController().signal) => Promise.resolve(handler({}, { ...contextOf({ signal }), logger })).catch((error: unknown) => error)
  const pass = (ms: number) => timing.wait(ms, new AbortController().signal)
  return { upstream, resolver, call, pass, logged, circuit: () => resolver.upstreams()[0]?.circuit }
}
const status = (code: number): Answer => (response) => sendJson(response, {}, code)

t.test('an upstream that fails several times in a row is left alone for a while, and then asked by one request', async (t) => {
  let code = 500
  const { upstream, call, pass, logged, circuit } = await open(t, (response) => sendJson(response, { ok: true }, code))
  const { origin } = upstream
  for (let n = 0; n < 3; n++) t.match(await call(), { constructor: ToolFailedError, data: { upstreamStatus: 500 } })
  t.match(await call(), {
    constructor: UpstreamFailingError,
    code: 'MCP_UPSTREAM_FAILING',
    status: 503,
    message: `weather: GET ${origin} was not sent: this server has failed several times in a row. Try again in 10 s.`,
    headers: { 'retry-after': '10' },
    data: { retryAfterSeconds: 10 }
  })
  t.equal(upstream.seen.length, 3)
  t.equal(circuit(), 'open')
  await pass(4500)
  t.match(await call(), { message: /Try again in 6 s\.$/ })
  await pass(5500)
  t.match(await call(), { constructor: ToolFailedError })
  t.match(await call(), { constructor: UpstreamFailingError })
  t.equal(upstream.seen.length, 4)
  await pass(10_000)
  code = 200
  t.strictSame(await call(), { ok: true })
  t.equal(circuit(), 'closed')
  t.strictSame(await call(), { ok: true })
  t.strictSame(logged, [
    ['warn', { upstream: origin, failures: 3, waitMs: 10_000 }],
    ['warn', { upstream: origin, failures: 4, waitMs: 10_000 }],
    ['info', { upstream: origin }]
  ])
})

t.test('while one request finds out, the others are refused', async (t) => {
  const held: (() => void)[] = []
  const { upstream, call, pass, circuit } = await open(t, (response, _, index) => {
    if (index < 3) sendJson(response, {}, 503)
    else held.push(() => sendJson(response, { ok: true }))
  })
  for (let n = 0; n < 3; n++) await call()
  await pass(10_000)
  const probe = call()
  await until('the probe has arrived', () => held.length === 1)
  t.equal(circuit(), 'half-open')
  t.match(await call(), { constructor: UpstreamFailingError, data: { retryAfterSeconds: 1 } })
  held[0]?.()
  t.strictSame(await probe, { ok: true })
  t.equal(upstream.seen.length, 4)
})

t.test('failed connections, timeouts and answers that are no HTTP count as failures', async (t) => {
  const gone = await listen(t, () => {})
  await new Promise((resolve) => gone.server.close(resolve))
  const noise = createServer((socket) => { socket.on('error', () => {}).end('SSH-2.0-x\r\n') }).listen(0, '127.0.0.1')
  await once(noise, 'listening')
  t.teardown(() => noise.close())
  const silent = await listen(t, () => {})
  for (const url of [gone.origin, `http://127.0.0.1:${(noise.address() as AddressInfo).port}`, silent.origin]) {
    const resolver = openResolver(t, { upstreams: { circuitBreaker } })
    const handler = await resolver.resolve({ type: 'http', url, timeout: 30 }, ownerOf())
    for (let n = 0; n < 3; n++) await failureOf(handler({}, contextOf()))
    t.match(await failureOf(handler({}, contextOf())), { constructor: UpstreamFailingError })
    t.match(resolver.upstreams(), [{ origin: url, circuit: 'open', failures: 3, running: 0, waiting: 0 }])
  }
})

t.test('a call whose own time is over counts as a failure, one that was cancelled does not', async (t) => {
  const { upstream, call, circuit } = await open(t, () => {})
  const end = async (reason: Error) => {
    const ending = new AbortController()
    const arrived = upstream.seen.length
    const ended = call(ending.signal)
    await until('the request has arrived', () => upstream.seen.length > arrived)
    ending.abort(reason)
    t.equal(await ended, reason)
  }
  for (let n = 0; n < 5; n++) await end(new CancelledError())
  t.equal(circuit(), 'closed')
  for (let n = 0; n < 3; n++) await end(new ToolTimeoutError('weather', 30))
  t.equal(circuit(), 'open')
})

t.test('what the upstream says of the request is no failure: 4xx, 429, redirects, too large an answer', async (t) => {
  for (const code of [302, 400, 401, 404, 409, 429]) {
    const { upstream, call, circuit } = await open(t, status(code))
    for (let n = 0; n < 5; n++) await call()
    t.strictSame([upstream.seen.length, circuit()], [5, 'closed'], String(code))
  }
  const { upstream, call, circuit } = await open(t, (response) => response.end('too large'), { maxResponseBytes: 3 })
  for (let n = 0; n < 5; n++) await call()
  t.strictSame([upstream.seen.length, circuit()], [5, 'closed'])
})

t.test('a request that was refused here says nothing of the upstream', async (t) => {
  const resolver = openResolver(t, { upstreams: { circuitBreaker }, lookup: (_, __, callback) => callback(null, [{ address: '10.0.0.1', family: 4 }]) })
  const handler = await resolver.resolve({ type: 'http', url: 'http://orders.internal/' }, ownerOf())
  for (let n = 0; n < 5; n++) t.match(await failureOf(handler({}, contextOf())), { constructor: EgressRefusedError })
})

t.test('retries stop when the circuit opens', async (t) => {
  const { upstream, call } = await open(t, status(503), { retries: 5 })
  t.match(await call(), { constructor: UpstreamFailingError })
  t.equal(upstream.seen.length, 3)
})

t.test('a circuit breaker that is switched off lets everything through', async (t) => {
  const { upstream, call } = await open(t, status(500), {}, { enabled: false })
  for (let n = 0; n < 10; n++) await call()
  t.equal(upstream.seen.length, 10)
})

t.test('tools of one origin share its circuit, those of another have their own', async (t) => {
  const bad = await startUpstream(t, status(500))
  const good = await startUpstream(t)
  const resolver = openResolver(t, { upstreams: { circuitBreaker } })
  const resolve = (url: string) => resolver.resolve({ type: 'http', url }, ownerOf())
  const [one, other, healthy] = [await resolve(`${bad.origin}/one`), await resolve(`${bad.origin}/other`), await resolve(good.origin)]
  for (let n = 0; n < 3; n++) await failureOf(one({}, contextOf()))
  t.match(await failureOf(other({}, contextOf())), { constructor: UpstreamFailingError })
  t.strictSame(await healthy({}, contextOf()), { ok: true })
  t.strictSame(resolver.upstreams().map(({ origin, circuit }) => [origin, circuit]), [[bad.origin, 'open'], [good.origin, 'closed']])
})

t.test('so many requests run at once and so many wait, over all tools of an origin; one more is told at once', async (t) => {
  const held: (() => void)[] = []
  const upstream = await startUpstream(t, (response) => { held.push(() => sendJson(response, { ok: true })) })
  const resolver = openResolver(t, { upstreams: { maxConcurrent: 2, maxQueue: 1 } })
  const resolve = (path: string) => resolver.resolve({ type: 'http', url: upstream.origin + path }, ownerOf())
  const [one, other] = [await resolve('/one'), await resolve('/other')]
  const calls = [one({}, contextOf()), other({}, contextOf()), one({}, contextOf())]
  await until('two have arrived', () => held.length === 2)
  t.match(await failureOf(other({}, contextOf())), {
    constructor: UpstreamBusyError,
    code: 'MCP_UPSTREAM_BUSY',
    message: `weather: GET ${upstream.origin} was not sent: as many requests to this server are under way, and wait, as may. Try again later.`
  })
  t.match(resolver.upstreams(), [{ running: 2, waiting: 1 }])
  held.shift()?.()
  await until('the third has arrived', () => upstream.seen.length === 3)
  for (const answer of held) answer()
  t.strictSame(await Promise.all(calls), [{ ok: true }, { ok: true }, { ok: true }])
  t.match(resolver.upstreams(), [{ running: 0, waiting: 0 }])
})

t.test('the wait for a turn counts in the timeout of the handler', async (t) => {
  const held: (() => void)[] = []
  const upstream = await startUpstream(t, (response) => { held.push(() => sendJson(response, { ok: true })) })
  const timing = heldTiming()
  const handler = await handlerOf(t, { url: upstream.origin, timeout: 60_000 }, { timing, upstreams: { maxConcurrent: 1 } }, 100_000)
  const first = handler({}, contextOf())
  await until('the first has arrived', () => held.length === 1)
  const second = failureOf(handler({}, contextOf()))
  await turn()
  await timing.wait(59_980, new AbortController().signal)
  held[0]?.()
  t.strictSame(await first, { ok: true })
  t.match(await second, { constructor: ToolTimeoutError, message: /did not finish within 60000 ms\.$/ })
})

t.test('a call that is cancelled while it waits for its turn ends at once and sends nothing', async (t) => {
  const held: (() => void)[] = []
  const upstream = await startUpstream(t, (response) => { held.push(() => sendJson(response, { ok: true })) })
  const handler = await handlerOf(t, { url: upstream.origin }, { upstreams: { maxConcurrent: 1 } })
  const first = handler({}, contextOf())
  await until('the first has arrived', () => held.length === 1)
  const cancel = new AbortController()
  const waiting = failureOf(handler({}, contextOf({ signal: cancel.signal })))
  const reason = new CancelledError()
  cancel.abort(reason)
  t.equal(await waiting, reason)
  held[0]?.()
  t.strictSame(await first, { ok: true })
  t.equal(upstream.seen.length, 1)
})

t.test('close ends those that wait for their turn, too', async (t) => {
  const upstream = await startUpstream(t, () => {})
  const resolver = openResolver(t, { upstreams: { maxConcurrent: 1 }, closeTimeoutMs: 10 })
  const handler = await resolver.resolve({ type: 'http', url: upstream.origin, timeout: 60_000 }, ownerOf(60_000))
  const calls = [failureOf(handler({}, contextOf())), failureOf(handler({}, contextOf()))]
  await until('the first has arrived', () => upstream.seen.length === 1)
  await resolver.close()
  t.match(await Promise.all(calls), [{ message: /Gantry is shutting down/ }, { message: /Gantry is shutting down/ }])
})

t.test('headers that take longer than headersTimeout, and a body that pauses longer than bodyTimeout, are timeouts that say so', async (t) => {
  const silent = await listen(t, () => {})
  const slow = await handlerOf(t, { url: silent.origin, headersTimeout: 20, timeout: 60_000 })
  t.match(await failureOf(slow({}, contextOf())), { constructor: ToolTimeoutError, message: `weather: the headers of the answer to GET ${silent.origin} did not finish within 20 ms.` })
  const broken = await listen(t, (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).write('slow'))
  const pausing = await handlerOf(t, { url: broken.origin, bodyTimeout: 20, timeout: 60_000 })
  t.match(await failureOf(pausing({}, contextOf())), { constructor: ToolTimeoutError, message: `weather: the body of the answer to GET ${broken.origin} did not finish within 20 ms.` })
})

t.test('a body that comes in parts may take longer than bodyTimeout, and headersTimeout ends with the headers', async (t) => {
  const dripping = await listen(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders()
    let parts = 0
    const timer = setInterval(() => {
      response.write('x')
      if (++parts < 12) return
      clearInterval(timer)
      response.end()
    }, 50)
    response.on('close', () => clearInterval(timer))
  })
  const handler = await handlerOf(t, { url: dripping.origin, headersTimeout: 400, bodyTimeout: 400, timeout: 60_000 }, {}, 60_000)
  t.equal(await handler({}, contextOf()), 'x'.repeat(12))
})

t.test('a connection that takes longer than connectTimeout is a failure', async (t) => {
  // A TLS handshake with a peer that says nothing.
  const server = createServer((socket) => { t.teardown(() => socket.destroy()) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const handler = await handlerOf(t, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, timeout: 60_000 }, { upstreams: { connectTimeout: 50 } })
  t.match(await failureOf(handler({}, contextOf())), { constructor: ToolFailedError, message: /no connection could be made in time/ })
})

t.test('of upstreams without number, those are forgotten that nothing is under way to, and that work', async (t) => {
  const upstreams = new Upstreams({ maxConcurrent: 1, maxQueue: 1, circuitBreaker: { ...circuitBreaker, failures: 1 } }, heldTiming())
  const { signal, logger } = contextOf()
  const send = (origin: string, status: number) => upstreams.send({ origin, timeoutMs: 1000, signal, logger }, async () => ({ status, headers: {}, body: Buffer.alloc(0) }))
  const end = deferred()
  const running = upstreams.send({ origin: 'http://running', timeoutMs: 1000, signal, logger }, async () => {
    await end.promise
    return { status: 200, headers: {}, body: Buffer.alloc(0) }
  })
  await send('http://failing', 500)
  for (let n = 0; n < 10_000; n++) await send(`http://${n}`, 200)
  const origins = upstreams.states().map(({ origin }) => origin)
  t.ok(origins.length < 10_000)
  t.strictSame(origins.slice(0, 2), ['http://running', 'http://failing'])
  for (let n = 0; n < 20_000; n++) await send(`http://other-${n}`, 500)
  t.ok(upstreams.states().length <= 10_000)
  t.equal(upstreams.states()[0]?.origin, 'http://running')
  end.resolve()
  await running
})

t.test('the limits of a resolver by itself are those of the configuration schema', async (t) => {
  t.strictSame(configOf({}).server.upstreams, upstreamDefaults)
})
