import type { FailureMode } from '../../schemas/config/limits.ts'

/**
 * Counters of rate limits: what they are, and what a store of them does. A window slides: at any moment it reaches back for `windowMs`, and
 * holds at most `max`, so that no interval of that length ever holds more.
 */

/** What a limit counts. Its id and its window name it on every instance that shares a store; within one process, there is one object of it. */
export interface Counter {
  readonly id: string
  readonly windowMs: number
  /** How many a window admits. */
  readonly max: number
  /** What becomes of what it counts while the store does not answer. */
  readonly onStoreFailure: FailureMode
}

/** What something costs of one counter. */
export interface Charge<Kind extends Counter = Counter> { readonly counter: Kind, readonly cost: number }

/** How a counter stands after it was asked. */
export interface Standing<Kind extends Counter = Counter> {
  readonly counter: Kind
  /** What the window still admits. */
  readonly remaining: number
  /** Milliseconds until it admits more; the whole window where nothing is in it. */
  readonly resetMs: number
  /** Milliseconds until it admits what was asked for: 0 where it does, Infinity where it never will. */
  readonly waitMs: number
}

/** What a store says to several charges. They are taken all or not at all. */
export interface Verdict<Kind extends Counter = Counter> {
  readonly admitted: boolean
  /** One for each charge, in their order. */
  readonly standings: readonly Standing<Kind>[]
}

export interface CounterStore {
  /**
   * Takes all charges if every counter admits its own, and none otherwise: in one step, so that nothing falls between. No two charges are of
   * one counter. Rejects with StateUnavailableError when there is no telling.
   */
  take<Kind extends Counter>(charges: readonly Charge<Kind>[]): Verdict<Kind> | Promise<Verdict<Kind>>
}

/** How many requests were decided without the store, because it did not answer: by what their counters are then. */
export type CounterFailures = Readonly<Record<FailureMode, number>>

/**
 * A window is kept in this many steps at most: admissions within one step are one group, which leaves the window a whole window after its
 * last member. So nothing leaves early, and nothing later than by one step; what came at one moment leaves on time.
 */
const stepsOfWindow = 60

/** Milliseconds of one step of a window. */
export function stepOf (windowMs: number): number {
  return Math.ceil(windowMs / stepsOfWindow)
}
