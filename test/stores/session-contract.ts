import type { Test } from 'tap'
import type { SessionRecord, SessionStore } from '../../src/core/session.ts'
import type { SessionLimits } from '../../src/stores/session-record.ts'

export interface OpenedStore {
  store: SessionStore
  /** Lets time pass, as far as the store can tell. */
  pass (ms: number): void | Promise<void>
}

export const limits: SessionLimits = { maxSessions: 10, maxSessionsPerPrincipal: 3, idleTimeoutMs: 60_000 }

let count = 0
export function record (more: Partial<SessionRecord> = {}): SessionRecord {
  return { id: `session-${++count}`, revision: '2025-11-25', principal: 'anonymous', clientCapabilities: {}, clientName: 'a client', logLevel: 'info', subscriptions: [], streamId: undefined, ...more }
}

/** What every session store promises. `open` gives an empty one. */
export function sessionContract (t: Test, open: (t: Test, limits: SessionLimits) => Promise<OpenedStore>): void {
  t.test('a session comes back as it was created', async (t) => {
    const { store } = await open(t, limits)
    const whole = record({ revision: '2025-06-18', principal: 'zoë', clientCapabilities: { roots: { listChanged: true }, elicitation: {} }, clientName: 'クライアント', logLevel: 'debug', subscriptions: ['a://b'], streamId: 'stream-1' })
    const bare = record({ clientName: undefined })
    t.equal(await store.create(whole), true)
    t.equal(await store.create(bare), true)
    t.strictSame({ ...await store.get(whole.id) }, whole)
    t.strictSame({ ...await store.get(bare.id) }, bare)
  })

  t.test('an id that nobody was given leads to nothing', async (t) => {
    const { store } = await open(t, limits)
    for (const id of ['unknown', '', 'x'.repeat(10_000), '../*', 'a\r\nb', '__proto__']) {
      t.equal(await store.get(id), undefined)
      t.equal(await store.delete(id), false)
    }
  })

  t.test('a session that was deleted is gone, and can be deleted once', async (t) => {
    const { store } = await open(t, limits)
    const one = record()
    await store.create(one)
    t.equal(await store.delete(one.id), true)
    t.equal(await store.get(one.id), undefined)
    t.equal(await store.delete(one.id), false)
  })

  t.test('a change is kept when it is handed in', async (t) => {
    const { store } = await open(t, limits)
    const created = record()
    await store.create(created)
    created.logLevel = 'alert'
    const got = await store.get(created.id)
    t.equal(got?.logLevel, 'info', 'what was handed in at first is a copy')
    if (got === undefined) return
    got.logLevel = 'debug'
    await store.update(got)
    t.equal((await store.get(created.id))?.logLevel, 'debug')
    await store.update({ ...created, logLevel: 'error' })
    t.equal((await store.get(created.id))?.logLevel, 'error', 'also in a record that the store did not hand out')
  })

  t.test('subscriptions and the stream of a session change, and go', async (t) => {
    const { store } = await open(t, limits)
    const { id } = record()
    await store.create(record({ id }))
    const change = async (more: Partial<Pick<SessionRecord, 'subscriptions' | 'streamId'>>) => {
      const got = await store.get(id)
      if (got === undefined) throw new Error('The session is gone.')
      await store.update(Object.assign(got, more))
      const { subscriptions = [], streamId } = await store.get(id) ?? {}
      return { subscriptions: [...subscriptions].sort(), streamId }
    }
    t.strictSame(await change({ subscriptions: ['a://b', 'a://ü'] }), { subscriptions: ['a://b', 'a://ü'], streamId: undefined })
    t.strictSame(await change({ streamId: 'stream-1' }), { subscriptions: ['a://b', 'a://ü'], streamId: 'stream-1' })
    t.strictSame(await change({ subscriptions: ['a://ü', 'c://d'] }), { subscriptions: ['a://ü', 'c://d'], streamId: 'stream-1' })
    t.strictSame(await change({ subscriptions: [], streamId: undefined }), { subscriptions: [], streamId: undefined })
  })

  t.test('subscriptions beyond measure are refused, and what was there stays', async (t) => {
    const { store } = await open(t, limits)
    const { id } = record()
    await store.create(record({ id }))
    const copy = await store.get(id)
    if (copy === undefined) throw new Error('The session is gone.')
    const many = Array.from({ length: 100 }, (_, each) => `file:///a/resource/of/a/usual/length/${each}`)
    await store.update(Object.assign(copy, { subscriptions: many }))
    await t.rejects(async () => store.update(Object.assign(copy, { subscriptions: [...many, `a://${'x'.repeat(8_000)}`] })), { code: 'MCP_INVALID_PARAMS' })
    const now = await store.get(id)
    t.equal(now?.subscriptions.length, 100)
    if (now === undefined) return
    await store.update(Object.assign(now, { logLevel: 'error' }))
    t.equal((await store.get(id))?.logLevel, 'error')
  })

  t.test('a change does not bring an ended session back', async (t) => {
    const { store } = await open(t, limits)
    const one = record()
    await store.create(one)
    await store.delete(one.id)
    await store.update({ ...one, logLevel: 'debug' })
    t.equal(await store.get(one.id), undefined)
  })

  t.test('a session ends when it is not used, and lives as long as it is', async (t) => {
    const { store, pass } = await open(t, limits)
    const [used, idle] = [record(), record()]
    await store.create(used)
    await store.create(idle)
    for (let use = 0; use < 3; use++) {
      await pass(40_000)
      t.ok(await store.get(used.id), `used after ${(use + 1) * 40} seconds`)
    }
    t.equal(await store.get(idle.id), undefined)
    await pass(61_000)
    t.equal(await store.get(used.id), undefined)
  })

  t.test('a change is no use: the time of a session goes on', async (t) => {
    const { store, pass } = await open(t, limits)
    const one = record()
    await store.create(one)
    await pass(40_000)
    await store.update({ ...one, logLevel: 'debug' })
    await pass(40_000)
    t.equal(await store.get(one.id), undefined)
  })

  t.test('a full store refuses new sessions and keeps those it has', async (t) => {
    const { store } = await open(t, limits)
    const held = Array.from({ length: 10 }, () => record())
    for (const each of held) t.equal(await store.create(each), true)
    t.equal(await store.create(record()), false)
    for (const { id } of held) t.ok(await store.get(id))
    await store.delete(held[0]?.id ?? '')
    t.equal(await store.create(record()), true, 'one that ended makes room')
    t.equal(await store.create(record()), false)
  })

  t.test('sessions that are idle too long make room, those in use do not', async (t) => {
    const { store, pass } = await open(t, limits)
    const held = Array.from({ length: 10 }, () => record())
    for (const each of held) await store.create(each)
    await pass(40_000)
    for (const { id } of held.slice(0, 4)) await store.get(id)
    await pass(40_000)
    for (let free = 0; free < 6; free++) t.equal(await store.create(record()), true)
    t.equal(await store.create(record()), false)
    for (const { id } of held.slice(0, 4)) t.ok(await store.get(id))
  })

  t.test('a named principal has a bound of its own', async (t) => {
    const { store, pass } = await open(t, limits)
    const mine = Array.from({ length: 3 }, () => record({ principal: 'ann' }))
    for (const each of mine) t.equal(await store.create(each), true)
    t.equal(await store.create(record({ principal: 'ann' })), false)
    t.equal(await store.create(record({ principal: 'bob' })), true, 'others are not touched by it')
    await store.delete(mine[0]?.id ?? '')
    t.equal(await store.create(record({ principal: 'ann' })), true, 'an ended session is counted no more')
    t.equal(await store.create(record({ principal: 'ann' })), false)
    await pass(61_000)
    for (let again = 0; again < 3; again++) t.equal(await store.create(record({ principal: 'ann' })), true, 'nor are those that were idle too long')
    t.equal(await store.create(record({ principal: 'ann' })), false)
  })

  t.test('a session in use stays counted for its principal', async (t) => {
    const { store, pass } = await open(t, limits)
    const mine = Array.from({ length: 3 }, () => record({ principal: 'ann' }))
    for (const each of mine) await store.create(each)
    for (let round = 0; round < 3; round++) {
      await pass(40_000)
      for (const { id } of mine) t.ok(await store.get(id))
    }
    t.equal(await store.create(record({ principal: 'ann' })), false)
  })

  t.test('the anonymous share the bound of all and have no other', async (t) => {
    const { store } = await open(t, limits)
    for (let each = 0; each < 10; each++) t.equal(await store.create(record({ principal: 'anonymous' })), true)
    t.equal(await store.create(record({ principal: 'anonymous' })), false)
  })

  t.test('a principal may have any name', async (t) => {
    const { store } = await open(t, limits)
    for (const principal of ['constructor', '__proto__', 'a:b', 'a b\n*', 'x'.repeat(3_000), 'ü']) {
      const one = record({ principal })
      t.equal(await store.create(one), true)
      t.equal((await store.get(one.id))?.principal, principal)
      await store.delete(one.id)
    }
  })

  t.test('a client that declares too much is refused, and nothing of it is kept', async (t) => {
    const { store } = await open(t, { ...limits, maxSessions: 1 })
    const large = record({ clientCapabilities: { experimental: { x: 'x'.repeat(5_000) } } })
    await t.rejects(async () => store.create(large), { code: 'MCP_INVALID_PARAMS' })
    t.equal(await store.get(large.id), undefined)
    t.equal(await store.create(record({ clientCapabilities: { experimental: { x: 'x'.repeat(3_000) } } })), true)
  })
}
