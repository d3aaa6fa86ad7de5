import { readRedisUrl, redisUrlForm } from '../core/redis-address.ts'
import { quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'

/** Faults of where the Redis is: there is one way to say it. */

type VariableOf = (path: Path) => string | undefined

const at = (key: string): Path => ['redis', key]
const defaultHost = '127.0.0.1'
const defaultPort = 6379

export function redisFaults (config: unknown, variableOf: VariableOf): Fault[] {
  return [...unreadableUrl(config), ...severalWays(config, variableOf), ...clusterFaults(config), ...halves(config), ...uselessTls(config)]
}

export function redisNotices (config: unknown, variableOf: VariableOf): Notice[] {
  const variable = variableOf(at('host'))
  if (variable === undefined || valueAt(config, at('url')) === undefined) return []
  return [{ message: `${variable} is set, but the URL of the Redis (${variableOf(at('url')) ?? '"redis.url"'}) wins; it has no effect.` }]
}

/** What is no redis: URL at all is a fault of the schema already. The value is a secret. */
function unreadableUrl (config: unknown): Fault[] {
  const url = valueAt(config, at('url'))
  if (typeof url !== 'string' || !/^rediss?:\/\//i.test(url) || readRedisUrl(url) !== undefined) return []
  return [{ path: at('url'), message: `This Redis URL cannot be used: expected ${redisUrlForm}, with special characters percent-encoded and no query.`, expected: redisUrlForm }]
}

/** Sentinels, or nodes of a cluster, say where Redis is: an address beside them would be one that nobody asks. */
function severalWays (config: unknown, variableOf: VariableOf): Fault[] {
  const way = ['cluster', 'sentinels'].find((key) => valueAt(config, at(key)) !== undefined)
  if (way === undefined) return []
  const { url, host = defaultHost, port = defaultPort, sentinels } = (valueAt(config, ['redis']) ?? {}) as Record<string, unknown>
  return [['url', url !== undefined], ['host', host !== defaultHost], ['port', port !== defaultPort], ['sentinels', way === 'cluster' && sentinels !== undefined]].flatMap(([key, isSet]) => {
    if (isSet !== true) return []
    const path = at(String(key))
    return [{ path, message: `${variableOf(path) ?? quote(`redis.${key}`)} says where the Redis is, and so do ${quote(`redis.${way}`)}.`, suggestion: 'Keep one of the two.', atKey: true }]
  })
}

/** A cluster has one database, and takes what stands in braces for what keys are together by. */
function clusterFaults (config: unknown): Fault[] {
  if (valueAt(config, at('cluster')) === undefined) return []
  const { db = 0, keyPrefix } = (valueAt(config, ['redis']) ?? {}) as Record<string, unknown>
  const faults: Fault[] = []
  if (db !== 0) faults.push({ path: at('db'), message: 'A Redis Cluster has the database 0 and no other.', suggestion: 'Remove "db"; "keyPrefix" keeps servers apart.', atKey: true })
  if (typeof keyPrefix === 'string' && /[{}]/.test(keyPrefix)) faults.push({ path: at('keyPrefix'), message: 'With "redis.cluster", the prefix has no braces: Gantry sets them itself, so that what belongs together is on one node.', suggestion: 'Remove the braces.' })
  return faults
}

function halves (config: unknown): Fault[] {
  const has = (...path: string[]): boolean => valueAt(config, ['redis', ...path]) !== undefined
  const pairs: readonly (readonly [path: readonly string[], needs: readonly string[], reason: string])[] = [
    [['sentinels'], ['name'], 'Sentinels know primaries by name'],
    [['name'], ['sentinels'], 'The name of a primary is one that sentinels know'],
    [['sentinelUsername'], ['sentinels'], 'This is for sentinels'],
    [['sentinelPassword'], ['sentinels'], 'This is for sentinels'],
    [['tlsOptions', 'cert'], ['tlsOptions', 'key'], 'A certificate is shown with its private key'],
    [['tlsOptions', 'key'], ['tlsOptions', 'cert'], 'A private key goes with its certificate']
  ]
  return pairs.filter(([path, needs]) => has(...path) && !has(...needs)).map(([path, needs, reason]) => ({
    path: ['redis', ...path], message: `${reason}: "redis.${needs.join('.')}" is missing.`, suggestion: `Add "${needs.at(-1)}", or remove "${path.at(-1)}".`, atKey: true
  }))
}

function uselessTls (config: unknown): Fault[] {
  const url = valueAt(config, at('url'))
  const isEncrypted = valueAt(config, at('tls')) === true || (typeof url === 'string' && /^rediss:/i.test(url))
  if (valueAt(config, at('tlsOptions')) === undefined || isEncrypted) return []
  return [{ path: at('tlsOptions'), message: '"redis.tlsOptions" says how TLS is spoken, and none is.', suggestion: 'Add "tls": true, or use a rediss: URL.', atKey: true }]
}
