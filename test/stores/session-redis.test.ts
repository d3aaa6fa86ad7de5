import t, { type Test } from 'tap'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { createSessionRedis } from '../../src/stores/session-redis.ts'
import type { SessionLimits } from '../../src/stores/session-record.ts'
import { connectRedis, passTime, startRedis } from '../helpers/redis.ts'
import { limits, record, sessionContract, type OpenedStore } from './session-contract.ts'

const server = await startRedis(t)
const client = await server.client()

t.beforeEach(async () => { await client.flushall() })

/** A store of an instance of its own. */
async function instance (t: Test, limits: SessionLimits, section: Partial<RedisSection> = {}) {
  const { redis } = await connectRedis(t, server.section(section))
  return createSessionRedis({ redis, ...limits })
}

async function open (t: Test, limits: SessionLimits): Promise<OpenedStore> {
  return { store: await instance(t, limits), pass: (ms) => passTime(client, ms) }
}

t.test('sessions in Redis', async (t) => { sessionContract(t, open) })

t.test('what one instance does with a session is seen by the other', async (t) => {
  const [here, there] = [await instance(t, limits), await instance(t, limits)]
  const one = record({ clientCapabilities: { sampling: {} } })
  await here.create(one)
  t.strictSame({ ...await there.get(one.id) }, one)
  await there.update({ ...one, logLevel: 'error' })
  t.equal((await here.get(one.id))?.logLevel, 'error')
  t.equal(await there.delete(one.id), true)
  t.equal(await here.get(one.id), undefined)
})

t.test('a session that was handed out changes nothing until it is handed in', async (t) => {
  const store = await instance(t, limits)
  const one = record()
  await store.create(one)
  const got = await store.get(one.id)
  Object.assign(got ?? {}, { logLevel: 'debug' })
  t.equal((await store.get(one.id))?.logLevel, 'info')
})

t.test('changes that are made at the same time do not undo each other', async (t) => {
  const store = await instance(t, limits)
  const { id } = record()
  await store.create(record({ id, subscriptions: ['a://old'] }))
  const copies = await Promise.all(Array.from({ length: 4 }, () => store.get(id)))
  const changes = [{ subscriptions: ['a://old', 'a://1'] }, { subscriptions: ['a://old', 'a://2'] }, { subscriptions: [] }, { logLevel: 'error' as const, streamId: 'x' }]
  for (const [index, change] of changes.entries()) {
    const copy = copies[index]
    if (copy !== undefined) await store.update(Object.assign(copy, change))
  }
  const { subscriptions = [], logLevel, streamId } = await store.get(id) ?? {}
  t.strictSame({ subscriptions: [...subscriptions].sort(), logLevel, streamId }, { subscriptions: ['a://1', 'a://2'], logLevel: 'error', streamId: 'x' })
})

t.test('one copy can be handed in again and again', async (t) => {
  const store = await instance(t, limits)
  const { id } = record()
  await store.create(record({ id }))
  const copy = await store.get(id)
  const other = await store.get(id)
  if (copy === undefined || other === undefined) throw new Error('The session is gone.')
  await store.update(Object.assign(copy, { subscriptions: ['a://1'] }))
  await store.update(Object.assign(other, { subscriptions: ['a://2'], logLevel: 'error' }))
  await store.update(Object.assign(copy, { subscriptions: [] }))
  const now = await store.get(id)
  t.strictSame([now?.subscriptions, now?.logLevel], [['a://2'], 'error'])
})

t.test('the caps are exact when two instances create 100 sessions at once', async (t) => {
  const bounds = { ...limits, maxSessions: 40, maxSessionsPerPrincipal: 7 }
  const stores = [await instance(t, bounds), await instance(t, bounds)]
  const createAll = async (principal: string) => {
    const created = await Promise.all(Array.from({ length: 100 }, async (_, each) => await stores[each % 2]?.create(record({ principal }))))
    return created.filter((done) => done === true).length
  }
  t.equal(await createAll('ann'), 7)
  t.equal(await createAll('bob'), 7)
  t.equal(await createAll('anonymous'), 26)
  t.equal(await createAll('carol'), 0)
  t.equal((await client.keys('gantry:1:session:*')).length, 40)
})

