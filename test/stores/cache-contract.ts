import type { Test } from 'tap'
import type { CachePlace, CacheStore } from '../../src/core/cache/cache-store.ts'

export interface OpenedCache {
  store: CacheStore
  /** Lets time pass, as far as the store can tell. */
  pass (ms: number): void | Promise<void>
}

const minute = 60_000

let count = 0
export function place (more: Partial<CachePlace> = {}): CachePlace {
  return { key: `key-${++count}`, tags: [], lifeMs: minute, accepts: () => true, ...more }
}

/** Keeps a value as a call does: with the ticket that it was given when it found nothing. */
export async function keep (store: CacheStore, where: CachePlace, value: unknown): Promise<void> {
  const { ticket } = await store.find(where)
  if (ticket === undefined) throw new Error('Nothing can be kept.')
  await store.keep(where, ticket, entry(value))
}

export function entry (value: unknown): { value: unknown, text: string } { return { value, text: JSON.stringify(value) } }

export async function valueIn (store: CacheStore, where: CachePlace): Promise<unknown> { return (await store.find(where)).value }

/** What every store of results promises. `open` gives an empty one. */
export function cacheContract (t: Test, open: (t: Test) => Promise<OpenedCache>): void {
  t.test('what is kept is found with its age until its life is over, and what is not is not', async (t) => {
    const { store, pass } = await open(t)
    const [where, other] = [place(), place()]
    t.match(await store.find(where), { value: undefined, ticket: String, failed: false })
    const value = { content: [{ type: 'text', text: 'é\n"€"\u2028' }], n: [1, 1.5, null, true, ''] }
    await keep(store, where, value)
    await pass(40_000)
    const { value: found, ageMs, failed } = await store.find(where)
    t.strictSame([found, failed], [value, false])
    t.ok(ageMs >= 40_000 && ageMs < 45_000, `${ageMs} ms`)
    t.equal(await valueIn(store, other), undefined)
    await pass(20_000)
    t.equal(await valueIn(store, where), undefined)
  })

  t.test('the newest value counts, and one that is removed is gone', async (t) => {
    const { store } = await open(t)
    const where = place({ tags: ['a'] })
    for (const value of [1, 'two', null]) {
      await keep(store, where, value)
      t.equal(await valueIn(store, where), value)
    }
    await store.remove(where.key)
    t.equal(await valueIn(store, where), undefined)
  })

  t.test('a tag that is invalidated drops what has it, alone or among others, and nothing else', async (t) => {
    const { store } = await open(t)
    const places = [place({ tags: ['a'] }), place({ tags: ['b', 'a'] }), place({ tags: ['b'] }), place({ tags: ['ab'] }), place()]
    for (const where of places) await keep(store, where, 1)
    await store.invalidate(['a', 'nothing-has-this'])
    t.strictSame(await Promise.all(places.map((where) => valueIn(store, where))), [undefined, undefined, 1, 1, 1])
    for (const where of places) await keep(store, where, 2)
    await store.invalidate(['a', 'b'])
    t.strictSame(await Promise.all(places.map((where) => valueIn(store, where))), [undefined, undefined, undefined, 2, 2])
  })

  t.test('what was begun before an invalidation is not kept after it', async (t) => {
    const { store } = await open(t)
    const where = place({ tags: ['a', 'b'] })
    const { ticket = '' } = await store.find(where)
    await store.invalidate(['b'])
    await store.keep(where, ticket, entry('old'))
    t.equal(await valueIn(store, where), undefined)
    await keep(store, where, 'new')
    await store.keep(where, ticket, entry('old'))
    t.equal(await valueIn(store, where), 'new')
  })
}
