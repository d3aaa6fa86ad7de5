import type { CallToolResult } from '../ports.ts'

/** The member of `_meta` by which clients know whether a result was kept, and for how long. */
export const cacheKey = 'gantry/cache'

const fresh = Object.freeze({ hit: false })

/** A result that has been made for this call, or for others that asked for the same, and is kept from now on. */
export function markFresh (result: CallToolResult): CallToolResult {
  return { ...result, _meta: { ...result._meta, [cacheKey]: fresh } }
}

/** A result that was kept. `stale` is there when it is past its time. */
export function markKept (result: CallToolResult, ageMs: number, isStale: boolean): CallToolResult {
  const ageSeconds = Math.floor(ageMs / 1_000)
  return { ...result, _meta: { ...result._meta, [cacheKey]: isStale ? { hit: true, ageSeconds, stale: true } : { hit: true, ageSeconds } } }
}
