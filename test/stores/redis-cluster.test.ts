import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createBusRedis } from '../../src/stores/bus-redis.ts'
import { createCacheRedis } from '../../src/stores/cache-redis.ts'
import { createCounterRedis } from '../../src/stores/counter-redis.ts'
import { createSessionRedis } from '../../src/stores/session-redis.ts'
import { createStreamLogRedis } from '../../src/stores/stream-log-redis.ts'
import { createTaskRedis } from '../../src/stores/task-redis.ts'
import { build, openSession, post, textOf } from '../helpers/build.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { startCluster } from '../helpers/cluster.ts'
import { connectRedis, passCountedTime, passTime, redisSection, startRedis } from '../helpers/redis.ts'
import { freePort } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { busContract, collect } from './bus-contract.ts'
import { cacheContract } from './cache-contract.ts'
import { counter, counterContract, take } from './counter-contract.ts'
import { limits, record, sessionContract } from './session-contract.ts'
import { streamLogContract } from './stream-log-contract.ts'
import { taskContract } from './task-contract.ts'

// Everything that is kept in a Redis, on a real cluster of three primaries.

const password = 'for all of them'
const certificate = makeCertificate(t)
const [cluster, failing] = await Promise.all([
  startCluster(t, { password, tls: certificate }),
  // What is on other nodes than the one that dies is served.
  startCluster(t, { args: ['--cluster-require-full-coverage', 'no', '--cluster-node-timeout', '500'] })
])
const clients = cluster.nodes.map(({ client }) => client)

t.beforeEach(async () => { await Promise.all(clients.map(async (client) => await client.flushall())) })

const instance = async (t: Test, section: Partial<RedisSection> = {}) => await connectRedis(t, cluster.section(section))
const pass = async (ms: number, pattern?: string): Promise<void> => { for (const client of clients) await passTime(client, ms, pattern) }

t.test('sessions in a cluster', async (t) => {
  sessionContract(t, async (t, limits) => ({ store: createSessionRedis({ ...await instance(t), ...limits }), pass }))
})

t.test('streams in a cluster', async (t) => {
  streamLogContract(t, async (t, bounds = {}) => ({ log: createStreamLogRedis({ ...bounds, ...await instance(t) }), pass }))
})

t.test('tasks in a cluster', async (t) => {
  taskContract(t, async (t, bounds) => ({ store: createTaskRedis({ ...await instance(t), ...bounds }), now: () => Date.now(), pass }))
})

t.test('counters in a cluster', async (t) => {
  counterContract(t, async (t) => ({
    store: createCounterRedis(await instance(t)),
    pass: async (ms) => { for (const client of clients) await passCountedTime(client, ms) }
  }))
})

t.test('a cache in a cluster', async (t) => {
  cacheContract(t, async (t) => {
    const store = createCacheRedis(await instance(t))
    t.teardown(() => { store.close() })
    return { store, pass: async (ms) => { await pass(ms, '*:entry:*') } }
  })
})

async function bus (t: Test) {
  const { redis, log } = await instance(t)
  const bus = createBusRedis({ redis, logger: log.logger })
  t.teardown(() => bus.close())
  return { bus, redis, log }
}

t.test('events in a cluster', async (t) => {
  busContract(t, async (t) => {
    const [here, there] = [await bus(t), await bus(t)]
    return { here: here.bus, there: there.bus, log: there.log }
  })
})

t.test('what is for one purpose is on one node, and not all of it on the same', async (t) => {
  const app = await build(t, { redis: { cluster: cluster.section().cluster, password, keyPrefix: 'mine:' }, security: { rateLimit: { maxRequests: 10, window: 60_000 } } }, { tools: { say: () => 'said' } })
  const { headers } = await openSession(app)
  await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'say' } }, headers)
  const keys = await Promise.all(clients.map(async (client) => await client.keys('*')))
  t.ok(keys.flat().every((key) => /^mine:gantry:1:\{[a-z]+\}:/.test(key)), keys.flat().join('\n'))
  t.ok(keys.filter((some) => some.length > 0).length > 1)
})

t.test('instances find all nodes over any one, serve the sessions of each other, and count the same limits', async (t) => {
  const config = { redis: { cluster: [{ host: '127.0.0.1', port: await freePort() }, { host: 'localhost', port: cluster.nodes[1]?.server.port }], password }, security: { rateLimit: { maxRequests: 40, window: 60_000 } } }
  const tools = { add: ({ a, b }: { a?: unknown, b?: unknown }) => Number(a) + Number(b) }
  const [here, there] = [await build(t, config, { tools }), await build(t, config, { tools })]
  const { headers } = await openSession(here)
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 2 } } } as const
  t.equal(textOf(await post(there, call, headers)), '3')
  const answers = await Promise.all(Array.from({ length: 100 }, async (_, each) => await post(each % 2 === 0 ? here : there, call, headers)))
  const statuses = answers.map(({ status }) => status)
  t.strictSame([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length], [40 - 2, 62], 'opening, being opened and a call were counted')
  t.strictSame([here.redis?.available, there.redis?.available], [true, true])
  t.match((await here.inject('/health')).json(), { status: 'healthy' })
})

