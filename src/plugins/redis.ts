import fp from 'fastify-plugin'
import type { Clock, Logger } from '../core/ports.ts'
import { openRedis, type RedisConnections } from '../stores/redis-client.ts'
import { redisSettings } from '../stores/redis-settings.ts'
import type { RedisSection } from '../../schemas/config/storage.ts'

export interface RedisOptions {
  /** Undefined when no Redis is configured: then its client library is not even loaded. */
  section: RedisSection | undefined
  /** What its files are relative to. */
  baseDir: string
  logger: Logger
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The Redis that instances share; undefined when none is configured. It may be away at any time. */
    redis: RedisConnections | undefined
  }
}

/** Opens the connection to Redis and closes it, with all others that were opened from it, with the app. That Redis is away fails nothing here. Rejects with ReferencedFileError. */
export default fp<RedisOptions>(async function redis (app, { section, baseDir, logger, clock }) {
  const connections = section === undefined ? undefined : await openRedis({ settings: redisSettings(section, baseDir), logger, clock })
  app.decorate('redis', connections)
  app.addHook('onClose', async function closeRedis () { await connections?.close() })
}, { name: 'redis', fastify: '5.x' })
