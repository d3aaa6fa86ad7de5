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
  url: Type.Optional(text({
    secret: true, pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?://', expects: 'a redis: or rediss: URL', description: 'All of it as a URL: `redis://user:password@host:6379/0`, with `rediss:` for TLS. What it says wins over the single keys. `REDIS_URL` wins.'
  })),
  host: Type.String({ ...address, default: '127.0.0.1', description: 'The server. `REDIS_HOST` wins.' }),
  port: port({ default: 6379, minimum: 1, description: 'Its port.' }),
  username: Type.Optional(shortName({ description: 'The user, where Redis has more than the default one.' })),
  password: Type.Optional(text({ secret: true, description: 'The password. `REDIS_PASSWORD` wins, where a Redis is configured.' })),
  db: Type.Integer({ default: 0, minimum: 0, maximum: 999_999, description: 'The number of the database.' }),
  tls: flag({ default: false, description: 'Whether to speak TLS. The certificate is checked; `NODE_EXTRA_CA_CERTS` names further authorities.' }),
  keyPrefix: Type.String({ default: '', maxLength: 64, pattern: '^[!-~]*$', expects: 'visible ASCII characters', description: 'What every key and channel begins with. Instances of one server have the same, different servers on one Redis different ones.' }),
  commandTimeout: milliseconds({ default: 1000, minimum: 10, maximum: 60_000, description: 'How long Redis may take for a command.' })
}, {
  description: 'A Redis (6 or later; no Sentinel, no Cluster) in which instances share sessions, streams, events and the counters of rate limits. Without it, each instance keeps its own in memory. While it cannot be reached the server starts and runs: requests in 2025-era sessions get 503 with `Retry-After`, as do those that a rate limit counts which is `closed` then; everything else is served. It is found again by itself.'
})
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
