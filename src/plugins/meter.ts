import fp from 'fastify-plugin'
import { Meter } from '../core/meter.ts'

export interface MeterOptions { enabled: boolean }

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts requests and calls; undefined where nothing is counted. */
    meter: Meter | undefined
  }
  interface FastifyContextConfig {
    /** What the route is called in metrics, where several are one. */
    pattern?: string
  }
}

/** For addresses that no route has. */
const unknownRoute = '(unknown)'

/** Counts requests. Comes before all that it counts: who is refused by the first guard counts, too. */
export default fp<MeterOptions>(async function meter (app, { enabled }) {
  const meter = enabled ? new Meter() : undefined
  app.decorate('meter', meter)
  if (meter === undefined) return
  app.addHook('onResponse', function observeRequest (request, reply, done) {
    const { config, url } = request.routeOptions
    meter.request(request.method, config.pattern ?? url ?? unknownRoute, reply.statusCode, reply.elapsedTime / 1_000)
    done()
  })
}, { name: 'meter', fastify: '5.x' })
