import { Type, type Static } from '@sinclair/typebox'
import { CacheRule } from '../tool.ts'
import { closedObject, count, flag, milliseconds, oneOfWords, port, seconds, shortName, text } from '../primitives.ts'

/** What the server keeps, and where. */

export const CachingSection = closedObject({
  enabled: flag({ default: true, description: 'Whether results are kept.', reloadable: true }),
  ttl: seconds({ default: 300, description: 'How long a result is kept when its tool does not say.', reloadable: true }),
  maxSize: count({ default: 1000, description: 'How many results are kept.' }),
  store: Type.Optional(oneOfWords(['memory', 'redis'], { description: 'Where. Without it, Redis when `redis` is configured, else memory.' })),
  tools: Type.Optional(Type.Record(Type.String(), CacheRule, { description: 'Rules for single tools, by name.', reloadable: true }))
}, { description: 'Keeps results of tools.' })
export type CachingSection = Static<typeof CachingSection>

const address = { minLength: 1, pattern: '^[^\\s/]+$', expects: 'a host name or an address' }

export const RedisSection = closedObject({
  url: Type.Optional(text({ secret: true, description: 'All of it as a URL; wins over the single keys. `REDIS_URL` wins.' })),
  host: Type.String({ ...address, default: '127.0.0.1', description: 'The server. `REDIS_HOST` wins.' }),
  port: port({ default: 6379, minimum: 1, description: 'Its port.' }),
  password: Type.Optional(text({ secret: true, description: 'The password. `REDIS_PASSWORD` wins.' }))
}, { description: 'A Redis for sessions, limits and the cache of several instances.' })
export type RedisSection = Static<typeof RedisSection>

export const DatabaseSection = closedObject({
  url: Type.Optional(text({ secret: true, description: 'All of it as a URL; wins over the single keys. `DATABASE_URL` wins.' })),
  host: Type.String({ ...address, default: '127.0.0.1', description: 'The server. `DB_HOST` wins.' }),
  port: port({ default: 5432, minimum: 1, description: 'Its port.' }),
  database: Type.Optional(shortName({ description: 'The database. `DB_NAME` wins.' })),
  user: Type.Optional(shortName({ description: 'The user. `DB_USER` wins.' })),
  password: Type.Optional(text({ secret: true, description: 'The password. `DB_PASSWORD` wins.' })),
  max: count({ default: 20, maximum: 10_000, description: 'How many connections the pool may open.' }),
  idleTimeoutMillis: milliseconds({ default: 30_000, minimum: 0, description: 'An idle connection closes after this. 0 keeps it.' }),
  connectionTimeoutMillis: milliseconds({ default: 2000, description: 'How long to wait for a connection.' })
}, { description: 'A PostgreSQL connection pool.' })
export type DatabaseSection = Static<typeof DatabaseSection>

export const DatabasesSection = Type.Record(Type.String(), DatabaseSection, {
  propertyNames: { pattern: '^[A-Za-z0-9_.-]{1,64}$', expects: '1 to 64 letters, digits, "_", "." or "-"' },
  description: 'Databases by name, for `sql` handlers and `context.db(name)`.'
})
export type DatabasesSection = Static<typeof DatabasesSection>
