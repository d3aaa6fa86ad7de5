import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RedisSection, RedisTls } from '../../schemas/config/storage.ts'
import { ReferencedFileError } from '../core/errors.ts'
import { readRedisUrl, redisUrlForm } from '../core/redis-address.ts'

export interface RedisNode { readonly host: string, readonly port: number }

/** Who tells where the primary is. */
export interface RedisSentinels {
  readonly nodes: readonly RedisNode[]
  /** What they call it. */
  readonly name: string
  readonly username: string | undefined
  readonly password: string | undefined
}

/** What TLS is spoken with; texts in PEM. */
export interface RedisTlsSettings {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
}

/** The `redis` section, read: one place for each fact. */
export interface RedisSettings {
  /** Not asked where there are sentinels or a cluster. */
  node: RedisNode
  sentinels: RedisSentinels | undefined
  /** Nodes that tell of all others. */
  cluster: readonly [RedisNode, ...RedisNode[]] | undefined
  username: string | undefined
  password: string | undefined
  db: number
  /** Undefined: in the clear. */
  tls: RedisTlsSettings | undefined
  commandTimeoutMs: number
  /** What every key begins with: the operator's prefix, and the version of what Gantry writes. */
  keyPrefix: string
  /** What every channel begins with. Channels do not belong to a database, so its number is in the name. */
  channelPrefix: string
}

/**
 * Reads the section; its files are relative to `baseDir`. What the URL says wins over the single keys. Throws when it is no Redis URL; the
 * message does not hold it. Throws ReferencedFileError.
 */
export function redisSettings (section: RedisSection, baseDir: string): RedisSettings {
  const address = section.url === undefined ? undefined : readRedisUrl(section.url)
  if (section.url !== undefined && address === undefined) throw new Error(`"redis.url" cannot be used: expected ${redisUrlForm}.`)
  const db = address?.db ?? section.db
  const keyPrefix = `${section.keyPrefix}gantry:1:`
  // A URL cannot turn off what the section asks for.
  const isEncrypted = address?.tls === true || section.tls
  return {
    node: { host: address?.host ?? section.host, port: address?.port ?? section.port },
    sentinels: sentinelsOf(section),
    cluster: clusterOf(section),
    username: address?.username ?? section.username,
    password: address?.password ?? section.password,
    db,
    tls: isEncrypted ? readTls(section.tlsOptions ?? {}, baseDir) : undefined,
    commandTimeoutMs: section.commandTimeout,
    keyPrefix,
    channelPrefix: `${keyPrefix}${db}:`
  }
}

function sentinelsOf ({ sentinels: nodes, name, sentinelUsername: username, sentinelPassword: password }: RedisSection): RedisSentinels | undefined {
  return nodes === undefined || name === undefined ? undefined : { nodes, name, username, password }
}

function clusterOf ({ cluster: [first, ...others] = [] }: RedisSection): RedisSettings['cluster'] {
  return first === undefined ? undefined : [first, ...others]
}

function readTls ({ servername, ...files }: RedisTls, baseDir: string): RedisTlsSettings {
  const texts = Object.entries(files).map(([key, file]) => [key, readPem(resolve(baseDir, file), `redis.tlsOptions.${key}`)])
  return { ...Object.fromEntries(texts) as RedisTlsSettings, ...(servername !== undefined && { servername }) }
}

function readPem (file: string, key: string): string {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ReferencedFileError(`The file ${JSON.stringify(file)} of "${key}" cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (!text.includes('-----BEGIN ')) throw new ReferencedFileError(`The file ${JSON.stringify(file)} of "${key}" is not in PEM: it has no line that begins with "-----BEGIN".`)
  return text
}

/** Names the server in the log: without credentials. */
export function addressText ({ node, sentinels, cluster, db, tls }: RedisSettings): string {
  const scheme = `redis${tls === undefined ? '' : 's'}`
  if (cluster !== undefined) return `${scheme}-cluster://${cluster.map(nodeText).join(',')}`
  if (sentinels === undefined) return `${scheme}://${nodeText(node)}/${db}`
  return `${scheme}-sentinel://${sentinels.nodes.map(nodeText).join(',')}/${db}#${sentinels.name}`
}

function nodeText ({ host, port }: RedisNode): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
