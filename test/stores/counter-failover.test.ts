import t, { type Test } from 'tap'
import { createCounterFailover } from '../../src/stores/counter-failover.ts'
import { createCounterMemory } from '../../src/stores/counter-memory.ts'
import { createCounterRedis } from '../../src/stores/counter-redis.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { connectRedis, startRedis } from '../helpers/redis.ts'
import { until } from '../helpers/waiting.ts'
import { admittedOf, counter, take } from './counter-contract.ts'

const clock = { now: () => Date.now() }

async function open (t: Test, commandTimeout = 1_000) {
  let ahead = 0
  const clock = { now: () => Date.now() + ahead }
  const server = await startRedis(t)
  const { redis } = await connectRedis(t, server.section({ commandTimeout }))
  const log = createRecorder()
  const store = createCounterFailover({ shared: createCounterRedis({ redis }), own: createCounterMemory({ clock }), logger: log.logger, clock })
  return { server, redis, store, log, pass: (ms: number) => { ahead += ms } }
}

t.test('what is open goes on counting here while Redis is away, and what is closed is refused', async (t) => {
  const { server, store } = await open(t)
  const [openly, closed] = [counter({ max: 3, onStoreFailure: 'open' }), counter({ max: 3 })]
  t.equal(await admittedOf(store, 2, openly, closed), 2)
  await server.kill()
  t.equal(await admittedOf(store, 5, openly), 3, 'this instance counts from nothing: what was counted is in Redis')
  await t.rejects(take(store, closed), { code: 'MCP_STATE_UNAVAILABLE', status: 503, message: /counters of its rate limits/, headers: { 'retry-after': '2' } })
  await t.rejects(take(store, openly, closed), { code: 'MCP_STATE_UNAVAILABLE' }, 'one that is closed is enough')
  t.strictSame({ ...store.failures }, { open: 5, closed: 2 })
})

t.test('a refusal uses up nothing of what is open', async (t) => {
  const { server, store } = await open(t)
  const openly = counter({ max: 2, onStoreFailure: 'open' })
  await server.kill()
  for (let each = 0; each < 5; each++) await t.rejects(take(store, openly, counter()))
  t.equal(await admittedOf(store, 5, openly), 2)
})

t.test('an outage is logged once with what it means, and its end once with what it did', async (t) => {
  const { server, redis, store, log, pass } = await open(t)
  const openly = counter({ onStoreFailure: 'open' })
  await take(store, openly)
  t.strictSame(log.lines, [])
  await server.kill()
  for (let each = 0; each < 5; each++) await take(store, openly)
  t.match(log.lines, [{ level: 'warn', facts: { err: Error }, sentence: /^Rate limits cannot be counted in Redis\. .*"open" for itself.* refuses .*"closed"/ }])
  await server.restart()
  await until('Redis is back', () => redis.available)
  await take(store, openly)
  t.equal(log.lines.length, 1, 'one answer is no end: it may be one between two failures')
  pass(1_000)
  await take(store, openly)
  await take(store, openly)
  t.match(log.lines.slice(1), [{ level: 'info', facts: { open: 5, closed: 0, awayMs: Number }, sentence: 'Rate limits are counted in Redis again.' }])
  t.equal(log.lines.length, 2)
})

t.test('a Redis that hangs holds a request up for its time limit, and the next ones no more', async (t) => {
  const { server, redis, store } = await open(t, 300)
  const openly = counter({ max: 3, onStoreFailure: 'open' })
  await take(store, openly)
  server.pause()
  t.teardown(() => { server.resume() })
  const startedAt = performance.now()
  const verdicts = await Promise.all(Array.from({ length: 20 }, async () => await take(store, openly)))
  t.ok(performance.now() - startedAt < 3_000)
  t.equal(verdicts.filter(({ admitted }) => admitted).length, 3)
  await until('the dead connection is cut', () => !redis.available)
  const cutAt = performance.now()
  t.equal((await take(store, openly)).admitted, false)
  t.ok(performance.now() - cutAt < 250, 'nothing waits for a connection that is not there')
})

t.test('an error that is no outage is no reason to count elsewhere', async (t) => {
  const broken = { take: async () => { throw new TypeError('a fault') } }
  const store = createCounterFailover({ shared: broken, own: createCounterMemory({ clock }), logger: createRecorder().logger, clock })
  await t.rejects(take(store, counter({ onStoreFailure: 'open' })), TypeError)
  t.strictSame({ ...store.failures }, { open: 0, closed: 0 })
})
