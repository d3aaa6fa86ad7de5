import fp from 'fastify-plugin'
import type { Clock } from '../core/ports.ts'
import type { StreamLog } from '../core/stream-log.ts'
import type { RedisConnections } from '../stores/redis-client.ts'
import { createStreamLogMemory } from '../stores/stream-log-memory.ts'
import { createStreamLogRedis } from '../stores/stream-log-redis.ts'

export interface StreamLogOptions {
  /** Undefined where this process is by itself. */
  redis: RedisConnections | undefined
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What streams of the 2025 era have sent, for clients that come back for it. */
    streamLog: StreamLog
  }
}

/** Opens the log of streams and closes it with the app. */
export default fp<StreamLogOptions>(async function streamLog (app, { redis, clock }) {
  const log = redis === undefined ? createStreamLogMemory({ clock }) : createStreamLogRedis({ redis })
  app.decorate('streamLog', log)
  app.addHook('onClose', async function closeStreamLog () { await log.close() })
}, { name: 'stream-log', fastify: '5.x' })
