import t from 'tap'
import type { EventBus } from '../../src/core/bus.ts'
import { Changes } from '../../src/core/changes.ts'
import { InFlight } from '../../src/core/in-flight.ts'
import type { Change, JsonObject } from '../../src/core/ports.ts'
import { StreamSlots } from '../../src/core/stream-slots.ts'
import { Subscriptions } from '../../src/core/subscriptions.ts'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import { createTaskMemory } from '../../src/stores/task-memory.ts'
import { exchangeOf, keepingLogger, type TestExchange } from '../helpers/exchange.ts'
import { turn, until } from '../helpers/waiting.ts'
import { openTasks } from './tasks/support.ts'

const idKey = 'io.modelcontextprotocol/subscriptionId'

/** Counts who listens, so that a test sees when nobody is left. */
class CountedChanges extends Changes {
  count = 0
  override listen (listener: (change: Change) => void): () => void {
    const stop = super.listen(listener)
    this.count++
    return () => { this.count--; stop() }
  }
}

interface Parts { subscriptions: Subscriptions, changes: CountedChanges, inFlight: InFlight, slots: StreamSlots, left: () => number[] }

async function open (t: { teardown (fn: () => unknown): unknown }): Promise<Parts> {
  const changes = new CountedChanges(createBusMemory({ logger: keepingLogger() }))
  await changes.open()
  t.teardown(() => { changes.close() })
  const inFlight = new InFlight()
  const slots = new StreamSlots({ maxStreams: 5, maxStreamsPerPrincipal: 3, maxAnonymousStreams: 2 })
  const subscriptions = new Subscriptions({ changes, inFlight, slots, mayWatch: (uri) => uri.startsWith('known:'), tasks: () => undefined })
  return { subscriptions, changes, inFlight, slots, left: () => [subscriptions.size, changes.count, inFlight.size, slots.size] }
}

interface Listening { exchange: TestExchange, ended: Promise<object | Error> }

function listen ({ subscriptions }: Parts, notifications: unknown, changes: Partial<TestExchange> = {}): Listening {
  const exchange = exchangeOf({ rpcId: 7, ...changes })
  return { exchange, ended: subscriptions.listen({ notifications } as JsonObject, exchange).catch((error: unknown) => error as Error) }
}

const everything = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['known:a'] }
const all: Change[] = [{ kind: 'tools' }, { kind: 'prompts' }, { kind: 'resources' }, { kind: 'resource', uri: 'known:a' }, { kind: 'resource', uri: 'known:b' }]

async function announceAll ({ changes }: Parts): Promise<void> {
  for (const change of all) await changes.announce(change)
  await turn()
}

t.test('the first message says what is going to be told: of what was asked, what there is', async (t) => {
  const rows: [asked: JsonObject, honoured: JsonObject][] = [
    [everything, everything],
    [{ toolsListChanged: true, promptsListChanged: false }, { toolsListChanged: true }],
    [{ resourceSubscriptions: ['known:a', 'secret:b', 'known:c'] }, { resourceSubscriptions: ['known:a', 'known:c'] }],
    [{ toolsListChanged: true, resourceSubscriptions: ['secret:b'] }, { toolsListChanged: true }],
    [{ toolsListChanged: true, somethingNew: true, __proto__: null }, { toolsListChanged: true }]
  ]
  for (const [asked, honoured] of rows) {
    const parts = await open(t)
    const { exchange } = listen(parts, asked)
    t.strictSame(exchange.sent, [{ method: 'notifications/subscriptions/acknowledged', params: { notifications: honoured, _meta: { [idKey]: 7 } } }], JSON.stringify(asked))
    parts.subscriptions.endAll()
  }
})

t.test('only what was asked for is told, under the id of the request', async (t) => {
  const rows: [asked: JsonObject, told: string[]][] = [
    [{ toolsListChanged: true }, ['tools/list_changed']],
    [{ promptsListChanged: true }, ['prompts/list_changed']],
    [{ resourcesListChanged: true }, ['resources/list_changed']],
    [{ resourceSubscriptions: ['known:a'] }, ['resources/updated known:a']],
    [{ resourceSubscriptions: ['known:b', 'known:a', 'known:a'] }, ['resources/updated known:a', 'resources/updated known:b']],
    [everything, ['tools/list_changed', 'prompts/list_changed', 'resources/list_changed', 'resources/updated known:a']]
  ]
  for (const [asked, told] of rows) {
    const parts = await open(t)
    const { exchange } = listen(parts, asked)
    await announceAll(parts)
    const [, ...news] = exchange.sent
    t.strictSame(news.map(({ method, params }) => [method.replace('notifications/', ''), (params as JsonObject)['uri']].filter((part) => part !== undefined).join(' ')), told, JSON.stringify(asked))
    for (const { params } of news) t.strictSame((params as JsonObject)['_meta'], { [idKey]: 7 })
    parts.subscriptions.endAll()
  }
})

