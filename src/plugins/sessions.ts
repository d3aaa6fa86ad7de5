import fp from 'fastify-plugin'
import type { Clock } from '../core/ports.ts'
import type { SessionStore } from '../core/session.ts'
import { createSessionMemory } from '../stores/session-memory.ts'

export interface SessionsOptions {
  mode: 'stateful' | 'stateless'
  idleTimeoutMs: number
  maxSessions: number
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Where sessions of the 2025 era live; undefined when the server keeps none. */
    sessions: SessionStore | undefined
  }
}

/** Opens the session store and closes it with the app. */
export default fp<SessionsOptions>(async function sessions (app, { mode, ...options }) {
  const store = mode === 'stateful' ? createSessionMemory(options) : undefined
  app.decorate('sessions', store)
  app.addHook('onClose', async function closeSessions () { await store?.close() })
}, { name: 'sessions', fastify: '5.x' })
