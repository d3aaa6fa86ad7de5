import { ToolTimeoutError } from '../call-errors.ts'
import type { CallContext } from '../context.ts'
import type { CallTarget, Invoke } from '../pipeline.ts'
import type { CallToolResult, JsonObject } from '../ports.ts'
import type { CacheStore, Found } from './cache-store.ts'
import type { Flight, Landing } from './flight.ts'
import { isToolResult } from './kept-result.ts'
import type { KeepRule } from './keep-rule.ts'
import { resultKey } from './result-key.ts'
import { markFresh, markKept } from './result-mark.ts'
import { Runs, type Lookup } from './runs.ts'
import { WaitingCall } from './waiting-call.ts'

/** How the calls of one tool were answered, since the start. */
export interface CacheCounts {
  /** By a result that was as good as new. */
  hits: number
  /** By a run of their own. */
  misses: number
  /** By a result that was past its time: while a new one was made, or because none could be. */
  stale: number
  /** By the run of another call. */
  coalesced: number
  /** How often the store could not be asked, or held what could not be read. */
  errors: number
}

export interface CachedToolOptions<Result> {
  target: CallTarget<Result>
  rule: KeepRule
  store: CacheStore
  /** The stages inside of the cache, and the handler. */
  run: Invoke<CallToolResult>
}

/** Answers the calls of one tool with what is kept, and runs its handler once for all who miss the same at the same time. */
export class CachedTool<Result> {
  readonly counts: CacheCounts = { hits: 0, misses: 0, stale: 0, coalesced: 0, errors: 0 }
  readonly #options: CachedToolOptions<Result>
  readonly #runs: Runs

  constructor (options: CachedToolOptions<Result>) {
    const { rule, store, run, target: { timeoutMs } } = options
    this.#options = options
    this.#runs = new Runs({ rule, store, run, timeoutMs })
  }

  get name (): string { return this.#options.target.name }

  /** Throws or rejects as the run of the handler does. */
  call (args: JsonObject, context: CallContext): CallToolResult | Promise<CallToolResult> {
    const { rule, rule: { tags, lifeMs }, store } = this.#options
    const key = resultKey(rule, args, context.principal)
    if (key === undefined) return this.#runAlone(args, context)
    const place = { key, tags, lifeMs, accepts: isToolResult }
    const found = store.find(place)
    if (!(found instanceof Promise)) return this.#fresh(found) ?? this.#answer({ place, found, args, context, startedAt: performance.now() })
    const startedAt = performance.now()
    this.#runs.asks(key)
    return found.then((found) => {
      try {
        return this.#fresh(found) ?? this.#answer({ place, found, args, context, startedAt })
      } finally {
        this.#runs.answered(key)
      }
    })
  }

  /** From now on nobody joins the runs that were begun before, if they may have read what has changed. */
  invalidate (tags: readonly string[]): void {
    if (tags.some((tag) => this.#options.rule.tags.includes(tag))) this.#runs.forget()
  }

  /** Ends the runs that nobody waits for. */
  close (): void { this.#runs.close() }

  #fresh ({ value, ageMs, failed }: Found): CallToolResult | undefined {
    if (failed) this.counts.errors++
    if (value === undefined || ageMs >= this.#options.rule.ttlMs) return undefined
    this.counts.hits++
    return markKept(value as CallToolResult, ageMs, false)
  }

  #runAlone (args: JsonObject, context: CallContext): CallToolResult | Promise<CallToolResult> {
    this.counts.misses++
    return this.#options.run(args, context)
  }

  #answer (lookup: Lookup): CallToolResult | Promise<CallToolResult> {
    if (lookup.context.isSingular) return this.#runAlone(lookup.args, lookup.context)
    const stale = this.#stale(lookup, this.#options.rule.staleWhileRevalidateMs)
    if (stale !== undefined) {
      this.#runs.refresh(lookup)
      return stale
    }
    const running = this.#runs.under(lookup)
    if (running !== undefined) return this.#wait(lookup, running, false)
    this.counts.misses++
    const flight = this.#runs.begin(lookup)
    const { landing } = flight
    // A handler that answers at once needs neither clock nor signal.
    return landing === undefined || landing.kind === 'own' ? this.#wait(lookup, flight, true) : this.#settle(lookup, landing)
  }

  /** What was found, if it may be handed out for so long after its time. */
  #stale ({ found: { value, ageMs } }: Lookup, graceMs: number): CallToolResult | undefined {
    if (value === undefined || ageMs >= this.#options.rule.ttlMs + graceMs) return undefined
    this.counts.stale++
    return markKept(value as CallToolResult, ageMs, true)
  }

  async #wait (lookup: Lookup, first: Flight, begun: boolean): Promise<CallToolResult> {
    const { args, context, startedAt } = lookup
    const { target, run, rule: { staleIfErrorMs } } = this.#options
    const waiting = new WaitingCall(context, target, startedAt)
    try {
      for (let flight = first, isFirst = begun; ;) {
        const landing = await landingOf(flight, waiting, isFirst)
        if (landing.kind === 'own') {
          if (!isFirst) this.counts.misses++
          return await waiting.goOn(() => run(args, context))
        }
        // Who came late has time left when the run that it joined has none.
        if (!isOutOfTime(flight, landing) || !waiting.hasTime) {
          if (!isFirst) this.counts.coalesced++
          return this.#settle(lookup, landing)
        }
        const running = this.#runs.under(lookup)
        isFirst = running === undefined
        if (isFirst) this.counts.misses++
        flight = running ?? this.#runs.begin(lookup)
      }
    } catch (error) {
      const stale = error instanceof ToolTimeoutError ? this.#stale(lookup, staleIfErrorMs) : undefined
      if (stale === undefined) throw error
      return stale
    } finally {
      waiting.end()
    }
  }

  #settle (lookup: Lookup, landing: Exclude<Landing, { kind: 'own' }>): CallToolResult {
    if (landing.kind === 'result') return landing.isKept ? markFresh(landing.result) : landing.result
    const stale = this.#stale(lookup, this.#options.rule.staleIfErrorMs)
    if (stale !== undefined) return stale
    if (landing.kind === 'reported') return landing.result
    throw landing.error
  }
}

async function landingOf (flight: Flight, waiting: WaitingCall, isFirst: boolean): Promise<Landing> {
  flight.join()
  try {
    return await waiting.until(flight.landed)
  } finally {
    flight.leave(isFirst)
  }
}

/** Whether the time of the run itself was over. What its handler waited for, a statement on a database, may have a time of its own. */
function isOutOfTime (flight: Flight, landing: Landing): boolean {
  return landing.kind === 'failed' && flight.context.abortReason instanceof ToolTimeoutError
}