t.test('the id keeps its type, also in the result', async (t) => {
  for (const rpcId of ['7', 7, 0, '', 'ü"\n', -3]) {
    const parts = await open(t)
    const { exchange, ended } = listen(parts, { toolsListChanged: true }, { rpcId })
    await announceAll(parts)
    parts.subscriptions.endAll()
    t.strictSame(await ended, { _meta: { [idKey]: rpcId } })
    for (const { params } of exchange.sent) t.strictSame((params as JsonObject)['_meta'], { [idKey]: rpcId })
    t.equal(exchange.sent.length, 2)
  }
})

t.test('several at once do not mix, and end by themselves', async (t) => {
  const parts = await open(t)
  const tools = listen(parts, { toolsListChanged: true }, { rpcId: 1, cancelKey: 'a 1' })
  const prompts = listen(parts, { promptsListChanged: true }, { rpcId: '1', cancelKey: 'a "1"' })
  t.strictSame(parts.left(), [2, 2, 2, 2])
  await announceAll(parts)
  t.strictSame(tools.exchange.sent.map(({ method }) => method), ['notifications/subscriptions/acknowledged', 'notifications/tools/list_changed'])
  t.strictSame(prompts.exchange.sent.map(({ method }) => method), ['notifications/subscriptions/acknowledged', 'notifications/prompts/list_changed'])
  parts.inFlight.cancel('a 1')
  t.match(await tools.ended, { code: 'MCP_CANCELLED' })
  t.strictSame(parts.left(), [1, 1, 1, 1])
  await announceAll(parts)
  t.equal(tools.exchange.sent.length, 2, 'what is cancelled hears nothing more')
  t.equal(prompts.exchange.sent.length, 3)
  parts.subscriptions.endAll()
  await prompts.ended
})

t.test('where there is nothing to tell, the request ends at once', async (t) => {
  for (const asked of [{}, { toolsListChanged: false }, { resourceSubscriptions: [] }, { resourceSubscriptions: ['secret:a'] }, { somethingNew: true }]) {
    const parts = await open(t)
    const { exchange, ended } = listen(parts, asked)
    t.strictSame(await ended, { _meta: { [idKey]: 7 } }, JSON.stringify(asked))
    t.strictSame(exchange.sent, [{ method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, _meta: { [idKey]: 7 } } }])
    t.strictSame(parts.left(), [0, 0, 0, 0])
  }
})

t.test('however a subscription ends, nothing of it is left', async (t) => {
  const ways: [what: string, end: (parts: Parts, exchange: TestExchange) => unknown, result: object][] = [
    ['the client is gone', (_parts, exchange) => { exchange.disconnect() }, { code: 'MCP_CANCELLED' }],
    ['the client cancels', ({ inFlight }) => inFlight.cancel('key 7'), { code: 'MCP_CANCELLED' }],
    ['the client does both', ({ inFlight }, exchange) => { exchange.disconnect(); inFlight.cancel('key 7') }, { code: 'MCP_CANCELLED' }],
    ['the server ends', ({ subscriptions }) => { subscriptions.endAll() }, { _meta: { [idKey]: 7 } }],
    ['the connection ends', ({ subscriptions }) => { subscriptions.endOf('key ') }, { _meta: { [idKey]: 7 } }]
  ]
  for (const [what, end, result] of ways) {
    const parts = await open(t)
    const { exchange, ended } = listen(parts, everything, { cancelKey: 'key 7' })
    t.strictSame(parts.left(), [1, 1, 1, 1])
    end(parts, exchange)
    t.match(await ended, result, what)
    t.strictSame(parts.left(), [0, 0, 0, 0], what)
    await announceAll(parts)
    t.equal(exchange.sent.length, 1, `${what}: nothing more is told`)
  }
})

t.test('a client that was gone before it began leaves nothing', async (t) => {
  const parts = await open(t)
  const { ended, exchange } = listen(parts, everything, { onDisconnect: (gone) => { gone() } })
  t.match(await ended, { code: 'MCP_CANCELLED' })
  t.strictSame(exchange.sent, [])
  t.strictSame(parts.left(), [0, 0, 0, 0])
})

t.test('the end of one connection is not that of another', async (t) => {
  const parts = await open(t)
  const mine = listen(parts, everything, { cancelKey: 'line-1 7' })
  const others = [listen(parts, everything, { cancelKey: 'line-11 7' }), listen(parts, everything)]
  parts.subscriptions.endOf('line-1 ')
  t.match(await mine.ended, { _meta: {} })
  t.equal(parts.subscriptions.size, 2)
  parts.subscriptions.endAll()
  await Promise.all(others.map(({ ended }) => ended))
})

t.test('while the server ends, a new one is acknowledged and ends at once', async (t) => {
  const parts = await open(t)
  parts.subscriptions.endAll()
  const { exchange, ended } = listen(parts, everything)
  t.match(await ended, { _meta: { [idKey]: 7 } })
  t.equal(exchange.sent.length, 1)
  t.strictSame(parts.left(), [0, 0, 0, 0])
})

