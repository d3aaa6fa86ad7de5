import fp from 'fastify-plugin'
import { ResultCache } from '../core/cache/result-cache.ts'
import type { Clock } from '../core/ports.ts'
import { createCacheMemory } from '../stores/cache-memory.ts'
import { createCacheRedis } from '../stores/cache-redis.ts'
import type { RedisConnections } from '../stores/redis-client.ts'
import { CachingSection } from '../../schemas/config/storage.ts'
import type { CacheRule } from '../../schemas/tool.ts'

export interface CacheOptions {
  section: CachingSection | undefined
  /** They may have rules of their own. */
  tools: readonly { readonly cache?: CacheRule | undefined }[]
  server: { name: string, version: string }
  /** What instances share; undefined where this process is by itself. */
  redis: RedisConnections | undefined
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The results of tools that are kept; undefined where none are. */
    cache: ResultCache | undefined
  }
}

/** Opens the store of what is kept and closes it with the app; work that nobody waits for ends when the app begins to close. */
export default fp<CacheOptions>(async function cache (app, { section, tools, server, redis, clock }) {
  const kept = isWanted(section, tools) ? createCache() : undefined
  app.decorate('cache', kept)
  app.addHook('preClose', async function endRefreshes () { kept?.close() })

  function createCache (): ResultCache {
    const complete = section ?? defaults
    const { maxSize: maxEntries, maxBytes, store } = complete
    return new ResultCache({
      section: complete,
      isDeclared: section !== undefined,
      server,
      store: redis === undefined || store === 'memory'
        ? createCacheMemory({ maxEntries, maxBytes, clock })
        : createCacheRedis({ redis })
    })
  }
}, { name: 'cache', fastify: '5.x' })

/** Of a configuration in which only tools say that their results are kept. */
const defaults = Object.fromEntries(Object.entries(CachingSection.properties).flatMap(([key, schema]) => 'default' in schema ? [[key, schema.default]] : [])) as CachingSection

function isWanted (section: CachingSection | undefined, tools: CacheOptions['tools']): boolean {
  return section === undefined ? tools.some(({ cache }) => cache?.enabled === true) : section.enabled
}
