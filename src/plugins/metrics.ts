import fp from 'fastify-plugin'
import { createExposition, type Exposition } from '../metrics/exposition.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What is told of this server when it is scraped. Only where metrics are on. */
    metrics: Exposition
  }
}

/** Makes metrics of what the others know. They are asked when the server is scraped, and never wait for a peer. */
export default fp(async function metrics (app) {
  const { meter, core, rateLimits, sessions, sseSessions, tasks, cache, databases, redis, auditMissing, upstreams, threads, isOverloaded } = app
  if (meter === undefined) throw new Error('Metrics are of what a meter counts, and there is none.')
  app.decorate('metrics', createExposition({ meter, core, rateLimits, sessions, sseSessions, tasks, cache, databases, redis, auditMissing, upstreams, threads, isOverloaded }))
}, { name: 'metrics', fastify: '5.x', dependencies: ['meter', 'core', 'entries', 'pressure'] })
