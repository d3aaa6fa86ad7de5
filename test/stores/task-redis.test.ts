import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createTaskRedis } from '../../src/stores/task-redis.ts'
import type { TaskBounds } from '../../src/stores/task-bounds.ts'
import { connectRedis, passTime, startRedis } from '../helpers/redis.ts'
import { bounds, taskContract, taskRecord, ttlMs, type OpenedStore } from './task-contract.ts'

const server = await startRedis(t)
const client = await server.client()

t.beforeEach(async () => { await client.flushall() })

/** A store of an instance of its own. */
async function instance (t: Test, own: TaskBounds = bounds, section: Partial<RedisSection> = {}) {
  const { redis } = await connectRedis(t, server.section(section))
  return createTaskRedis({ redis, ...own })
}

async function open (t: Test, own: TaskBounds): Promise<OpenedStore> {
  return { store: await instance(t, own), now: () => Date.now(), pass: (ms) => passTime(client, ms) }
}

t.test('tasks in Redis', async (t) => { taskContract(t, open) })

t.test('what one instance does with a task is seen by the other', async (t) => {
  const [here, there] = [await instance(t), await instance(t)]
  const record = taskRecord()
  await here.create(record)
  t.strictSame(await there.get(record.id), record)
  await here.update({ ...record, status: 'completed', outcome: '{"content":[]}' })
  t.equal((await there.get(record.id))?.outcome, '{"content":[]}')
})

t.test('the caps are exact when two instances create 100 tasks at once', async (t) => {
  const own = { maxTasks: 40, maxTasksPerPrincipal: 7, maxTotalBytes: 1_000_000 }
  const stores = [await instance(t, own), await instance(t, own)]
  const createAll = async (principal: string) => {
    const created = await Promise.all(Array.from({ length: 100 }, async (_, each) => await stores[each % 2]?.create(taskRecord({ principal }))))
    return created.filter((done) => done === true).length
  }
  t.equal(await createAll('ann'), 7)
  t.equal(await createAll('bob'), 7)
  t.equal(await createAll('anonymous'), 26)
  t.equal((await client.keys('gantry:1:task:*')).length, 40)
})

t.test('of two ends that come at once, one counts', async (t) => {
  const stores = [await instance(t), await instance(t)]
  const record = taskRecord()
  await stores[0]?.create(record)
  const kept = await Promise.all(Array.from({ length: 20 }, async (_, each) => await stores[each % 2]?.update({ ...record, status: 'completed', outcome: String(each) })))
  t.equal(kept.filter((each) => each === 'kept').length, 1)
  t.equal((await stores[1]?.get(record.id))?.outcome, String(kept.indexOf('kept')))
})

t.test('tasks of an instance that is silent have failed, for good', async (t) => {
  const [here, there] = [await instance(t), await instance(t)]
  const lasting = { ttlMs: 600_000 }
  const silent = taskRecord({ ...lasting, instance: 'gone', status: 'input_required', inputs: '{}' })
  const [alive, done] = [taskRecord({ ...lasting, instance: 'alive' }), taskRecord({ ...lasting, instance: 'gone' })]
  for (const record of [silent, alive, done]) await here.create(record)
  await here.update({ ...done, status: 'completed', outcome: '1' })
  await passTime(client, 15_000)
  await there.renew('alive')
  t.equal((await there.get(silent.id))?.status, 'input_required', 'half a minute is not over')
  await passTime(client, 16_000)
  t.match(await there.get(silent.id), { status: 'failed', inputs: undefined, statusMessage: /has ended/, outcome: /"code":-32603/ })
  t.equal((await there.get(alive.id))?.status, 'working')
  t.equal((await there.get(done.id))?.status, 'completed')
  t.equal(await here.update(silent), 'ended', 'the instance that comes back is told')
})

t.test('everything that is written has an end', async (t) => {
  const store = await instance(t)
  for (const principal of ['ann', 'anonymous', 'ann']) await store.create(taskRecord({ principal }))
  const waiting = taskRecord()
  await store.create(waiting)
  await store.update({ ...waiting, status: 'completed', outcome: 'x'.repeat(10_000) })
  for (const key of await client.keys('*')) t.ok(await client.pttl(key) > 0, key)
  await passTime(client, Math.max(ttlMs, 30_000) + 1)
  t.equal(await client.dbsize(), 0)
})

t.test('a task whose time is over leaves the counts', async (t) => {
  const store = await instance(t)
  const one = taskRecord({ ttlMs: 30 })
  await store.create(one)
  await client.pexpire(`gantry:1:task:${one.id}`, 1)
  while (await client.exists(`gantry:1:task:${one.id}`) === 1); // a millisecond of real time
  t.equal(await store.get(one.id), undefined)
  await passTime(client, 40, 'gantry:1:tasks')
  await store.create(taskRecord())
  t.equal(await client.zcard('gantry:1:tasks'), 1)
  t.strictSame(Object.keys(await client.hgetall('gantry:1:task-sizes')).length, 2, 'one size, and the sum')
  t.equal(await client.hget('gantry:1:task-sizes', 'total'), '4096')
})

t.test('ids that nobody was given leave nothing in Redis', async (t) => {
  const store = await instance(t)
  for (let each = 0; each < 50; each++) {
    await store.get(`unknown-${each}`)
    await store.update(taskRecord())
  }
  t.equal(await client.dbsize(), 0)
})

t.test('prefixes keep servers apart', async (t) => {
  const [one, other] = [await instance(t, bounds, { keyPrefix: 'one:' }), await instance(t, bounds, { keyPrefix: 'other:' })]
  const record = taskRecord()
  await one.create(record)
  t.equal(await other.get(record.id), undefined)
})

t.test('while Redis is away every method says so', async (t) => {
  const own = await startRedis(t)
  const { redis } = await connectRedis(t, own.section())
  const store = createTaskRedis({ redis, ...bounds })
  await own.kill()
  for (const method of [() => store.create(taskRecord()), () => store.get('x'), () => store.update(taskRecord()), () => store.renew('here')]) {
    await t.rejects(async () => method(), { code: 'MCP_STATE_UNAVAILABLE' })
  }
})
