import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createBusRedis } from '../../src/stores/bus-redis.ts'
import { connectRedis, startRedis, type RedisServer } from '../helpers/redis.ts'
import { until } from '../helpers/waiting.ts'
import { busContract, collect } from './bus-contract.ts'

const shared = await startRedis(t)

/** The bus of an instance of its own. */
async function instance (t: Test, server: RedisServer = shared, section: Partial<RedisSection> = {}) {
  const { redis, log } = await connectRedis(t, server.section(section))
  const bus = createBusRedis({ redis, logger: log.logger })
  t.teardown(() => bus.close())
  return { bus, redis, log }
}

t.test('events through Redis', async (t) => {
  busContract(t, async (t) => {
    const [here, there] = [await instance(t), await instance(t)]
    return { here: here.bus, there: there.bus, log: there.log }
  })
})

t.test('an instance subscribes a channel once, whoever listens to it, and leaves it with the last', async (t) => {
  const { bus } = await instance(t)
  const client = await shared.client()
  const name = 'gantry:1:0:bus:counted'
  const count = async () => (await client.pubsub('NUMSUB', name))[1]
  const listeners = [await collect(bus, 'counted'), await collect(bus, 'counted')]
  t.equal(await count(), 1)
  const connections = String(await client.client('LIST'))
  t.equal(connections.match(/name=gantry:events/g)?.length, 1)
  listeners[0]?.unsubscribe()
  // The connection answers in order, so that what was asked before is done when this is.
  await (await collect(bus, 'fence')).unsubscribe()
  t.equal(await count(), 1)
  listeners[1]?.unsubscribe()
  await collect(bus, 'fence')
  t.equal(await count(), 0)
})

t.test('each instance that listens counts among those that heard', async (t) => {
  const instances = [await instance(t), await instance(t), await instance(t)]
  const [here] = instances
  await Promise.all(instances.map(({ bus }) => collect(bus, 'count')))
  t.equal(await here?.bus.publish('count', { n: 1 }), 3)
})

t.test('an instance that only publishes has no second connection', async (t) => {
  const server = await startRedis(t)
  const { bus } = await instance(t, server)
  await bus.publish('news', { n: 1 })
  const client = await server.client()
  t.notMatch(String(await client.client('LIST')), /gantry:events/)
})

t.test('servers with different prefixes or databases hear nothing of each other', async (t) => {
  const [plain, prefixed, numbered] = [await instance(t), await instance(t, shared, { keyPrefix: 'other:' }), await instance(t, shared, { db: 1 })]
  const [here, there, elsewhere] = [await collect(plain.bus, 'news'), await collect(prefixed.bus, 'news'), await collect(numbered.bus, 'news')]
  await plain.bus.publish('news', { n: 1 })
  await prefixed.bus.publish('news', { n: 2 })
  await numbered.bus.publish('news', { n: 3 })
  await Promise.all([here.reached(1), there.reached(2), elsewhere.reached(3)])
  t.strictSame([here.events, there.events, elsewhere.events], [[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
})

t.test('what is no event is logged and passed over', async (t) => {
  const { bus, log } = await instance(t)
  const { events, reached } = await collect(bus, 'news')
  const client = await shared.client()
  for (const text of ['{', '[]', '"text"', 'null', '']) await client.publish('gantry:1:0:bus:news', text)
  await bus.publish('news', { n: 1 })
  await reached(1)
  t.strictSame(events, [{ n: 1 }])
  t.strictSame(log.lines.filter(({ level }) => level === 'error').map(({ facts }) => 'channel' in facts && facts.channel), Array(5).fill('news'))
})

t.test('a Redis that was killed and came back empty carries events again, to the same listeners', async (t) => {
  const server = await startRedis(t)
  const [here, there] = [await instance(t, server), await instance(t, server)]
  const channels = await Promise.all(Array.from({ length: 30 }, (_, each) => collect(there.bus, `channel-${each}`)))
  await server.kill()
  await t.rejects(async () => here.bus.publish('channel-0', { n: 0 }), { code: 'MCP_STATE_UNAVAILABLE' })
  await t.rejects(async () => there.bus.subscribe('channel-0', () => {}), { code: 'MCP_STATE_UNAVAILABLE' }, 'also where others listen already')
  await t.rejects(async () => there.bus.subscribe('new', () => {}), { code: 'MCP_STATE_UNAVAILABLE' })

  await server.restart()
  await until('both are back', () => here.redis.available && there.redis.available)
  // From here on a subscription that is new waits for its turn behind those that are renewed.
  const fence = await collect(there.bus, 'fence')
  for (let each = 0; each < 30; each++) await here.bus.publish(`channel-${each}`, { n: 1 })
  await here.bus.publish('fence', { n: 1 })
  await fence.reached(1)
  for (const { events } of channels) t.strictSame(events, [{ n: 1 }])
  t.strictSame(there.log.sentences(), ['Redis is connected.', 'Redis is lost: what needs it fails until it is back.', 'Redis is back.'])
})

t.test('a listening connection that alone was cut is made and subscribed anew', async (t) => {
  const server = await startRedis(t)
  const { bus, redis, log } = await instance(t, server)
  const { events, reached } = await collect(bus, 'news')
  const client = await server.client()
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until('that was noticed and mended', () => log.sentences().includes('Redis is back.') && redis.available)
  await collect(bus, 'fence')
  await bus.publish('news', { n: 1 })
  await reached(1)
  t.strictSame(events, [{ n: 1 }])
})

t.test('a lasting listener waits for a Redis that is away, and hears of it when it is there', async (t) => {
  const server = await startRedis(t)
  await server.kill()
  const { bus, redis } = await instance(t, server)
  const heard: unknown[] = []
  await t.rejects(async () => bus.subscribe('news', () => {}), { code: 'MCP_STATE_UNAVAILABLE' })
  const leave = await bus.subscribe('news', (event) => { heard.push(event) }, { lasting: true })
  await server.restart()
  await until('Redis is there', () => redis.available)
  const fence = await collect(bus, 'news')
  await bus.publish('news', { n: 1 })
  await fence.reached(1)
  t.strictSame(heard, [{ n: 1 }])
  leave()
  await bus.publish('news', { n: 2 })
  await fence.reached(2)
  t.equal(heard.length, 1)
})

t.test('a Redis that refuses subscriptions is asked again, and not in a storm', async (t) => {
  const server = await startRedis(t)
  const admin = await server.client()
  await admin.acl('SETUSER', 'default', 'resetchannels')
  const { bus, log } = await instance(t, server)
  await t.rejects(async () => bus.subscribe('news', () => {}), { code: 'MCP_STATE_UNAVAILABLE' })
  const heard: unknown[] = []
  await bus.subscribe('news', (event) => { heard.push(event) }, { lasting: true })
  await admin.acl('SETUSER', 'default', 'allchannels')
  await until('it is subscribed after all', () => {
    void Promise.resolve(bus.publish('news', { n: 1 })).catch(() => {})
    return heard.length > 0
  })
  t.ok(log.lines.length <= 6, log.sentences().join('\n'))
  t.equal(log.sentences().filter((sentence) => sentence.startsWith('Redis refuses commands')).length, 1)
})

t.test('a bus that is closed takes no listeners and opens nothing', async (t) => {
  const { bus, redis } = await instance(t)
  await bus.close()
  await redis.close()
  await t.rejects(async () => bus.subscribe('news', () => {}), { code: 'MCP_STATE_UNAVAILABLE' })
  await t.rejects(async () => bus.publish('news', {}), { code: 'MCP_STATE_UNAVAILABLE' })
})
