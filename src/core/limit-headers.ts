import type { Standing } from './counters.ts'
import type { Limit } from './limit.ts'

/** The values of the fields RateLimit-Policy and RateLimit. */
export interface LimitHeaders { readonly policy: string, readonly state: string }

/**
 * The policies of a row of limits, as text. Those that meet in one request are few, and a text that is made anew each time costs Node's
 * writing of headers more than all else that limits do: so each row has one, for as long as there are its limits.
 */
class PolicyRow {
  readonly text: string
  readonly #longer = new WeakMap<Limit, PolicyRow>()

  constructor (text: string) { this.text = text }

  /** The row with one more limit at its end. */
  with (limit: Limit): PolicyRow {
    let row = this.#longer.get(limit)
    if (row === undefined) {
      const { label, max, windowMs } = limit
      row = new PolicyRow(`${this.text === '' ? '' : `${this.text}, `}${label};q=${max};w=${secondsOf(windowMs)}`)
      this.#longer.set(limit, row)
    }
    return row
  }
}

const noPolicy = new PolicyRow('')

/**
 * What tells a client its limits, and how they stand: `q` requests in `w` seconds, of which `r` are left for the next `t` seconds. Undefined
 * where no limit was asked. draft-ietf-httpapi-ratelimit-headers-11, RateLimit-Policy and RateLimit Fields.
 */
export function limitHeaders (standings: readonly Standing<Limit>[]): LimitHeaders | undefined {
  if (standings.length === 0) return undefined
  let row = noPolicy
  let state = ''
  for (const { counter, remaining, resetMs } of standings) {
    row = row.with(counter)
    state += `${state === '' ? '' : ', '}${counter.label};r=${remaining};t=${secondsOf(resetMs)}`
  }
  return { policy: row.text, state }
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
