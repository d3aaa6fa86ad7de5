import { databaseUrlForm, readDatabaseUrl, strongerSsl, type SslMode } from '../core/database-address.ts'
import { isObject } from '../core/json-rpc.ts'
import { isLoopback } from '../core/origin.ts'
import { elements, member, quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import { didYouMean } from './suggestion.ts'
import type { Mask } from './validate.ts'

/** Faults of the `databases` section, and of what names it. */

interface DatabaseContext {
  mask: Mask
  /** The environment variable that decided a place, if one did. */
  variableOf (path: Path): string | undefined
}

export function databaseFaults (config: unknown, mask: Mask): Fault[] {
  return [...databasesOf(config).flatMap(([name, section]) => [...unreadableUrl(name, section), ...nameless(name, section)]), ...unknownDatabases(config, mask)]
}

export function databaseNotices (config: unknown, context: DatabaseContext): Notice[] {
  return databasesOf(config).flatMap(([name, section]) => [...overruledHost(name, section, context), ...unprotected(name, section)])
}

function databasesOf (config: unknown): [name: string, section: unknown][] {
  const databases = member(config, 'databases')
  return isObject(databases) ? Object.entries(databases) : []
}

function urlOf (section: unknown): string | undefined {
  const url = member(section, 'url')
  return typeof url === 'string' ? url : undefined
}

/** What is no postgres: URL at all is a fault of the schema already. The value is a secret. */
function unreadableUrl (name: string, section: unknown): Fault[] {
  const url = urlOf(section)
  if (url === undefined || !/^postgres(?:ql)?:\/\//i.test(url) || readDatabaseUrl(url) !== undefined) return []
  return [{ path: ['databases', name, 'url'], message: `This database URL cannot be used: expected ${databaseUrlForm}, with special characters percent-encoded and no other parameter.`, expected: databaseUrlForm }]
}

/** PostgreSQL would take the user's name, which is seldom meant. */
function nameless (name: string, section: unknown): Fault[] {
  const url = urlOf(section)
  const address = url === undefined ? undefined : readDatabaseUrl(url)
  if (!isObject(section) || member(section, 'database') !== undefined || (url !== undefined && (address === undefined || address.database !== undefined))) return []
  return [{ path: ['databases', name], message: `Nothing says which database ${quote(name)} is.`, expected: '"url" or "database"', suggestion: 'Name it in "database", or set DB_NAME.', atKey: true }]
}

function unknownDatabases (config: unknown, mask: Mask): Fault[] {
  const databases = databasesOf(config).map(([name]) => name)
  return ['tools', 'prompts', 'resources'].flatMap((section) => elements(member(config, section)).flatMap((entry, index) => {
    const handler = member(entry, 'handler')
    const database = member(handler, 'database')
    if (member(handler, 'type') !== 'sql' || typeof database !== 'string' || databases.includes(database)) return []
    const path: Path = [section, index, 'handler', 'database']
    const found = mask(path) ?? quote(database)
    return [{ path, message: `There is no database ${found} under "databases".`, found, expected: 'the name of a database of this file', ...(mask(path) === undefined ? didYouMean(database, databases) : {}) }]
  }))
}

function overruledHost (name: string, section: unknown, { variableOf }: DatabaseContext): Notice[] {
  const variable = variableOf(['databases', name, 'host'])
  if (variable === undefined || urlOf(section) === undefined) return []
  return [{ message: `${variable} is set, but the URL of the database ${quote(name)} (${variableOf(['databases', name, 'url']) ?? `"databases.${name}.url"`}) wins; it has no effect.` }]
}

/** A database that is elsewhere, and what goes there is not protected. */
function unprotected (name: string, section: unknown): Notice[] {
  const url = urlOf(section)
  const address = url === undefined ? undefined : readDatabaseUrl(url)
  const host = address?.host ?? valueAt(section, ['host']) ?? '127.0.0.1'
  if (typeof host !== 'string' || isLoopback(host)) return []
  const declared = member(section, 'ssl')
  switch (strongerSsl((declared ?? 'disable') as SslMode, address?.ssl)) {
    case 'disable': return [{ message: `The database ${quote(name)} is on another machine and is spoken to without TLS: whoever stands in between reads along. Set "databases.${name}.ssl" to "verify-full".` }]
    case 'no-verify': return [{ message: `The certificate of the database ${quote(name)} is not verified: whoever stands in between can read along. Set "databases.${name}.ssl" to "verify-full".` }]
    default: return []
  }
}
