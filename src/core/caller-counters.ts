import type { Counter } from './counters.ts'
import type { Clock } from './ports.ts'

export interface CallerCountersOptions {
  /** How many callers have a counter of their own. */
  capacity: number
  /** After how long the counter of a caller who does not come back holds nothing. */
  idleMs: number
  clock: Clock
}

interface Known<Kept> { readonly counter: Kept, usedAtMs: number }

/**
 * The counters of callers that come and go, such as addresses. When all places are taken, no counter that may still hold something makes
 * room for a new one: a caller could be rid of its count by inventing others.
 */
export class CallerCounters<Kept extends Counter> {
  /** In the order of their last use. */
  readonly #known = new Map<string, Known<Kept>>()
  readonly #options: CallerCountersOptions

  constructor (options: CallerCountersOptions) { this.#options = options }

  /** How many places are taken. */
  get size (): number { return this.#known.size }

  /** The counter of a caller, which is made if it is not there. Undefined when there is no room for it. */
  of (caller: string, make: () => Kept): Kept | undefined {
    const now = this.#options.clock.now()
    const known = this.#known.get(caller)
    if (known !== undefined) {
      known.usedAtMs = now
      this.#known.delete(caller)
      this.#known.set(caller, known)
      return known.counter
    }
    this.#forgetIdle(now)
    if (this.#known.size >= this.#options.capacity) return undefined
    const counter = make()
    this.#known.set(caller, { counter, usedAtMs: now })
    return counter
  }

  /** Two for each one that comes: so all that are idle go in time, and no request pays for many. */
  #forgetIdle (now: number): void {
    for (let looks = 0; looks < 2; looks++) {
      const [oldest] = this.#known
      if (oldest === undefined || oldest[1].usedAtMs + this.#options.idleMs > now) return
      this.#known.delete(oldest[0])
    }
  }
}
