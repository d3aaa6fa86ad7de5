import type { Clock, Logger } from '../core/ports.ts'
import { createTransitions } from './transitions.ts'

/** Whether all connections to Redis are there, told once at each change. */
export interface RedisTransitions {
  readonly available: boolean
  /** A connection, or what is reached over one, is ready. */
  arrived (connection: object): void
  /** A connection was lost, or an attempt at one failed. Most of these are no news. */
  departed (connection: object, reason: string): void
  /** Tells nothing any more: what is lost now is closed. */
  end (): void
}

export function createRedisTransitions (logger: Logger, address: string, clock: Clock): RedisTransitions {
  const away = new Set<object>()
  let hasEnded = false
  const transitions = createTransitions({ subject: 'Redis', facts: { redis: address }, logger, clock })
  return {
    get available () { return transitions.state === 'up' },
    arrived (connection) {
      if (hasEnded) return
      away.delete(connection)
      if (away.size === 0) transitions.arrived()
    },
    departed (connection, reason) {
      if (hasEnded) return
      away.add(connection)
      transitions.departed(reason)
    },
    end () { hasEnded = true }
  }
}
