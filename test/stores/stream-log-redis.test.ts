import t, { type Test } from 'tap'
import { createStreamLogRedis } from '../../src/stores/stream-log-redis.ts'
import type { StreamLogBounds } from '../../src/stores/stream-log-bounds.ts'
import { connectRedis, passTime, startRedis } from '../helpers/redis.ts'
import { fill, streamLogContract } from './stream-log-contract.ts'

const server = await startRedis(t)
const client = await server.client()

t.beforeEach(async () => { await client.flushall() })

async function open (t: Test, bounds: Partial<StreamLogBounds> = {}) {
  const { redis } = await connectRedis(t, server.section())
  return { log: createStreamLogRedis({ ...bounds, redis }), pass: (ms: number) => passTime(client, ms) }
}

t.test('streams in Redis', async (t) => { streamLogContract(t, open) })

t.test('what one instance writes, the other has', async (t) => {
  const [here, there] = [await open(t), await open(t)]
  await fill(here.log, 's', 'a', 1, 3)
  t.strictSame((await there.log.after('s', 'a.1'))?.events, [{ id: 'a.2', message: 'message 2' }, { id: 'a.3', message: 'message 3' }])
  await there.log.end('s', 'a')
  t.equal((await here.log.after('s', 'a.1'))?.ended, true)
  await there.log.forget('s')
  t.equal(await here.log.after('s', 'a.1'), undefined)
})

t.test('everything that is written has an end', async (t) => {
  const { log } = await open(t)
  await fill(log, 's', 'a', 1, 300)
  await log.end('s', 'b')
  for (const key of await client.keys('*')) {
    const left = await client.pttl(key)
    t.ok(left > 290_000 && left <= 300_000, `${key} ends in ${left} ms`)
  }
})

t.test('nothing of a forgotten session stays behind', async (t) => {
  const { log } = await open(t)
  await fill(log, 's', 'a', 1, 5)
  await log.end('s', 'b')
  await log.forget('s')
  t.equal(await client.dbsize(), 0)
})

t.test('streams that have to go leave nothing behind', async (t) => {
  const { log } = await open(t, { maxStreams: 2 })
  for (let each = 0; each < 20; each++) await fill(log, 's', `stream-${each}`, 1, 1)
  t.equal((await client.keys('*')).length, 2 * 2 + 1)
})

t.test('a message that is too large to be kept is not even sent', async (t) => {
  const { log } = await open(t)
  const before = await received()
  await log.append('s', 'a', { id: 'a.1', message: 'x'.repeat(3_000_000) })
  t.ok(await received() - before < 100_000)
})

t.test('asking for what is not there writes nothing', async (t) => {
  const { log } = await open(t)
  for (let each = 0; each < 20; each++) await log.after(`s${each}`, 'a.1')
  t.equal(await client.dbsize(), 0)
})

async function received (): Promise<number> {
  return Number(/total_net_input_bytes:(\d+)/.exec(await client.info('stats'))?.[1])
}
