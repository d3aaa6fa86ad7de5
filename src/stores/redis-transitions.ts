import type { Clock, Logger } from '../core/ports.ts'
import { createTransitions } from './transitions.ts'

/** Whether all connections to Redis are there, told once at each change. */
export interface RedisTransitions {
  readonly available: boolean
  /** A connection is ready. */
  arrived (connection: object): void
  /** A connection was lost, or an attempt at one failed. Most of these are no news. */
  departed (connection: object, reason: string): void
}

export function createRedisTransitions (logger: Logger, address: string, clock: Clock): RedisTransitions {
  const away = new Set<object>()
  const transitions = createTransitions({ subject: 'Redis', facts: { redis: address }, logger, clock })
  return {
    get available () { return transitions.state === 'up' },
    arrived (connection) {
      away.delete(connection)
      if (away.size === 0) transitions.arrived()
    },
    departed (connection, reason) {
      away.add(connection)
      transitions.departed(reason)
    }
  }
}
