import { Type, type Static } from '@sinclair/typebox'
import { CacheRule } from '../tool.ts'
import { byteSize, closedObject, count, flag, kib, mib, milliseconds, oneOfWords, port, seconds, shortName, text } from '../primitives.ts'

/** What the server keeps, and where. */

export const CachingSection = closedObject({
  enabled: flag({ default: true, description: 'Whether results are kept.', reloadable: true }),
  ttl: seconds({ default: 300, description: 'How long a result is kept when its tool does not say.', reloadable: true }),
  maxSize: count({ default: 1000, maximum: 1_000_000, description: 'How many results are kept in memory; those that were not used for longest make room.' }),
  maxBytes: byteSize({ minimum: 64 * kib, description: 'How large all that is kept in memory may be, as JSON with its keys. In Redis, its own `maxmemory` is the bound.', default: 64 * mib }),
  maxValueBytes: byteSize({ minimum: kib, maximum: 64 * mib, description: 'How large the JSON of one result may be; what is larger is not kept.', default: mib }),
  store: Type.Optional(oneOfWords(['memory', 'redis'], { description: 'Where. Without it, Redis when `redis` is configured, else memory. Over stdio it is always memory.' })),
  tools: Type.Optional(Type.Record(Type.String(), CacheRule, { description: 'Rules for single tools, by name.', reloadable: true }))
}, { description: 'Keeps results of tools: of those that have a rule, here or in `cache` of the tool, and of those whose annotations say `"readOnlyHint": true`.' })
export type CachingSection = Static<typeof CachingSection>

const address = { minLength: 1, pattern: '^[^\\s/]+$', expects: 'a host name or an address' }

const RedisNode = (preset: number) => closedObject({
  host: Type.String({ ...address, description: 'A host name or an address.' }),
  port: port({ default: preset, minimum: 1, description: 'Its port.' })
})

const RedisTls = closedObject({
  ca: Type.Optional(text({ description: 'A file with the authorities to trust (PEM), in the place of those that Node trusts. Relative to the configuration file.' })),
  cert: Type.Optional(text({ description: 'A file with a certificate of this server (PEM), where Redis asks for one.' })),
  key: Type.Optional(text({ description: 'The file with its private key (PEM).' })),
  servername: Type.Optional(Type.String({ ...address, description: 'The name that the certificates of Redis have to be for. Without it, the host that is connected to.' }))
}, { description: 'How TLS is spoken.' })
export type RedisTls = Static<typeof RedisTls>

export const RedisSection = closedObject({
  url: Type.Optional(text({
    secret: true, pattern: '^[Rr][Ee][Dd][Ii][Ss][Ss]?://', expects: 'a redis: or rediss: URL', description: 'All of it as a URL: `redis://user:password@host:6379/0`, with `rediss:` for TLS. What it says wins over the single keys. `REDIS_URL` wins.'
  })),
  host: Type.String({ ...address, default: '127.0.0.1', description: 'The server. `REDIS_HOST` wins.' }),
  port: port({ default: 6379, minimum: 1, description: 'Its port.' }),
  username: Type.Optional(shortName({ description: 'The user, where Redis has more than the default one.' })),
  password: Type.Optional(text({ secret: true, description: 'The password. `REDIS_PASSWORD` wins, where a Redis is configured.' })),
  db: Type.Integer({ default: 0, minimum: 0, maximum: 999_999, description: 'The number of the database.' }),
  sentinels: Type.Optional(Type.Array(RedisNode(26_379), { minItems: 1, maxItems: 100, description: 'Sentinels, in the place of `host` and `port`: they are asked, one after the other, where the primary called `name` is.' })),
  name: Type.Optional(shortName({ description: 'What the sentinels call the primary.' })),
  sentinelUsername: Type.Optional(shortName({ description: 'The user for the sentinels, where they have more than the default one.' })),
  sentinelPassword: Type.Optional(text({ secret: true, description: 'The password for the sentinels; `password` is for the Redis that they lead to.' })),
  cluster: Type.Optional(Type.Array(RedisNode(6379), { minItems: 1, maxItems: 1000, description: 'Some nodes of a Redis Cluster, in the place of `host` and `port`: they tell of all others. What is written for one purpose (sessions, streams, tasks, limits, cache) is on one node.' })),
  tls: flag({ default: false, description: 'Whether to speak TLS, with sentinels and all nodes of a cluster too. Certificates are always checked.' }),
  tlsOptions: Type.Optional(RedisTls),
  keyPrefix: Type.String({ default: '', maxLength: 64, pattern: '^[!-~]*$', expects: 'visible ASCII characters', description: 'What every key and channel begins with; without braces in a cluster. Instances of one server have the same, different servers on one Redis different ones.' }),
  commandTimeout: milliseconds({ default: 1000, minimum: 10, maximum: 60_000, description: 'How long Redis may take for a command.' })
}, {
  description: 'A Redis (6 or later; by itself, behind Sentinel, or a Redis Cluster) in which instances share sessions, streams, events and the counters of rate limits. Without it, each instance keeps its own in memory. While it cannot be reached the server starts and runs: requests in 2025-era sessions get 503 with `Retry-After`, as do those that a rate limit counts which is `closed` then; everything else is served. It is found again by itself.'
})
export type RedisSection = Static<typeof RedisSection>

