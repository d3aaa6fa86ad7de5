import fp from 'fastify-plugin'
import type { RateLimitSection } from '../../schemas/config/limits.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import type { ToolConfig } from '../../schemas/tool.ts'
import { readLimits } from '../core/limit-rules.ts'
import type { Clock, Logger } from '../core/ports.ts'
import { RateLimits } from '../core/rate-limits.ts'
import { createCounterFailover } from '../stores/counter-failover.ts'
import { createCounterMemory } from '../stores/counter-memory.ts'
import { createCounterRedis } from '../stores/counter-redis.ts'
import type { RedisConnections } from '../stores/redis-client.ts'

export interface RateLimitOptions {
  section: RateLimitSection | undefined
  /** They may have limits of their own; so may keys. */
  tools: readonly ToolConfig[]
  apiKeys: readonly ApiKey[]
  /** Where all instances count; undefined where this process is by itself. */
  redis: RedisConnections | undefined
  logger: Logger
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** How often callers may call; undefined where nothing says so. */
    rateLimits: RateLimits | undefined
  }
}

/** Opens the counters of the limits that the configuration has. */
export default fp<RateLimitOptions>(async function rateLimit (app, { redis, logger, clock, ...sources }) {
  const rules = readLimits(sources)
  const own = createCounterMemory({ clock })
  const store = redis === undefined ? undefined : createCounterFailover({ shared: createCounterRedis({ redis }), own, logger, clock })
  app.decorate('rateLimits', rules === undefined ? undefined : new RateLimits({ rules, store: store ?? own, failures: store?.failures ?? { open: 0, closed: 0 }, clock }))
}, { name: 'rate-limit', fastify: '5.x' })
