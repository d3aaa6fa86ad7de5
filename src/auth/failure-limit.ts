import type { Clock } from '../core/ports.ts'

export interface FailureLimitOptions {
  /** How many failures of one address a window bears. */
  maxFailures: number
  windowMs: number
  clock: Clock
}

interface Window { endsAtMs: number, failures: number }

/** Ten thousand addresses take about a megabyte; past that, the oldest are forgotten. */
const maxAddresses = 10_000

/** Counts refused credentials by address, so that guessing does not pay. What is valid is never held up by it. */
export class FailureLimit {
  readonly #windows = new Map<string, Window>()
  readonly #options: FailureLimitOptions

  constructor (options: FailureLimitOptions) { this.#options = options }

  /** Seconds until this address may fail again; undefined while it may. */
  waitSeconds (address: string): number | undefined {
    const window = this.#windows.get(address)
    const now = this.#options.clock.now()
    if (window === undefined || now >= window.endsAtMs || window.failures < this.#options.maxFailures) return undefined
    return Math.max(1, Math.ceil((window.endsAtMs - now) / 1_000))
  }

  count (address: string): void {
    const now = this.#options.clock.now()
    const window = this.#windows.get(address)
    if (window !== undefined && now < window.endsAtMs) {
      window.failures++
      return
    }
    this.#windows.delete(address) // A new window goes to the end: the order is that of age.
    if (this.#windows.size >= maxAddresses) {
      const [oldest] = this.#windows.keys()
      if (oldest !== undefined) this.#windows.delete(oldest)
    }
    this.#windows.set(address, { endsAtMs: now + this.#options.windowMs, failures: 1 })
  }
}