export const DatabaseSection = closedObject({
  url: Type.Optional(text({
    secret: true, pattern: '^[Pp][Oo][Ss][Tt][Gg][Rr][Ee][Ss]([Qq][Ll])?://', expects: 'a postgres: or postgresql: URL', description: 'All of it as a URL: `postgres://user:password@host:5432/database?sslmode=require`. What it says wins over the single keys. `DATABASE_URL` wins.'
  })),
  host: Type.String({ ...address, default: '127.0.0.1', description: 'The server. `DB_HOST` wins.' }),
  port: port({ default: 5432, minimum: 1, description: 'Its port.' }),
  database: Type.Optional(shortName({ description: 'The database. `DB_NAME` wins.' })),
  user: Type.Optional(shortName({ description: 'The user; without one, that of the process. `DB_USER` wins.' })),
  password: Type.Optional(text({ secret: true, description: 'The password. `DB_PASSWORD` wins.' })),
  ssl: oneOfWords(['disable', 'no-verify', 'verify-full'], { default: 'disable', description: 'Whether to speak TLS. `verify-full` checks the certificate and whose it is; `NODE_EXTRA_CA_CERTS` names further authorities. `no-verify` takes any: whoever stands in between reads along. The `sslmode` of a URL can ask for more, never for less.' }),
  max: count({ default: 20, maximum: 10_000, description: 'How many connections the pool may open.' }),
  maxQueue: count({ default: 200, minimum: 0, maximum: 100_000, description: 'How many statements may wait for a connection; one more is refused at once.' }),
  idleTimeoutMillis: milliseconds({ default: 30_000, minimum: 0, description: 'An idle connection closes after this. 0 keeps it.' }),
  connectionTimeoutMillis: milliseconds({ default: 2000, description: 'How long to wait for a free connection, and for a new one to be made.' }),
  statementTimeout: milliseconds({ default: 10_000, minimum: 0, description: 'How long the database may take for a statement. Then the statement is cancelled there. 0 leaves it to the timeout of the call.' })
}, { description: 'A PostgreSQL database (13 or later) and the pool of connections to it. Connections are made when they are needed; while the database is away the server starts and runs, and only what needs it fails. It is found again by itself.' })
export type DatabaseSection = Static<typeof DatabaseSection>

export const DatabasesSection = Type.Record(Type.String(), DatabaseSection, {
  propertyNames: { pattern: '^[A-Za-z0-9_.-]{1,64}$', expects: '1 to 64 letters, digits, "_", "." or "-"' },
  description: 'Databases by name, for `sql` handlers and `context.db(name)`. The variables `DATABASE_URL` and `DB_…` mean the only one, or the one called `default`; where there is none, they make it.'
})
export type DatabasesSection = Static<typeof DatabasesSection>
