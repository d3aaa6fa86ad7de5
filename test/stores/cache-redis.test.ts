import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createCacheRedis } from '../../src/stores/cache-redis.ts'
import { connectRedis, passTime, startRedis } from '../helpers/redis.ts'
import { until } from '../helpers/waiting.ts'
import { cacheContract, entry, keep, place, valueIn, type OpenedCache } from './cache-contract.ts'

const server = await startRedis(t)
const client = await server.client()

t.beforeEach(async () => { await client.flushall() })

/** A store of an instance of its own, with what it logs. */
async function instance (t: Test, section: Partial<RedisSection> = {}) {
  const { redis, log } = await connectRedis(t, server.section(section))
  const store = createCacheRedis({ redis })
  t.teardown(() => { store.close() })
  return { store, log, redis }
}

async function open (t: Test): Promise<OpenedCache> { return { store: (await instance(t)).store, pass: (ms) => passTime(client, ms, '*:entry:*') } }

t.test('a cache in Redis', async (t) => { cacheContract(t, open) })

t.test('instances share what they keep and what they invalidate; servers with other prefixes share nothing', async (t) => {
  const [one, two, other] = [await instance(t), await instance(t), await instance(t, { keyPrefix: 'other:' })]
  const where = place({ tags: ['a'] })
  await keep(one.store, where, 'kept')
  t.equal(await valueIn(two.store, where), 'kept')
  t.equal(await valueIn(other.store, where), undefined)
  await other.store.invalidate(['a'])
  t.equal(await valueIn(one.store, where), 'kept')
  await two.store.invalidate(['a'])
  t.equal(await valueIn(one.store, where), undefined)
})

t.test('every key expires, and the tags not before what is kept with them', async (t) => {
  const { store } = await instance(t)
  await keep(store, place({ tags: ['a'], lifeMs: 7_200_000 }), 1)
  await keep(store, place({ tags: ['a', 'b'], lifeMs: 10_000 }), 1)
  for (const key of await client.keys('*')) t.ok(await client.pttl(key) > 0, key)
  t.ok(await client.pttl('gantry:1:cache:tag:a') >= 7_199_000)
})

t.test('a tag that Redis has lost brings nothing back that was dropped', async (t) => {
  const { store } = await instance(t)
  const where = place({ tags: ['a'] })
  await keep(store, where, 'dropped')
  const [key = ''] = await client.keys('*:entry:*')
  const dropped = await client.get(key) ?? ''
  for (const lose of [async () => { await store.invalidate(['a']) }, async () => { await client.del('gantry:1:cache:tag:a') }]) {
    await lose()
    t.equal(await valueIn(store, where), undefined)
    await client.set(key, dropped, 'PX', 10_000)
    t.equal(await valueIn(store, where), undefined)
  }
})

t.test('what cannot be read is a miss, and is removed', async (t) => {
  const { store } = await instance(t)
  const where = place({ tags: ['a'], accepts: (value) => typeof value === 'object' })
  await keep(store, where, { fine: true })
  const [key = ''] = await client.keys('*:entry:*')
  const sound = await client.get(key) ?? ''
  const [head = ''] = sound.split('{')
  const broken: [string, () => Promise<unknown>][] = [
    ['no entry', () => client.set(key, 'garbage', 'PX', 10_000)],
    ['an empty one', () => client.set(key, '', 'PX', 10_000)],
    ['half of one', () => client.set(key, sound.slice(0, -3), 'PX', 10_000)],
    ['bytes', () => client.set(key, Buffer.from([0, 255, 10, 128]), 'PX', 10_000)],
    ['another value', () => client.set(key, `${head}"text"`, 'PX', 10_000)],
    ['a list', async () => { await client.del(key); await client.lpush(key, 'x'); await client.pexpire(key, 10_000) }]
  ]
  for (const [name, breakIt] of broken) {
    await breakIt()
    t.match(await store.find(where), { value: undefined, failed: true, ticket: String }, name)
    t.equal(await client.exists(key), 0, name)
    await keep(store, where, { fine: true })
    t.strictSame(await valueIn(store, where), { fine: true }, name)
  }
  await client.del('gantry:1:cache:tag:a')
  await client.lpush('gantry:1:cache:tag:a', 'x')
  t.match(await store.find(where), { value: undefined }, 'a tag that is no tag')
  await keep(store, where, 1)
})

t.test('one instance at a time has the turn, until it gives it back or is silent', async (t) => {
  const [one, two] = [await instance(t), await instance(t)]
  const mine = await one.store.claim?.('key', 10_000)
  const taken = await two.store.claim?.('key', 10_000)
  t.strictSame([mine?.isMine, taken?.isMine, (await two.store.claim?.('other', 10_000))?.isMine], [true, false, true])
  await taken?.release()
  t.equal((await two.store.claim?.('key', 10_000))?.isMine, false)
  await mine?.release()
  t.equal((await two.store.claim?.('key', 10_000))?.isMine, true)
  await passTime(client, 10_000, '*:turn:*')
  t.equal((await one.store.claim?.('key', 10_000))?.isMine, true)
})

t.test('a Redis that is lost, stands still or comes back empty is a miss, soon; what was invalidated meanwhile stays so', async (t) => {
  const { store, log } = await instance(t)
  const [where, other] = [place({ tags: ['a'] }), place({ tags: ['b'] })]
  await keep(store, where, 'before')
  await keep(store, other, 'before')

  server.pause()
  const startedAt = performance.now()
  const found = await Promise.all(Array.from({ length: 1_000 }, () => store.find(where)))
  t.ok(performance.now() - startedAt < 900, `${performance.now() - startedAt} ms`)
  t.ok(found.every(({ value, failed, ticket }) => value === undefined && failed && ticket === undefined))
  await store.invalidate(['a'])
  server.resume()
  await until('Redis is asked again', async () => await valueIn(store, other) === 'before')
  t.equal(await valueIn(store, where), undefined, 'though it is still in Redis')
  await until('Redis has heard of it', async () => await client.exists('gantry:1:cache:tag:a') === 0 || (await store.find(where)).ticket !== undefined)
  t.equal(await valueIn(store, where), undefined)

  await server.kill()
  const awayAt = performance.now()
  for (let each = 0; each < 100; each++) t.equal(await valueIn(store, other), undefined)
  t.ok(performance.now() - awayAt < 900)
  t.equal((await store.claim?.('key', 1_000))?.isMine, true)
  await store.keep(where, 'ticket', entry(1))
  await server.restart()
  await until('Redis is there again', async () => (await store.find(other)).ticket !== undefined)
  await keep(store, other, 'after')
  t.equal(await valueIn(store, other), 'after')
  t.ok(log.lines.length <= 8, log.sentences().join('\n'))
})
