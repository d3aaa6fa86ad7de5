import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createCounterRedis } from '../../src/stores/counter-redis.ts'
import { connectRedis, passCountedTime, startRedis } from '../helpers/redis.ts'
import { admittedOf, counter, counterContract, take, type OpenedCounters } from './counter-contract.ts'

const server = await startRedis(t)
const client = await server.client()

t.beforeEach(async () => { await client.flushall() })

/** A store of an instance of its own. */
async function instance (t: Test, section: Partial<RedisSection> = {}) {
  const { redis } = await connectRedis(t, server.section(section))
  return createCounterRedis({ redis })
}

async function open (t: Test): Promise<OpenedCounters> { return { store: await instance(t), pass: (ms) => passCountedTime(client, ms) } }

t.test('counters in Redis', async (t) => { counterContract(t, open) })

t.test('200 at once over four instances share one count', async (t) => {
  const stores = [await instance(t), await instance(t), await instance(t), await instance(t)]
  const [ten, wide] = [counter({ max: 10 }), counter({ max: 1_000 })]
  const verdicts = await Promise.all(Array.from({ length: 200 }, async (_, each) => await stores[each % 4]?.take([{ counter: wide, cost: 1 }, { counter: ten, cost: 1 }])))
  t.equal(verdicts.filter((verdict) => verdict?.admitted === true).length, 10)
  t.equal((await take(stores[0] ?? await instance(t), wide)).standings[0]?.remaining, 989)
})

t.test('servers with other prefixes do not meet', async (t) => {
  const [mine, other] = [await instance(t, { keyPrefix: 'a:' }), await instance(t, { keyPrefix: 'b:' })]
  const one = counter({ max: 1 })
  t.strictSame([await admittedOf(mine, 2, one), await admittedOf(other, 2, one)], [1, 1])
})

t.test('a counter is gone with its window, and small however much it counts', async (t) => {
  const store = await instance(t)
  const long = counter({ max: 1_000_000 })
  for (let each = 0; each < 200; each++) {
    await store.take([{ counter: long, cost: 50 }])
    await passCountedTime(client, 701)
  }
  const [key = ''] = await client.keys('*')
  t.ok(await client.strlen(key) < 2_000, `${await client.strlen(key)} bytes`)
  t.ok(await client.pttl(key) > 0 && await client.pttl(key) <= 60_000)
})

t.test('a clock of Redis that is set back holds nobody up for longer than a window', async (t) => {
  const store = await instance(t)
  const two = counter({ max: 2 })
  t.equal(await admittedOf(store, 3, two), 2)
  await passCountedTime(client, -3_600_000)
  const { admitted, standings: [standing] } = await take(store, two)
  t.equal(admitted, false)
  t.ok((standing?.waitMs ?? Infinity) <= 60_000, JSON.stringify(standing))
  await passCountedTime(client, 60_000)
  t.equal(await admittedOf(store, 3, two), 2)
})

t.test('a Redis that was restarted is sent the script again', async (t) => {
  const store = await instance(t)
  const one = counter({ max: 1 })
  t.equal(await admittedOf(store, 2, one), 1)
  await client.script('FLUSH')
  t.equal(await admittedOf(store, 2, one), 0)
})

t.test('while Redis is away there is no telling', async (t) => {
  const away = await startRedis(t)
  const { redis } = await connectRedis(t, away.section())
  const store = createCounterRedis({ redis })
  t.equal((await take(store, counter())).admitted, true)
  await away.kill()
  await t.rejects(take(store, counter()), { code: 'MCP_STATE_UNAVAILABLE' })
})
