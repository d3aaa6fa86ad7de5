import t from 'tap'
import { LineConnection } from '../../../src/core/line-connection.ts'
import { localPrincipal } from '../../../src/core/principals.ts'
import { configFromObject } from '../../../src/config/load.ts'
import { build, envelope, modern, type GantryApp, type JsonObject, type Message, type Test } from '../../helpers/build.ts'
import { keepingLogger } from '../../helpers/exchange.ts'
import { callLive, listen, LiveSession, type LiveAnswer } from '../../helpers/live.ts'
import { until } from '../../helpers/waiting.ts'

const notifications = { toolsListChanged: true }
const limits = { maxStreams: 6, maxStreamsPerPrincipal: 3, maxAnonymousStreams: 2 }
const tooMany = { error: { code: -32603, message: /streams open, as many as it may: close one/ } }

async function serve (t: Test, server: JsonObject = {}): Promise<{ app: GantryApp, address: string }> {
  const app = await build(t, { server: { ...limits, ...server } })
  return { app, address: await listen(app) }
}

const keyOf = (name: string): string => `a key that only ${name} has, and nobody guesses`

async function serveNamed (t: Test): Promise<{ app: GantryApp, address: string }> {
  const apiKeys = ['ann', 'bob', 'eve'].map((name) => ({ name, key: keyOf(name), permissions: ['*'] }))
  const app = await build(t, { server: limits, security: { authentication: { apiKeys } } })
  return { app, address: await listen(app) }
}

async function subscribe (address: string, user?: string, id: string | number = 1): Promise<LiveAnswer> {
  return await callLive(address, 'subscriptions/listen', { notifications }, { id, headers: { 'x-api-key': user === undefined ? undefined : keyOf(user) } })
}

t.test('the bounds have defaults, and what is none is named by its place', async (t) => {
  t.match(configFromObject({}).config?.server, { maxStreams: 10_000, maxStreamsPerPrincipal: 1_000, maxAnonymousStreams: 9_000 })
  for (const key of Object.keys(limits)) {
    for (const value of [0, -1, 1.5, '5', null]) t.strictSame(configFromObject({ server: { [key]: value } }).faults.map(({ path }) => path.join('.')), [`server.${key}`], `${key} ${String(value)}`)
  }
})

t.test('2026: who has as many subscriptions as it may gets 429 for the next, until one ends', async (t) => {
  const { app, address } = await serve(t)
  const open = [await subscribe(address), await subscribe(address)]
  for (const stream of open) t.match(await stream.message(), { method: 'notifications/subscriptions/acknowledged' })
  const refused = await subscribe(address, undefined, 'one more')
  t.strictSame([refused.status, refused.isStream], [429, false])
  t.match(await refused.rest(), [{ id: 'one more', ...tooMany }])
  t.match((await modern(app, 'tools/list')).message, { result: {} }, 'all else goes on')
  open[0]?.cut()
  await until('its place is free', () => app.core.streamSlots.size === 1)
  const next = await subscribe(address)
  t.match(await next.message(), { method: 'notifications/subscriptions/acknowledged' })
  t.equal(app.core.streamSlots.size, 2)
})

t.test('2025: GET streams take the same places, in whatever session they are', async (t) => {
  const { app, address } = await serve(t)
  const [one, two] = [await LiveSession.open(address), await LiveSession.open(address)]
  const [first, second] = [await one.get(), await two.get()]
  t.strictSame([first.status, second.status], [200, 200])
  for (const refused of [await two.get(), await one.get({ lastEventId: 'nothing.1' }), await subscribe(address)]) {
    t.equal(refused.status, 429)
    t.match(await refused.rest(), [tooMany])
  }
  t.match(await (await two.call('ping')).rest(), [{ result: {} }], 'the session itself goes on')
  await one.end()
  t.strictSame(await first.rest(), [])
  await until('its place is free', () => app.core.streamSlots.size === 1)
  t.equal((await two.get()).status, 200)
  second.cut()
  await until('its place is free', () => app.core.streamSlots.size === 1)
})

t.test('a caller with a name has a bound of its own, whatever others have open', async (t) => {
  const { app, address } = await serveNamed(t)
  const ann = [await subscribe(address, 'ann'), await subscribe(address, 'ann'), await subscribe(address, 'ann')]
  for (const stream of ann) await stream.message()
  t.equal((await subscribe(address, 'ann')).status, 429)
  const bob = [await subscribe(address, 'bob'), await subscribe(address, 'bob'), await subscribe(address, 'bob')]
  for (const stream of bob) t.equal(stream.status, 200)
  const eve = await subscribe(address, 'eve')
  t.equal(eve.status, 503)
  t.match(await eve.rest(), [{ error: { message: /overloaded/ } }], 'and all together have one')
  for (const stream of [...ann, ...bob]) stream.cut()
  await until('all places are free', () => app.core.streamSlots.size === 0)
})

t.test('over stdio, subscriptions are bounded too', async (t) => {
  const { app } = await serve(t)
  const written: Message[] = []
  const connection = new LineConnection({ core: app.core, logger: keepingLogger(), principal: localPrincipal, requests: app.serverRequests, write: (line) => { written.push(JSON.parse(line) as Message) } })
  for (let id = 1; id <= 4; id++) connection.receive(JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta: envelope() } }))
  await until('all are answered', () => written.length === 4)
  t.strictSame(written.map(({ method }) => method === 'notifications/subscriptions/acknowledged').sort(), [false, true, true, true])
  t.match(written.find(({ error }) => error !== undefined), { id: 4, ...tooMany })
  connection.end()
  await connection.settled()
  t.equal(app.core.streamSlots.size, 0)
})

t.test('over HTTP+SSE, subscriptions of the later era are bounded too', async (t) => {
  const { app, address } = await serve(t, { protocol: { httpSse: { enabled: true } } })
  const connection = new AbortController()
  t.teardown(() => { connection.abort() })
  const { body } = await fetch(`${address}/sse`, { headers: { accept: 'text/event-stream' }, signal: connection.signal })
  let text = ''
  const reading = (async () => { for await (const part of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) text += part })().catch(() => { /* cut by the test */ })
  await until('the stream says where to post', () => /data: (\S+)/.test(text))
  const endpoint = /data: (\S+)/.exec(text)?.[1] ?? ''
  for (let id = 1; id <= 3; id++) {
    await fetch(address + endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta: envelope() } }) })
  }
  await until('the third is refused', () => text.includes('as many as it may'))
  t.equal(text.split('subscriptions/acknowledged').length - 1, 2)
  connection.abort()
  await reading
  await until('all places are free', () => app.core.streamSlots.size === 0)
})
