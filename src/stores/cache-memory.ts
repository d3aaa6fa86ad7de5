import { LRUCache } from 'lru-cache'
import type { CacheStore, Found } from '../core/cache/cache-store.ts'
import type { Clock } from '../core/ports.ts'

export interface CacheMemoryOptions {
  maxEntries: number
  /** Of all values and keys, as JSON in UTF-8. */
  maxBytes: number
  clock: Clock
}

interface Kept {
  readonly value: unknown
  readonly bytes: number
  readonly keptAtMs: number
  readonly lifeMs: number
  readonly ticket: string
}

/** Beside the text of a key and a value. */
const entryOverheadBytes = 256

/**
 * What this process keeps: bounded in number and in bytes, what was not used for longest makes room. A ticket is the number of times that
 * the tags of a place were invalidated: it never comes again.
 */
export function createCacheMemory ({ maxEntries, maxBytes, clock }: CacheMemoryOptions): CacheStore {
  const kept = new LRUCache<string, Kept>({ max: maxEntries, maxSize: maxBytes, sizeCalculation: ({ bytes }) => bytes })
  const invalidations = new Map<string, number>()

  function ticketOf (tags: readonly string[]): string {
    // Most servers invalidate nothing.
    if (invalidations.size === 0) return ''
    let count = 0
    for (const tag of tags) count += invalidations.get(tag) ?? 0
    return count === 0 ? '' : String(count)
  }

  return {
    find ({ key, tags }): Found {
      const ticket = ticketOf(tags)
      const entry = kept.get(key)
      if (entry === undefined) return { value: undefined, ageMs: 0, ticket, failed: false }
      const ageMs = clock.now() - entry.keptAtMs
      // A clock that was set back would make it young for ever.
      if (ageMs >= 0 && ageMs < entry.lifeMs && entry.ticket === ticket) return { value: entry.value, ageMs, ticket, failed: false }
      kept.delete(key)
      return { value: undefined, ageMs: 0, ticket, failed: false }
    },
    keep ({ key, tags, lifeMs }, ticket, { value, text }) {
      if (ticket !== ticketOf(tags)) return
      kept.set(key, { value, bytes: Buffer.byteLength(text) + Buffer.byteLength(key) + entryOverheadBytes, keptAtMs: clock.now(), lifeMs, ticket })
    },
    remove (key) { kept.delete(key) },
    invalidate (tags) { for (const tag of tags) invalidations.set(tag, (invalidations.get(tag) ?? 0) + 1) },
    get size () { return { entries: kept.size, bytes: kept.calculatedSize } },
    close () { kept.clear() }
  }
}
