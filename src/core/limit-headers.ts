import type { Standing } from './counters.ts'
import type { Limit } from './limit.ts'

/** The values of the fields RateLimit-Policy and RateLimit. */
export interface LimitHeaders { readonly policy: string, readonly state: string }

/**
 * What tells a client its limits, and how they stand: `q` requests in `w` seconds, of which `r` are left for the next `t` seconds. Undefined
 * where no limit was asked. draft-ietf-httpapi-ratelimit-headers-11, RateLimit-Policy and RateLimit Fields.
 */
export function limitHeaders (standings: readonly Standing<Limit>[]): LimitHeaders | undefined {
  let policy = ''
  let state = ''
  for (const { counter: { label, max, windowMs }, remaining, resetMs } of standings) {
    const separator = policy === '' ? '' : ', '
    policy += `${separator}${label};q=${max};w=${secondsOf(windowMs)}`
    state += `${separator}${label};r=${remaining};t=${secondsOf(resetMs)}`
  }
  return policy === '' ? undefined : { policy, state }
}

/** The headers that came before any standard: they know one limit, so they tell the one that is closest to refusing. */
export function legacyLimitHeaders ([first, ...others]: readonly Standing<Limit>[]): Record<string, string> {
  if (first === undefined) return {}
  const { counter, remaining, resetMs } = others.reduce((least, standing) => standing.remaining < least.remaining ? standing : least, first)
  return { 'x-ratelimit-limit': String(counter.max), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': String(secondsOf(resetMs)) }
}

/** The fields know whole seconds only. */
function secondsOf (ms: number): number {
  return Math.ceil(ms / 1_000)
}
