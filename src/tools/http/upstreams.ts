import type { Logger } from '../../core/ports.ts'
import { ToolTimeoutError } from '../../core/call-errors.ts'
import { Gate, GateTimeout, type GateLimits } from '../../core/gate.ts'
import { Breaker, type BreakerLimits, type BreakerState, type BreakerTiming, type Verdict } from './breaker.ts'
import { EgressRefusal } from './egress.ts'
import { AttemptTimeout, UnusableAnswer, type Answer } from './exchange.ts'

/** How it goes with one upstream, for whoever watches. */
export interface UpstreamState {
  /** Scheme, host and port. */
  readonly origin: string
  readonly circuit: BreakerState
  /** Failures in a row. */
  readonly failures: number
  /** Requests under way, and those that wait for their turn. */
  readonly running: number
  readonly waiting: number
}

export interface UpstreamLimits extends GateLimits { readonly circuitBreaker: BreakerLimits }

/** Sends one request; `waitedMs` of its time are over. */
export type Send = (waitedMs: number) => Promise<Answer>
export interface Attempt { readonly origin: string, readonly timeoutMs: number, readonly signal: AbortSignal, readonly logger: Logger }

interface Upstream { readonly gate: Gate, readonly breaker: Breaker }

/** Where arguments choose the host, there may be any number of upstreams. */
const maxUpstreams = 10_000
/** Errors that the upstream has no part in: the server ends, or the request could not be made. */
const ownErrors = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_ABORTED', 'UND_ERR_INVALID_ARG'])

/** What all handlers know of the APIs that they call: how many requests are under way to each, and whether it works. */
export class Upstreams {
  readonly #limits: UpstreamLimits
  readonly #timing: BreakerTiming
  readonly #known = new Map<string, Upstream>()

  constructor (limits: UpstreamLimits, timing: BreakerTiming) {
    this.#limits = limits
    this.#timing = timing
  }

  /** All that were called, unless they are forgotten. */
  states (): UpstreamState[] {
    return [...this.#known].map(([origin, { gate, breaker }]) => ({
      origin, circuit: breaker.state, failures: breaker.failures, running: gate.running, waiting: gate.waiting
    }))
  }

  /** Sends when it is the request's turn. Rejects with CircuitOpen, GateFull, the reason of the signal, or as `send` does. */
  async send ({ origin, timeoutMs, signal, logger }: Attempt, send: Send): Promise<Answer> {
    const { gate, breaker } = this.#find(origin)
    const begun = this.#timing.now()
    // Whoever will be refused need not wait for it.
    breaker.check()
    if (!gate.enter()) await gate.wait(timeoutMs, signal).catch(asAttempt)
    try {
      const admission = breaker.admit()
      let verdict: Verdict = 'unknown'
      try {
        const answer = await send(this.#timing.now() - begun)
        verdict = answer.status >= 500 ? 'fails' : 'works'
        return answer
      } catch (error) {
        verdict = verdictOf(error, signal)
        throw error
      } finally {
        if (breaker.settle(admission, verdict)) report(origin, breaker, logger)
      }
    } finally {
      gate.leave()
    }
  }

  #find (origin: string): Upstream {
    const known = this.#known.get(origin)
    if (known !== undefined) return known
    if (this.#known.size >= maxUpstreams) this.#forget()
    const upstream = { gate: new Gate(this.#limits), breaker: new Breaker(this.#limits.circuitBreaker, this.#timing) }
    this.#known.set(origin, upstream)
    return upstream
  }

  /** Lets go of those that nothing is under way to; those that do not work are kept, as long as others can go. */
  #forget (): void {
    const idle = [...this.#known].filter(([, { gate }]) => gate.running === 0)
    const working = idle.filter(([, { breaker }]) => breaker.state === 'closed')
    for (const [origin] of working.length > 0 ? working : idle) this.#known.delete(origin)
  }
}

function verdictOf (error: unknown, signal: AbortSignal): Verdict {
  // A call that was cancelled says nothing; one whose time was over waited for the upstream.
  if (signal.aborted) return signal.reason instanceof ToolTimeoutError ? 'fails' : 'unknown'
  if (error instanceof EgressRefusal) return 'unknown'
  if (error instanceof UnusableAnswer) return 'works'
  return error instanceof Error && 'code' in error && ownErrors.has(String(error.code)) ? 'unknown' : 'fails'
}

function report (origin: string, { state, failures, waitMs }: Breaker, logger: Logger): void {
  if (state === 'open') logger.warn({ upstream: origin, failures, waitMs }, 'The upstream fails: nothing is sent to it for a while (the circuit is open).')
  else logger.info({ upstream: origin }, 'The upstream works again (the circuit is closed).')
}

/** To wait in vain is an attempt that took too long. */
function asAttempt (error: unknown): never {
  throw error instanceof GateTimeout ? new AttemptTimeout(error.timeoutMs) : error
}
