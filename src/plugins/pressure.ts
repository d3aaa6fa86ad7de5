import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { OverloadedError } from '../core/errors.ts'

export interface PressureOptions {
  enabled: boolean
  /** Milliseconds; 0 is no limit. */
  maxEventLoopDelay: number
  maxHeapUsedBytes: number
  maxRssBytes: number
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether work is refused now. */
    isOverloaded: () => boolean
  }
}

/** Refuses work with 503 and Retry-After while the process is overloaded. */
export default fp<PressureOptions>(async function pressure (app, { enabled, ...limits }) {
  if (enabled) await app.register(underPressure, { ...limits, retryAfter: 10, customError: OverloadedError })
  app.decorate('isOverloaded', enabled ? () => app.isUnderPressure() : () => false)
}, { name: 'pressure', fastify: '5.x' })
