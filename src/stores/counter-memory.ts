import { stepOf, type Charge, type Counter, type CounterStore, type Standing, type Verdict } from '../core/counters.ts'
import type { Clock } from '../core/ports.ts'

export interface CounterMemoryOptions { clock: Clock }

/** Counters in this process. Each is kept for as long as anybody has its Counter: the store by itself holds none, so whoever bounds those bounds it. */
export function createCounterMemory ({ clock }: CounterMemoryOptions): CounterStore {
  const windows = new WeakMap<Counter, SlidingWindow>()

  function windowOf (counter: Counter): SlidingWindow {
    let window = windows.get(counter)
    if (window === undefined) {
      window = new SlidingWindow(counter)
      windows.set(counter, window)
    }
    return window
  }

  return {
    take<Kind extends Counter> (charges: readonly Charge<Kind>[]): Verdict<Kind> {
      const now = clock.now()
      let admitted = true
      for (const { counter, cost } of charges) admitted = windowOf(counter).admits(cost, now) && admitted
      return { admitted, standings: charges.map((charge) => settle(charge, admitted, now)) }
    }
  }

  function settle<Kind extends Counter> ({ counter, cost }: Charge<Kind>, admitted: boolean, now: number): Standing<Kind> {
    const window = windowOf(counter)
    const waitMs = admitted ? 0 : window.waitFor(cost, now)
    if (admitted) window.add(cost, now)
    return { counter, remaining: window.remaining, resetMs: window.resetMs(now), waitMs }
  }
}

/** The admissions of one window, in groups of a step each, oldest first. */
class SlidingWindow {
  readonly #counter: Counter
  readonly #stepMs: number
  /** When the last member of each group came, and how many members it has. */
  #times: number[] = []
  #counts: number[] = []
  #used = 0

  constructor (counter: Counter) {
    this.#counter = counter
    this.#stepMs = stepOf(counter.windowMs)
  }

  get remaining (): number { return Math.max(0, this.#counter.max - this.#used) }

  /** Lets go of what has left the window, and says whether there is room. */
  admits (cost: number, now: number): boolean {
    // A clock that was set back would keep groups of the future; for the window they come now.
    if ((this.#times.at(-1) ?? 0) > now) this.#times = this.#times.map((time) => Math.min(time, now))
    while ((this.#times[0] ?? now) + this.#counter.windowMs <= now) {
      this.#times.shift()
      this.#used -= this.#counts.shift() ?? 0
    }
    return this.#used + cost <= this.#counter.max
  }

  add (cost: number, now: number): void {
    const last = this.#times.length - 1
    const time = this.#times[last]
    if (time !== undefined && Math.floor(time / this.#stepMs) === Math.floor(now / this.#stepMs)) {
      this.#times[last] = now
      this.#counts[last] = (this.#counts[last] ?? 0) + cost
    } else {
      this.#times.push(now)
      this.#counts.push(cost)
    }
    this.#used += cost
  }

  resetMs (now: number): number {
    return (this.#times[0] ?? now) + this.#counter.windowMs - now
  }

  /** Milliseconds until there is room. */
  waitFor (cost: number, now: number): number {
    const { max, windowMs } = this.#counter
    if (cost > max) return Infinity
    let room = max - this.#used
    if (room >= cost) return 0
    const group = this.#counts.findIndex((count) => (room += count) >= cost)
    return (this.#times[group] ?? now) + windowMs - now
  }
}
