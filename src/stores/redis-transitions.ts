import type { Clock, Logger } from '../core/ports.ts'

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
  let state: 'new' | 'up' | 'never' | 'lost' = 'new'
  let since = clock.now()

  return {
    get available () { return state === 'up' },
    arrived (connection) {
      away.delete(connection)
      if (away.size > 0 || state === 'up') return
      if (state === 'lost') logger.info({ redis: address, awayMs: clock.now() - since }, 'Redis is back.')
      else logger.info({ redis: address }, 'Redis is connected.')
      state = 'up'
    },
    departed (connection, reason) {
      away.add(connection)
      if (state === 'lost' || state === 'never') return
      if (state === 'up') logger.warn({ redis: address, reason }, 'Redis is lost: what needs it fails until it is back.')
      else logger.warn({ redis: address, reason }, 'Redis cannot be reached: what needs it fails until it is there.')
      state = state === 'up' ? 'lost' : 'never'
      since = clock.now()
    }
  }
}
