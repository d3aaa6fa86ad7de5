import t, { type Test } from 'tap'
import { createStreamLogRedis } from '../../src/stores/stream-log-redis.ts'
import type { StreamLogBounds } from '../../src/stores/stream-log-bounds.ts'
import { connectRedis, passTime, startRedis } from '../helpers/redis.ts'
import { fill, streamLogContract, streamOf, type OpenedLog } from './stream-log-contract.ts'

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
  await there.log.end(streamOf('s', 'a'), undefined)
  t.equal((await here.log.after('s', 'a.1'))?.ended, true)
  await there.log.forget('s')
  t.equal(await here.log.after('s', 'a.1'), undefined)
})

t.test('everything that is written has an end', async (t) => {
  const { log } = await open(t)
  await fill(log, 's', 'a', 1, 300)
  await log.end(streamOf('s', 'b'), undefined)
  await log.renew('another writer', [])
  const writers = await client.keys('*stream-writer:*')
  t.equal(writers.length, 2)
  for (const key of writers) {
    const left = await client.pttl(key)
    t.ok(left > 0 && left <= 10_000, `${key} ends in ${left} ms`)
  }
  for (const key of await client.keys('*')) {
    if (writers.includes(key)) continue
    const left = await client.pttl(key)
    t.ok(left > 290_000 && left <= 300_000, `${key} ends in ${left} ms`)
  }
})

t.test('nothing of a forgotten session stays behind', async (t) => {
  const { log } = await open(t)
  await fill(log, 's', 'a', 1, 5)
  await log.end(streamOf('s', 'b'), undefined)
  await log.forget('s')
  t.strictSame(await client.keys('*'), ['gantry:1:stream-writer:writer'], 'the writer may write for others')
})

t.test('streams that have to go leave nothing behind', async (t) => {
  const { log } = await open(t, { maxStreams: 2 })
  for (let each = 0; each < 20; each++) await fill(log, 's', `stream-${each}`, 1, 1)
  t.equal((await client.keys('*')).length, 2 * 2 + 1 + 1)
})

t.test('a writer is there for ten seconds after each time it said so', async (t) => {
  const { log, pass } = await open(t)
  const stream = streamOf('s', 'a', { writer: 'mine' })
  const isThere = async (): Promise<boolean> => (await log.state(stream)).isWriterPresent
  t.equal(await isThere(), false)
  await log.append(stream, { id: 'a.0', message: '' })
  await log.append(streamOf('s', 'b', { writer: 'other' }), { id: 'b.0', message: '' })
  await pass(9_000)
  t.equal(await isThere(), true, 'the first message says so')
  await log.append(stream, { id: 'a.1', message: '' })
  await pass(2_000)
  t.equal(await isThere(), false, 'later ones do not')
  await log.renew('mine', [])
  await pass(9_000)
  t.equal(await isThere(), true)
  t.equal((await log.state(streamOf('s', 'b', { writer: 'other' }))).isWriterPresent, false)
})

t.test('the stream of a writer that is gone is concluded, by one of all that try at once', async (t) => {
  const [here, there] = [await open(t), await open(t)]
  const stream = streamOf('s', 'a')
  const conclude = async ({ log }: OpenedLog, message: string): Promise<void> => { await log.conclude(stream, { message, after: 1, isAbandoned: false }) }
  await fill(here.log, 's', 'a', 0, 1)
  await conclude(there, 'early')
  t.match(await there.log.after('s', 'a.1'), { events: [], ended: false })
  await here.pass(11_000)
  await Promise.all(Array.from({ length: 20 }, (_, each) => conclude(each % 2 === 0 ? here : there, `message of ${each}`)))
  const tail = await here.log.after('s', 'a.1')
  t.match(tail, { events: [{ id: 'a.2', message: /^message of/ }], ended: true })
  t.equal(tail?.events.length, 1)
  t.equal(await here.log.end(stream, { id: 'a.2', message: 'answer' }), false)
})

t.test('a writer that is back before anybody concluded its stream goes on with it', async (t) => {
  const { log, pass } = await open(t)
  const stream = streamOf('s', 'a')
  await fill(log, 's', 'a', 0, 1)
  await pass(11_000)
  await log.renew('writer', [])
  await log.conclude(stream, { message: 'lost', after: 1, isAbandoned: false })
  t.equal(await log.end(stream, { id: 'a.2', message: 'answer' }), true)
  t.match(await log.after('s', 'a.1'), { events: [{ message: 'answer' }], ended: true })
})

t.test('a message that is too large to be kept is not even sent', async (t) => {
  const { log } = await open(t)
  const before = await received()
  await log.append(streamOf('s', 'a'), { id: 'a.1', message: 'x'.repeat(3_000_000) })
  await log.end(streamOf('s', 'a'), { id: 'a.2', message: 'x'.repeat(3_000_000) })
  t.ok(await received() - before < 100_000)
  t.match(await log.after('s', 'a.2'), { events: [], ended: true })
})

t.test('asking for what is not there writes nothing', async (t) => {
  const { log } = await open(t)
  for (let each = 0; each < 20; each++) await log.after(`s${each}`, 'a.1')
  t.equal(await client.dbsize(), 0)
})

async function received (): Promise<number> {
  return Number(/total_net_input_bytes:(\d+)/.exec(await client.info('stats'))?.[1])
}