t.test('a use is noted once a second and then gives the session its whole time again', async (t) => {
  const store = await instance(t, limits)
  const one = record({ principal: 'ann' })
  await store.create(one)
  const key = `gantry:1:session:${one.id}`
  const left = async () => await client.pttl(key)
  t.ok(await left() > 55_000 && await left() <= 60_000, 'it begins with the idle timeout')

  await client.pexpire(key, 59_500)
  await store.get(one.id)
  t.ok(await left() <= 59_500, 'half a second after a use, nothing is written')
  await client.pexpire(key, 58_500)
  await store.get(one.id)
  t.ok(await left() > 59_000, 'after more than a second it is')

  await client.pexpire(key, 30_000)
  await store.update({ ...one, logLevel: 'error' })
  t.ok(await left() <= 30_000, 'a change leaves the time as it is')
})

t.test('a session ends by itself in Redis', async (t) => {
  const store = await instance(t, { ...limits, idleTimeoutMs: 60 })
  const one = record()
  await store.create(one)
  const key = `gantry:1:session:${one.id}`
  t.ok(await client.pttl(key) <= 60)
  await client.pexpire(key, 1)
  while (await client.exists(key) === 1); // a millisecond of real time
  t.equal(await store.get(one.id), undefined)
})

t.test('everything that is written has an end', async (t) => {
  const store = await instance(t, limits)
  for (const principal of ['ann', 'anonymous', 'ann']) await store.create(record({ principal }))
  for (const key of await client.keys('*')) t.ok(await client.pttl(key) > 0, key)
  await passTime(client, 61_000)
  t.equal(await client.dbsize(), 0)
})

t.test('a session that ended leaves nothing behind', async (t) => {
  const store = await instance(t, limits)
  const one = record({ principal: 'ann' })
  await store.create(one)
  await store.delete(one.id)
  t.equal(await client.dbsize(), 0)
})

t.test('ids that nobody was given leave nothing in Redis', async (t) => {
  const store = await instance(t, limits)
  for (let each = 0; each < 50; each++) {
    await store.get(`unknown-${each}`)
    await store.delete(`unknown-${each}`)
    await store.update(record())
  }
  t.equal(await client.dbsize(), 0)
})

t.test('servers with different prefixes on one Redis know nothing of each other', async (t) => {
  const [here, there] = [await instance(t, limits, { keyPrefix: 'here:' }), await instance(t, limits, { keyPrefix: 'there:' })]
  const one = record()
  await here.create(one)
  t.equal(await there.get(one.id), undefined)
  t.ok((await client.keys('*')).every((key) => key.startsWith('here:gantry:1:')))
})

t.test('a record that somebody else wrote is an unknown session', async (t) => {
  const store = await instance(t, limits)
  for (const text of ['{', 'null', '[]', '{}', '{"id":"x","revision":"1999-01-01","principal":"a","clientCapabilities":{}}']) {
    await client.hset('gantry:1:session:x', 'record', text, 'level', 'info')
    t.equal(await store.get('x'), undefined, text)
  }
  await client.hset('gantry:1:session:x', 'record', '{"id":"x","revision":"2025-11-25","principal":"a","clientCapabilities":{}}')
  t.ok(await store.get('x'))
  await client.hset('gantry:1:session:x', 'level', 'loud')
  t.equal(await store.get('x'), undefined, 'an unknown level')
  await client.hdel('gantry:1:session:x', 'record')
  t.equal(await store.get('x'), undefined, 'no record')
})

t.test('a key of another kind in the place of a session is an error, not a crash', async (t) => {
  const store = await instance(t, limits)
  await client.set('gantry:1:session:x', 'text')
  await t.rejects(async () => store.get('x'), { code: 'MCP_STATE_UNAVAILABLE', status: 503 })
  const one = record()
  t.equal(await store.create(one), true)
  t.ok(await store.get(one.id))
})

t.test('a Redis that was emptied knows no sessions and takes new ones', async (t) => {
  const store = await instance(t, limits)
  const one = record({ principal: 'ann' })
  await store.create(one)
  await client.flushall()
  await client.script('FLUSH')
  t.equal(await store.get(one.id), undefined)
  t.equal(await store.create(record({ principal: 'ann' })), true)
})
