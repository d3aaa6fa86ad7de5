/** What came of a request, as far as it says something of its upstream. */
export type Verdict = 'works' | 'fails' | 'unknown'
export type BreakerState = 'closed' | 'open' | 'half-open'

/** The upstream has failed so often that nothing is sent to it for now. */
export class CircuitOpen extends Error {
  /** When to try again. */
  readonly waitMs: number
  constructor (waitMs: number) {
    super(`Nothing is sent for ${waitMs} ms.`)
    this.waitMs = waitMs
  }

  override get name (): string { return 'CircuitOpen' }
}

export interface BreakerLimits {
  readonly enabled: boolean
  /** How many failures in a row open it. */
  readonly failures: number
  /** Milliseconds that it stays open at least. */
  readonly cooldown: number
}
export interface BreakerTiming {
  /** Milliseconds that only grow. */
  now (): number
  /** From 0 up to, not including, 1. */
  random (): number
}
/** Shows which change of state a request was admitted after: what is older says nothing of now. */
export type Admission = number

/** What is said while one request finds out whether the upstream works again. */
const probeWaitMs = 1000
/** How much longer than its limit the cool-down may be, so that instances do not come back at once. */
const jitter = 0.5

/** Stops sending to an upstream that fails; after a while, one request at a time finds out whether it works again. */
export class Breaker {
  readonly #limits: BreakerLimits
  readonly #timing: BreakerTiming
  #state: BreakerState = 'closed'
  #admission: Admission = 0
  #failures = 0
  #openUntil = 0
  #probing = false

  constructor (limits: BreakerLimits, timing: BreakerTiming) {
    this.#limits = limits
    this.#timing = timing
  }

  get state (): BreakerState { return this.#state }
  /** Failures in a row. */
  get failures (): number { return this.#failures }

  /** Milliseconds until a request may be sent; 0 for now. */
  get waitMs (): number {
    if (this.#state === 'open') return Math.max(0, Math.ceil(this.#openUntil - this.#timing.now()))
    return this.#probing ? probeWaitMs : 0
  }

  /** Throws CircuitOpen when nothing is sent for now. */
  check (): void {
    const { waitMs } = this
    if (waitMs > 0) throw new CircuitOpen(waitMs)
  }

  /** Throws as check does. Who is admitted has to settle. */
  admit (): Admission {
    this.check()
    if (this.#state === 'open') this.#become('half-open')
    this.#probing = this.#state === 'half-open'
    return this.#admission
  }

  /** Tells what came of a request; true when this opened or closed the circuit. */
  settle (admission: Admission, verdict: Verdict): boolean {
    if (admission !== this.#admission || !this.#limits.enabled) return false
    this.#probing = false
    if (verdict === 'unknown') return false
    if (verdict === 'works') {
      this.#failures = 0
      return this.#state === 'half-open' && this.#become('closed')
    }
    this.#failures++
    if (this.#state === 'closed' && this.#failures < this.#limits.failures) return false
    this.#openUntil = this.#timing.now() + this.#limits.cooldown * (1 + jitter * this.#timing.random())
    return this.#become('open')
  }

  #become (state: BreakerState): true {
    this.#state = state
    this.#admission++
    return true
  }
}
