import type { Standing } from './counters.ts'
import type { Limit } from './limit.ts'

/**
 * What tells a client its limits, and how they stand: `q` requests in `w` seconds, of which `r` are left for the next `t` seconds. None
 * where no limit was asked. draft-ietf-httpapi-ratelimit-headers-11, RateLimit-Policy and RateLimit Fields.
 */
export function limitHeaders (standings: readonly Standing<Limit>[]): Record<string, string> {
  if (standings.length === 0) return {}
  return {
    'ratelimit-policy': standings.map(({ counter }) => policyOf(counter)).join(', '),
    ratelimit: standings.map(({ counter, remaining, resetMs }) => `${policyName(counter)};r=${remaining};t=${secondsOf(resetMs)}`).join(', ')
  }
}

/** The headers that came before any standard: they know one limit, so they tell the one that is closest to refusing. */
export function legacyLimitHeaders ([first, ...others]: readonly Standing<Limit>[]): Record<string, string> {
  if (first === undefined) return {}
  const { counter, remaining, resetMs } = others.reduce((least, standing) => standing.remaining < least.remaining ? standing : least, first)
  return { 'x-ratelimit-limit': String(counter.max), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': String(secondsOf(resetMs)) }
}

function policyOf (limit: Limit): string {
  return `${policyName(limit)};q=${limit.max};w=${secondsOf(limit.windowMs)}`
}

/** Names of tools hold nothing that a string of RFC 9651 would have to escape. */
function policyName ({ name, tool }: Limit): string {
  return tool === undefined ? `"${name}"` : `"${name}:${tool}"`
}

/** The fields know whole seconds only. */
function secondsOf (ms: number): number {
  return Math.ceil(ms / 1_000)
}
