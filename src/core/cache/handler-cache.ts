import { fits } from '../result-budget.ts'
import type { HandlerCache } from '../ports.ts'
import type { CachePlace, CacheStore } from './cache-store.ts'
import { freezeJson } from './kept-result.ts'

export interface HandlerCacheOptions {
  store: CacheStore
  /** For how long a value is kept for which nothing is said. */
  ttlMs: number
  /** Bytes that the JSON of a value may have. */
  maxValueBytes: number
}

const maxKeyChars = 512
const longestTtlMs = 31_536_000_000

/** The part of the cache that handlers fill themselves. `owner` tells whose it is: others neither see nor change it. */
export function createHandlerCache (owner: readonly string[], { store, ttlMs, maxValueBytes }: HandlerCacheOptions): HandlerCache {
  function placeOf (key: string, lifeMs: number): CachePlace {
    if (typeof key !== 'string' || key === '' || key.length > maxKeyChars) throw new TypeError(`A key of context.cache is a text of 1 to ${maxKeyChars} characters.`)
    return { key: JSON.stringify(['value', ...owner, key]), tags: [], lifeMs, accepts: isAny }
  }

  return {
    async get (key) {
      const { value } = await store.find(placeOf(key, ttlMs))
      return structuredClone(value)
    },
    async set (key, value, ttlSeconds = ttlMs / 1_000) {
      const place = placeOf(key, ttlSeconds * 1_000)
      if (!(place.lifeMs >= 1 && place.lifeMs <= longestTtlMs)) throw new TypeError('The time for which context.cache keeps a value is a number of seconds, up to a year.')
      const text = jsonOf(value)
      if (!fits(text, maxValueBytes)) throw new TypeError(`context.cache keeps values of up to ${maxValueBytes} bytes of JSON (caching.maxValueBytes).`)
      await store.keep(place, '', { text, value: freezeJson(JSON.parse(text)) })
    },
    async delete (key) { await store.remove(placeOf(key, ttlMs).key) }
  }
}

/** What handlers keep is theirs to judge. */
function isAny (): boolean { return true }

function jsonOf (value: unknown): string {
  const text = JSON.stringify(value) as string | undefined // a function has none
  if (text === undefined) throw new TypeError(`context.cache keeps JSON values; it was given a ${typeof value}.`)
  return text
}
