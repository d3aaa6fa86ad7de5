import type { ClientConfig, PoolConfig } from 'pg'
import { databaseUrlForm, readDatabaseUrl, strongerSsl, type SslMode } from '../core/database-address.ts'
import type { DatabaseSection } from '../../schemas/config/storage.ts'

/** One section below `databases`, read: one place for each fact. */
export interface PostgresSettings {
  host: string
  port: number
  database: string | undefined
  user: string | undefined
  password: string | undefined
  ssl: SslMode
  max: number
  maxQueue: number
  idleTimeoutMs: number
  connectTimeoutMs: number
  /** 0 for no limit. */
  statementTimeoutMs: number
}

/** Reads the section. What the URL says wins over the single keys. Throws when it is no database URL; the message does not hold it. */
export function postgresSettings (name: string, section: DatabaseSection): PostgresSettings {
  const address = section.url === undefined ? undefined : readDatabaseUrl(section.url)
  if (section.url !== undefined && address === undefined) throw new Error(`"databases.${name}.url" cannot be used: expected ${databaseUrlForm}.`)
  return {
    host: address?.host ?? section.host,
    port: address?.port ?? section.port,
    database: address?.database ?? section.database,
    user: address?.user ?? section.user,
    password: address?.password ?? section.password,
    // A URL cannot turn off what the section asks for.
    ssl: strongerSsl(section.ssl, address?.ssl),
    max: section.max,
    maxQueue: section.maxQueue,
    idleTimeoutMs: section.idleTimeoutMillis,
    connectTimeoutMs: section.connectionTimeoutMillis,
    statementTimeoutMs: section.statementTimeout
  }
}

/** Names the server in the log: without credentials. */
export function addressText ({ host, port, database = '' }: PostgresSettings): string {
  return `postgres://${host.includes(':') ? `[${host}]` : host}:${port}/${database}`
}

/** PostgreSQL cuts longer names. */
const maxNameLength = 63

/** The options of the client library. */
export function poolConfig (settings: PostgresSettings, serverName: string): PoolConfig {
  const { password } = settings
  return {
    ...connectionConfig(settings),
    database: settings.database,
    user: settings.user,
    // As a function even where there is none, or the library would look for one in the environment and in files.
    password: () => password ?? '',
    application_name: `gantry:${serverName}`.slice(0, maxNameLength),
    max: settings.max,
    idleTimeoutMillis: settings.idleTimeoutMs,
    connectionTimeoutMillis: settings.connectTimeoutMs
  }
}

/** What concerns the way to the server only. */
export function connectionConfig ({ host, port, ssl }: PostgresSettings): ClientConfig {
  return { host, port, ssl: ssl === 'disable' ? false : { rejectUnauthorized: ssl === 'verify-full' }, keepAlive: true, keepAliveInitialDelayMillis: 30_000 }
}
