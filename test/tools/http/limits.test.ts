import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { CancelledError, ToolFailedError, ToolTimeoutError } from '../../../src/core/call-errors.ts'
import { realTiming } from '../../../src/tools/http/retry.ts'
import { contextOf, failureOf, handlerOf, listen, openResolver, ownerOf, sendJson, startUpstream, type Test } from './support.ts'

/** An upstream that takes requests and never answers; `request` and `close` tell what happens to them. */
async function silentUpstream (t: Test) {
  const upstream = await listen(t, (_, response) => { response.on('close', () => upstream.server.emit('gone')) })
  return upstream
}

t.test('an upstream that does not answer in time is a timeout that names tool, method, origin and limit', async (t) => {
  const { origin, server } = await silentUpstream(t)
  const gone = once(server, 'gone')
  let arrived = false
  server.on('request', () => { arrived = true })
  const handler = await handlerOf(t, { url: `${origin}/secret?key=secret`, timeout: 30 })
  t.match(await failureOf(handler({}, contextOf())), { constructor: ToolTimeoutError, message: `weather: GET ${origin} did not finish within 30 ms.` })
  // On a busy machine the time may be over before the request is on its way.
  if (arrived) await gone
})

t.test('a body that never ends is a timeout too', async (t) => {
  const { origin } = await listen(t, (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).write('slow'))
  const handler = await handlerOf(t, { url: origin, timeout: 30 })
  t.match(await failureOf(handler({}, contextOf())), { constructor: ToolTimeoutError })
})

t.test('a request that waits for a free connection is a timeout too, and is then not sent', async (t) => {
  const arrived: string[] = []
  const { origin, server } = await listen(t, (request, response) => {
    arrived.push(request.url ?? '')
    if (request.url === '/last') sendJson(response, { ok: true })
  })
  const resolver = openResolver(t, { upstreams: { maxConcurrent: 1 } })
  const resolve = (path: string, timeout: number) => resolver.resolve({ type: 'http', url: origin + path, timeout }, ownerOf())
  const [first, waiting, last] = [await resolve('/first', 60_000), await resolve('/waiting', 20), await resolve('/last', 60_000)]
  const held = new AbortController()
  const firstArrived = once(server, 'request')
  const holder = failureOf(first({}, contextOf({ signal: held.signal })))
  await firstArrived
  t.match(await failureOf(waiting({}, contextOf())), { constructor: ToolTimeoutError })
  const lastCall = last({}, contextOf())
  held.abort(new CancelledError())
  await holder
  t.strictSame(await lastCall, { ok: true })
  t.strictSame(arrived, ['/first', '/last'])
})

t.test('a connection that is never accepted is a timeout too', async (t) => {
  // A TLS handshake with a peer that says nothing.
  const server = createServer((socket) => { t.teardown(() => socket.destroy()) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const handler = await handlerOf(t, { url: `https://127.0.0.1:${port}`, timeout: 30 })
  t.match(await failureOf(handler({}, contextOf())), { constructor: ToolTimeoutError })
})

t.test('a cancelled call ends at once with the reason, and so does its request', async (t) => {
  const { origin, server } = await silentUpstream(t)
  const gone = once(server, 'gone')
  const arrived = once(server, 'request')
  const cancel = new AbortController()
  const handler = await handlerOf(t, { url: origin, retries: 5 })
  const reason = new CancelledError()
  const call = failureOf(handler({}, contextOf({ signal: cancel.signal })))
  await arrived
  cancel.abort(reason)
  t.equal(await call, reason)
  await gone
})

t.test('a call that is cancelled before it begins sends nothing', async (t) => {
  const { origin, seen } = await startUpstream(t)
  const handler = await handlerOf(t, { url: origin })
  t.match(await failureOf(handler({}, contextOf({ signal: AbortSignal.abort() }))), { name: 'AbortError' })
  t.match(await failureOf(handler({}, contextOf({ signal: AbortSignal.abort('no error') }))), { constructor: CancelledError })
  t.equal(seen.length, 0)
})

t.test('a call that is cancelled while it waits to try again ends at once', async (t) => {
  const { origin, seen } = await startUpstream(t, (response) => sendJson(response, {}, 503, { 'retry-after': '5' }))
  const cancel = new AbortController()
  const wait = (ms: number, signal: AbortSignal) => {
    const waiting = realTiming.wait(ms, signal)
    cancel.abort(new CancelledError())
    return waiting
  }
  const handler = await handlerOf(t, { url: origin, retries: 3 }, { timing: { ...realTiming, wait } })
  t.match(await failureOf(handler({}, contextOf({ signal: cancel.signal }))), { constructor: CancelledError })
  t.equal(seen.length, 1)
})

t.test('a call leaves no listener on the signal behind', async (t) => {
  const { origin } = await startUpstream(t)
  const handler = await handlerOf(t, { url: origin })
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => { listeners++; add(...args) }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => { listeners--; remove(...args) }
  await handler({}, contextOf({ signal }))
  t.equal(listeners, 0)
})

t.test('100 calls at once each get their own answer, over kept connections', async (t) => {
  const upstream = await startUpstream(t, (response, seen) => sendJson(response, { url: seen.url }))
  let connections = 0
  upstream.server.on('connection', () => { connections++ })
  const handler = await handlerOf(t, { url: `${upstream.origin}/\${args.n}` }, { upstreams: { maxConcurrent: 10 } })
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  const answers = await Promise.all(numbers.map(async (n) => handler({ n }, contextOf())))
  t.strictSame(answers, numbers.map((n) => ({ url: `/${n}` })))
  t.ok(connections <= 10, `${connections} connections`)
})

t.test('an upstream that speaks no HTTP, or closes at once, is a tool error', async (t) => {
  for (const [said, message] of [['SSH-2.0-x\r\n', /the answer is not valid HTTP/], ['', /the connection was closed before/]] as const) {
    const server = createServer((socket) => { socket.on('error', () => {}).end(said) }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const handler = await handlerOf(t, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    t.match(await failureOf(handler({}, contextOf())), { constructor: ToolFailedError, message })
  }
})

t.test('close lets a running call finish, and calls after it fail with a tool error', async (t) => {
  const upstream = await startUpstream(t, (response) => { upstream.server.emit('held', () => sendJson(response, { ok: true })) })
  const held = once(upstream.server, 'held')
  const resolver = openResolver(t, { closeTimeoutMs: 10_000 })
  const handler = await resolver.resolve({ type: 'http', url: upstream.origin }, ownerOf())
  const call = handler({}, contextOf())
  const [answer] = await held
  const closed = resolver.close()
  answer()
  t.strictSame(await call, { ok: true })
  await closed
  await resolver.close()
  t.match(await failureOf((async () => handler({}, contextOf()))()), { constructor: ToolFailedError, message: /Gantry is shutting down/ })
})

t.test('close ends what is still running when its limit is over', async (t) => {
  const { origin, server } = await silentUpstream(t)
  const arrived = once(server, 'request')
  const resolver = openResolver(t, { closeTimeoutMs: 10 })
  const handler = await resolver.resolve({ type: 'http', url: origin }, ownerOf())
  const call = failureOf(handler({}, contextOf()))
  await arrived
  await resolver.close()
  t.match(await call, { constructor: ToolFailedError, message: /Gantry is shutting down/ })
})