t.test('who cannot be told anything is refused', async (t) => {
  const parts = await open(t)
  const { exchange, ended } = listen(parts, everything, { streaming: false })
  t.match(await ended, { code: 'MCP_NOT_ACCEPTABLE', status: 406 })
  t.strictSame(exchange.sent, [])
})

t.test('a filter that is none is refused, and says why', async (t) => {
  const parts = await open(t)
  const rows: [asked: unknown, message: RegExp][] = [
    ...[undefined, null, [], 'tools', 5].map((asked): [unknown, RegExp] => [asked, /params.notifications must be an object/]),
    [{ toolsListChanged: 'yes' }, /toolsListChanged must be true or false/], [{ promptsListChanged: null }, /promptsListChanged/], [{ resourcesListChanged: 1 }, /resourcesListChanged/],
    ...['known:a', null, {}, [5], ['known:a', null], Array.from({ length: 1_001 }, () => 'known:a')].map((resourceSubscriptions): [unknown, RegExp] => [{ resourceSubscriptions }, /resourceSubscriptions must be a list of at most 1000 URIs/])
  ]
  for (const [asked, message] of rows) {
    const { exchange, ended } = listen(parts, asked)
    t.match(await ended, { code: 'MCP_INVALID_PARAMS', message }, JSON.stringify(asked)?.slice(0, 80))
    t.strictSame(exchange.sent, [])
  }
  t.strictSame(parts.left(), [0, 0, 0, 0])
})

t.test('a caller has as many as it may, and each end makes room; nobody else is held up', async (t) => {
  const parts = await open(t)
  const listening = Array.from({ length: 3 }, () => listen(parts, { toolsListChanged: true }))
  const refused = listen(parts, { toolsListChanged: true })
  t.match(await refused.ended, { code: 'MCP_STREAM_LIMIT', status: 429, message: /has 3 streams open/ })
  t.strictSame(refused.exchange.sent, [], 'nothing was promised')
  t.match(await listen(parts, {}).ended, { _meta: {} }, 'what ends at once takes no place')
  const bob = { kind: 'key' as const, name: 'bob', permissions: [], tier: undefined }
  listening.push(listen(parts, { toolsListChanged: true }, { principal: bob }))
  listening[0]?.exchange.disconnect()
  await listening[0]?.ended
  listening.push(listen(parts, { toolsListChanged: true }))
  t.strictSame(parts.left(), [4, 4, 0, 4])
  for (const { exchange } of listening) exchange.disconnect()
  await Promise.all(listening.map(({ ended }) => ended))
  t.strictSame(parts.left(), [0, 0, 0, 0])
})

t.test('a subscription to tasks listens to them for as long as it is open, however it ends', async (t) => {
  const inner = createBusMemory({ logger: keepingLogger() })
  let listening = 0
  const bus: EventBus = {
    ...inner,
    async subscribe (channel, listener, options) {
      const leave = await inner.subscribe(channel, listener, options)
      if (!channel.startsWith('task:')) return leave
      listening++
      return () => { listening--; leave() }
    }
  }
  const { tasks, begin } = openTasks(t, { shared: { store: createTaskMemory({ maxTasks: 9, maxTasksPerPrincipal: 9, maxTotalBytes: 1_000_000, clock: { now: () => Date.now() } }), bus } })
  const { task: { record: { id } } } = await begin()
  const parts = await open(t)
  const subscriptions = new Subscriptions({ ...parts, mayWatch: () => false, tasks: () => tasks })
  const ends: ((exchange: TestExchange) => void)[] = [(exchange) => { exchange.disconnect() }, () => { parts.inFlight.cancel('key 7') }, () => { subscriptions.endOf('key') }]
  for (const end of ends) {
    const exchange = exchangeOf({ rpcId: 7, cancelKey: 'key 7', clientCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } })
    const ended = subscriptions.listen({ notifications: { taskIds: [id] } }, exchange).catch((error: unknown) => error)
    await until('it has begun', () => exchange.sent.length === 2)
    t.equal(listening, 1)
    end(exchange)
    await ended
    await turn()
    t.strictSame([listening, parts.slots.size, parts.inFlight.size, subscriptions.size], [0, 0, 0, 0])
  }
})

t.test('when the server has as many as it may, it says so', async (t) => {
  const parts = await open(t)
  const of = (name: string): Listening => listen(parts, everything, { principal: { kind: 'key', name, permissions: [], tier: undefined } })
  const listening = ['ann', 'ann', 'ann', 'bob', 'bob'].map(of)
  t.match(await of('eve').ended, { code: 'MCP_OVERLOADED', status: 503 })
  t.match(await of('ann').ended, { code: 'MCP_STREAM_LIMIT' }, 'and to whom has too many that, rather')
  parts.subscriptions.endAll()
  await Promise.all(listening.map(({ ended }) => ended))
  t.strictSame(parts.left(), [0, 0, 0, 0])
})
