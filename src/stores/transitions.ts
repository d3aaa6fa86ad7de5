import type { Clock, Logger } from '../core/ports.ts'

/** Whether a service that the server needs is there, told once at each change. */
export interface Transitions {
  readonly state: 'new' | 'up' | 'never' | 'lost'
  arrived (): void
  /** It was lost, or an attempt to reach it failed. Most of these are no news. */
  departed (reason: string): void
}

export interface TransitionsOptions {
  /** How sentences name it. */
  subject: string
  /** What identifies it in the log. */
  facts: object
  logger: Logger
  clock: Clock
}

export function createTransitions ({ subject, facts, logger, clock }: TransitionsOptions): Transitions {
  let state: Transitions['state'] = 'new'
  let since = clock.now()
  return {
    get state () { return state },
    arrived () {
      if (state === 'up') return
      if (state === 'lost') logger.info({ ...facts, awayMs: clock.now() - since }, `${subject} is back.`)
      else logger.info(facts, `${subject} is connected.`)
      state = 'up'
    },
    departed (reason) {
      if (state === 'lost' || state === 'never') return
      if (state === 'up') logger.warn({ ...facts, reason }, `${subject} is lost: what needs it fails until it is back.`)
      else logger.warn({ ...facts, reason }, `${subject} cannot be reached: what needs it fails until it is there.`)
      state = state === 'up' ? 'lost' : 'never'
      since = clock.now()
    }
  }
}
