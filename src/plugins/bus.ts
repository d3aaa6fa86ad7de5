import fp from 'fastify-plugin'
import type { EventBus } from '../core/bus.ts'
import type { Logger } from '../core/ports.ts'
import { createBusMemory } from '../stores/bus-memory.ts'
import { createBusRedis } from '../stores/bus-redis.ts'
import type { RedisConnections } from '../stores/redis-client.ts'

export interface BusOptions {
  /** Undefined where this process is by itself. */
  redis: RedisConnections | undefined
  logger: Logger
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Events between all instances of this server. */
    bus: EventBus
  }
}

/** Opens the event bus and closes it with the app. */
export default fp<BusOptions>(async function bus (app, { redis, logger }) {
  const events = redis === undefined ? createBusMemory({ logger }) : createBusRedis({ redis, logger })
  app.decorate('bus', events)
  app.addHook('onClose', async function closeBus () { await events.close() })
}, { name: 'bus', fastify: '5.x' })
