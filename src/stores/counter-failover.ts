import type { CounterFailures, CounterStore } from '../core/counters.ts'
import { StateUnavailableError } from '../core/errors.ts'
import type { Clock, Logger } from '../core/ports.ts'

export interface CounterFailoverOptions {
  /** What all instances share. */
  shared: CounterStore
  /** What counts in its place what may be counted by each instance for itself. */
  own: CounterStore
  logger: Logger
  clock: Clock
}

export interface CounterFailover extends CounterStore {
  /** Since the start, as it is now. */
  readonly failures: CounterFailures
}

/** An answer that comes sooner after a failure is no end of the outage: a Redis that is merely slow would be told of with every request. */
const settleMs = 1_000

/** Counters that go on while the shared ones cannot be reached: those that are open in this process, those that are closed not at all. */
export function createCounterFailover ({ shared, own, logger, clock }: CounterFailoverOptions): CounterFailover {
  const failures = { open: 0, closed: 0 }
  let awaySince: number | undefined
  let failedAt = 0

  function noteAway ({ cause }: StateUnavailableError): void {
    failedAt = clock.now()
    if (awaySince !== undefined) return
    awaySince = failedAt
    logger.warn({ err: cause }, 'Rate limits cannot be counted in Redis. Until they can, this instance counts those that are "open" for itself, and refuses what those that are "closed" count.')
  }

  function noteBack (): void {
    if (awaySince === undefined || clock.now() - failedAt < settleMs) return
    logger.info({ awayMs: clock.now() - awaySince, ...failures }, 'Rate limits are counted in Redis again.')
    awaySince = undefined
  }

  return {
    failures,
    async take (charges) {
      try {
        const verdict = await shared.take(charges)
        noteBack()
        return verdict
      } catch (error) {
        if (!(error instanceof StateUnavailableError)) throw error
        noteAway(error)
        if (charges.some(({ counter }) => counter.onStoreFailure === 'closed')) {
          failures.closed++
          throw new StateUnavailableError({ cause: error.cause }, 'the counters of its rate limits')
        }
        failures.open++
        return await own.take(charges)
      }
    }
  }
}
