import type { RedisSection } from '../../schemas/config/storage.ts'
import { readRedisUrl, redisUrlForm } from '../core/redis-address.ts'

/** The `redis` section, read: one place for each fact. */
export interface RedisSettings {
  host: string
  port: number
  username: string | undefined
  password: string | undefined
  db: number
  tls: boolean
  commandTimeoutMs: number
  /** What every key begins with: the operator's prefix, and the version of what Gantry writes. */
  keyPrefix: string
  /** What every channel begins with. Channels do not belong to a database, so its number is in the name. */
  channelPrefix: string
}

/** Reads the section. What the URL says wins over the single keys. Throws when it is no Redis URL; the message does not hold it. */
export function redisSettings (section: RedisSection): RedisSettings {
  const address = section.url === undefined ? undefined : readRedisUrl(section.url)
  if (section.url !== undefined && address === undefined) throw new Error(`"redis.url" cannot be used: expected ${redisUrlForm}.`)
  const db = address?.db ?? section.db
  const keyPrefix = `${section.keyPrefix}gantry:1:`
  return {
    host: address?.host ?? section.host,
    port: address?.port ?? section.port,
    username: address?.username ?? section.username,
    password: address?.password ?? section.password,
    db,
    // A URL cannot turn off what the section asks for.
    tls: address?.tls === true || section.tls,
    commandTimeoutMs: section.commandTimeout,
    keyPrefix,
    channelPrefix: `${keyPrefix}${db}:`
  }
}

/** Names the server in the log: without credentials. */
export function addressText ({ host, port, db, tls }: RedisSettings): string {
  return `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}/${db}`
}
