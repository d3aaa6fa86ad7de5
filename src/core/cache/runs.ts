import type { Invoke } from '../pipeline.ts'
import type { CallContext } from '../context.ts'
import type { CallToolResult, JsonObject } from '../ports.ts'
import type { CachePlace, CacheStore, Found } from './cache-store.ts'
import { Flight, type Landing } from './flight.ts'
import { keptForm } from './kept-result.ts'
import type { KeepRule } from './keep-rule.ts'

/** A call, where its result is kept, and what was found there. */
export interface Lookup {
  readonly place: CachePlace
  readonly found: Found
  readonly args: JsonObject
  readonly context: CallContext
  /** By `performance.now()`. */
  readonly startedAt: number
}

export interface RunsOptions {
  rule: KeepRule
  store: CacheStore
  /** The stages inside of the cache, and the handler. */
  run: Invoke<CallToolResult>
  /** Milliseconds that a call may take. */
  timeoutMs: number
}

/** An instance that holds its turn for longer is not waited for. */
const longestTurnMs = 5_000
const pollMs = 50

/** The runs of one tool that others may join. */
export class Runs {
  readonly #options: RunsOptions
  /** By key. */
  readonly #flights = new Map<string, Flight>()
  readonly #refreshes = new Set<Flight>()
  /** How many calls are asking the store, by key. */
  readonly #asking = new Map<string, number>()

  constructor (options: RunsOptions) { this.#options = options }

  /** The run that makes what this call lacks, if one does. */
  under ({ place, found, startedAt }: Lookup): Flight | undefined {
    const flight = this.#flights.get(place.key)
    if (flight?.isOpenTo(startedAt) === false) return undefined
    // What was begun before an invalidation is not for those who come after it.
    return flight?.ticket === undefined || found.ticket === undefined || flight.ticket === found.ticket ? flight : undefined
  }

  /** Begins a run. It has landed already where the handler answers at once. */
  begin (lookup: Lookup): Flight {
    const flight = this.#add(lookup, false)
    this.#run(flight, lookup)
    return flight
  }

  /** Begins a run for nobody, soon: what is old may be handed out before. Does nothing where one goes on. */
  refresh (lookup: Lookup): void {
    if (this.under(lookup) !== undefined) return
    const flight = this.#add(lookup, true)
    this.#refreshes.add(flight)
    setImmediate(() => { this.#run(flight, lookup) })
  }

  /**
   * Notes that a call asks the store, until `answered`. A store may be slow: a run that ends in the meantime is still the one for a call that
   * misses what it has made.
   */
  asks (key: string): void { this.#asking.set(key, (this.#asking.get(key) ?? 0) + 1) }

  answered (key: string): void {
    const left = (this.#asking.get(key) ?? 1) - 1
    if (left > 0) {
      this.#asking.set(key, left)
      return
    }
    this.#asking.delete(key)
    if (this.#flights.get(key)?.isClosed === true) this.#flights.delete(key)
  }

  /** What runs now was begun before something changed that it depends on: nobody joins it any more. */
  forget (): void { this.#flights.clear() }

  /** Ends the runs that nobody waits for. */
  close (): void { for (const flight of this.#refreshes) flight.cancel() }

  #add (lookup: Lookup, isRefresh: boolean): Flight {
    const { place: { key }, found: { ticket } } = lookup
    const flight = new Flight(lookup.context, { ticket, isShared: this.#options.rule.isShared, isRefresh, onAbandoned: (flight) => { this.#remove(key, flight) } })
    this.#flights.set(key, flight)
    return flight
  }

  #remove (key: string, flight: Flight): void {
    this.#refreshes.delete(flight)
    flight.close()
    if (this.#flights.get(key) === flight && !(this.#asking.has(key) && flight.isForLate)) this.#flights.delete(key)
  }

  #run (flight: Flight, lookup: Lookup): void {
    const { rule, store } = this.#options
    if (rule.isShared && store.claim !== undefined && lookup.found.ticket !== undefined) {
      this.#runInTurn(flight, lookup).catch((error: unknown) => { this.#conclude(flight, lookup, { kind: 'failed', error }) })
      return
    }
    const landing = this.#runHandler(flight, lookup)
    if (landing instanceof Promise) void landing.then((landed) => this.#keep(flight, lookup, landed))
    else void this.#keep(flight, lookup, landing)
  }

  /** Waits while another instance makes the same, for a while. What a run makes may be kept if nothing was invalidated since its turn came. */
  async #runInTurn (flight: Flight, lookup: Lookup): Promise<void> {
    const { store, timeoutMs, rule } = this.#options
    const { place } = lookup
    const turnMs = Math.min(longestTurnMs, timeoutMs / 2)
    const end = performance.now() + turnMs
    for (let latest = lookup; ; latest = { ...lookup, found: await store.find(place) }) {
      const { found } = latest
      if (latest !== lookup && found.value !== undefined && found.ageMs < rule.ttlMs) {
        this.#conclude(flight, lookup, { kind: 'result', result: found.value as CallToolResult, isKept: true })
        return
      }
      const claim = await store.claim?.(place.key, turnMs)
      if (claim === undefined || claim.isMine || flight.isGivenUp || performance.now() >= end) {
        try {
          await this.#keep(flight, latest, await this.#runHandler(flight, lookup))
        } finally {
          await claim?.release()
        }
        return
      }
      await new Promise((resolve) => { setTimeout(resolve, pollMs) })
    }
  }

  #runHandler (flight: Flight, { args }: Lookup): Landing | Promise<Landing> {
    // While it waited for its turn, all who wanted it may have left.
    if (flight.isGivenUp) return failureOf(flight.context.abortReason)
    try {
      // What the handler does to its arguments is not for those who may have to run with theirs.
      const outcome = this.#options.run(structuredClone(args), flight.context)
      return outcome instanceof Promise ? outcome.then(landingOf, failureOf) : landingOf(outcome)
    } catch (error) {
      return failureOf(error)
    }
  }

  /** Ends a run. Resolves when its result is kept, where that is possible: until then, those who miss it join the run. */
  #keep (flight: Flight, lookup: Lookup, landing: Landing): void | Promise<void> {
    const { store, rule } = this.#options
    const { place, found: { ticket } } = lookup
    const entry = landing.kind === 'result' && flight.isForAll ? keptForm(landing.result, rule.maxBytes) : undefined
    if (entry === undefined) {
      this.#conclude(flight, lookup, landing)
      return
    }
    flight.land({ kind: 'result', result: entry.value, isKept: true })
    const kept = ticket === undefined ? undefined : store.keep(place, ticket, entry)
    if (kept === undefined) this.#remove(lookup.place.key, flight)
    else return kept.then(() => { this.#remove(lookup.place.key, flight) })
  }

  #conclude (flight: Flight, lookup: Lookup, landing: Landing): void {
    flight.land(landing)
    this.#remove(lookup.place.key, flight)
  }
}

function landingOf (result: CallToolResult): Landing {
  return result.isError === true ? { kind: 'reported', result } : { kind: 'result', result, isKept: false }
}

function failureOf (error: unknown): Landing { return { kind: 'failed', error } }