t.test('events go on where their node is another one: without a gap for those that come later, and with their count', async (t) => {
  const [here, there] = [await bus(t), await bus(t)]
  const { events, reached } = await collect(there.bus, 'news')
  await here.bus.publish('news', { n: 1 })
  await reached(1)

  const from = await cluster.nodeOf('bus')
  const to = cluster.nodes.find((node) => node !== from) ?? from
  await cluster.move('bus', to)
  t.teardown(async () => { await cluster.move('bus', from) })
  await until('those that listen have followed', async () => (await to.client.pubsub('NUMSUB', 'gantry:1:0:bus:news'))[1] === 1)
  t.equal(await here.bus.publish('news', { n: 2 }), 1)
  await reached(2)
  t.strictSame(events, [{ n: 1 }, { n: 2 }])
})

t.test('when a primary dies, what it had fails at once and the rest goes on; its replica takes over by itself', async (t) => {
  const primary = await failing.nodeOf('sessions')
  await failing.follow(primary)
  const { redis, log } = await connectRedis(t, failing.section())
  const [sessions, counters] = [createSessionRedis({ redis, ...limits }), createCounterRedis({ redis })]
  const one = record()
  t.equal(await sessions.create(one), true)
  // It waits for what this client has written, and so for what came before.
  await primary.client.set('{sessions}after it', '1')
  t.equal(await primary.client.wait(1, 2_000), 1, 'the replica has it')

  await primary.server.kill()
  const startedAt = performance.now()
  await t.rejects(async () => await sessions.get(one.id), { code: 'MCP_STATE_UNAVAILABLE' })
  t.ok(performance.now() - startedAt < 500, 'nobody waits for the replica')
  t.equal((await take(counters, counter())).admitted, true, 'counters are on another node')
  await until('the replica has taken over', async () => {
    try {
      return await sessions.get(one.id) !== undefined
    } catch {
      return false
    }
  })
  await until('that is known', () => redis.available)
  t.comment(`${Math.round(performance.now() - startedAt)} ms, of which the cluster waits 500`)
  // While the nodes do not agree yet, it may be lost again.
  const [connected, lost, back] = ['Redis is connected.', 'Redis is lost: what needs it fails until it is back.', 'Redis is back.']
  const told = log.sentences()
  t.strictSame([told.slice(0, 3), told.at(-1)], [[connected, lost, back], back])
  t.ok(told.length <= 5, told.join('\n'))
})

t.test('without a node that answers the start goes on, what is there later is found, and closing waits for nobody', async (t) => {
  const startedAt = performance.now()
  const { redis, log } = await connectRedis(t, redisSection({ cluster: [{ host: '127.0.0.1', port: await freePort() }] }))
  await t.rejects(async () => await redis.run(async (commands) => await commands.ping()), { code: 'MCP_STATE_UNAVAILABLE' })
  await redis.close()
  t.ok(performance.now() - startedAt < 1_000)
  t.match(log.lines, [{ sentence: 'Redis cannot be reached: what needs it fails until it is there.', facts: { redis: /^redis-cluster:/, reason: String } }])

  const alone = await startRedis(t)
  const other = await connectRedis(t, redisSection({ cluster: [{ host: '127.0.0.1', port: alone.port }] }))
  await t.rejects(async () => await other.redis.run(async (commands) => await commands.ping()), { code: 'MCP_STATE_UNAVAILABLE' })
  t.match(other.log.lines[0], { facts: { reason: /cluster support disabled/ } })
})

t.test('with TLS, all nodes show a certificate that is checked', async (t) => {
  const seeds = cluster.nodes.slice(0, 1).map(({ tlsPort = 0 }) => ({ host: '127.0.0.1', port: tlsPort }))
  const { redis, log } = await instance(t, { cluster: seeds, tls: true, tlsOptions: { ca: certificate.certFile } })
  t.strictSame(log.sentences(), ['Redis is connected.'], 'each group was asked for, wherever it is')
  t.match(redis.address, /^rediss-cluster:/)
  const events = createBusRedis({ redis, logger: log.logger })
  const { reached } = await collect(events, 'news')
  t.equal(await events.publish('news', { n: 1 }), 1)
  await reached(1)
  events.close()
  const strange = await instance(t, { cluster: seeds, tls: true })
  await t.rejects(async () => await strange.redis.run(async (commands) => await commands.ping()), { code: 'MCP_STATE_UNAVAILABLE' }, 'an authority that nobody named')
  t.strictSame(strange.log.sentences(), ['Redis cannot be reached: what needs it fails until it is there.'])
})

t.test('a wrong password is said, and not shown', async (t) => {
  const { log } = await instance(t, { password: 'hunter2-Geheim' })
  t.match(log.lines[0], { facts: { reason: /WRONGPASS|NOAUTH/ } })
  t.notMatch(JSON.stringify(log.lines), /hunter2/)
})
