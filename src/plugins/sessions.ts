import fp from 'fastify-plugin'
import type { Clock } from '../core/ports.ts'
import type { SessionStore } from '../core/session.ts'
import type { RedisConnections } from '../stores/redis-client.ts'
import { createSessionMemory } from '../stores/session-memory.ts'
import type { SessionLimits } from '../stores/session-record.ts'
import { createSessionRedis } from '../stores/session-redis.ts'

export interface SessionsOptions extends SessionLimits {
  mode: 'stateful' | 'stateless'
  /** Whether streams of the HTTP+SSE transport are kept, whatever the mode. */
  httpSse: boolean
  /** Where all instances keep them; undefined where this process is by itself. */
  redis: RedisConnections | undefined
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Where sessions of the 2025 era live; undefined when the server keeps none. */
    sessions: SessionStore | undefined
    /** Where streams of the HTTP+SSE transport are known; undefined where there are none. They count among the sessions. */
    sseSessions: SessionStore | undefined
  }
}

/** Opens the session store and closes it with the app. */
export default fp<SessionsOptions>(async function sessions (app, { mode, httpSse, redis, clock, ...limits }) {
  const store = mode === 'stateless' && !httpSse ? undefined : redis === undefined ? createSessionMemory({ ...limits, clock }) : createSessionRedis({ ...limits, redis })
  app.decorate('sessions', mode === 'stateless' ? undefined : store)
  app.decorate('sseSessions', httpSse ? store : undefined)
  app.addHook('onClose', async function closeSessions () { await store?.close() })
}, { name: 'sessions', fastify: '5.x' })
