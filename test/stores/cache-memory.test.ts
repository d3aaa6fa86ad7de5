import t, { type Test } from 'tap'
import { createCacheMemory, type CacheMemoryOptions } from '../../src/stores/cache-memory.ts'
import { cacheContract, keep, place, valueIn, type OpenedCache } from './cache-contract.ts'

let now = 1_000_000
const clock = { now: () => now }

function store (more: Partial<CacheMemoryOptions> = {}) {
  return createCacheMemory({ maxEntries: 100, maxBytes: 1_000_000, clock, ...more })
}

async function open (_t: Test): Promise<OpenedCache> { return { store: store(), pass (ms) { now += ms } } }

t.test('a cache in memory', async (t) => { cacheContract(t, open) })

t.test('what was not used for longest makes room, by number', async (t) => {
  const kept = store({ maxEntries: 2 })
  const places = [place(), place(), place()] as const
  await keep(kept, places[0], 0)
  await keep(kept, places[1], 1)
  t.equal(await valueIn(kept, places[0]), 0)
  await keep(kept, places[2], 2)
  t.strictSame(await Promise.all(places.map((where) => valueIn(kept, where))), [0, undefined, 2])
  t.equal(kept.size.entries, 2)
})

t.test('it never holds more bytes than it may, of keys and values in UTF-8', async (t) => {
  const kept = store({ maxBytes: 10_000 })
  for (let each = 0; each < 50; each++) {
    await keep(kept, place({ key: `${'k'.repeat(100)}${each}` }), '€'.repeat(300))
    t.ok(kept.size.bytes <= 10_000 && kept.size.bytes >= Math.min(each + 1, 7) * 1_000, `${kept.size.entries} entries, ${kept.size.bytes} bytes`)
  }
  const large = place()
  await keep(kept, large, 'x'.repeat(10_000))
  t.equal(await valueIn(kept, large), undefined)
})

t.test('a clock that is set back makes nothing young again', async (t) => {
  const kept = store()
  const where = place()
  await keep(kept, where, 1)
  now -= 1_000
  t.equal(await valueIn(kept, where), undefined)
  now += 1_000
  t.equal(await valueIn(kept, where), undefined)
})
