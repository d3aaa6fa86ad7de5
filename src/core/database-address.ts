/** How a connection is protected, from the least to the most. */
export const sslModes = ['disable', 'no-verify', 'verify-full'] as const
export type SslMode = typeof sslModes[number]

/** Where a PostgreSQL is and how to enter, as a URL says it. Undefined where it does not say. */
export interface DatabaseAddress {
  host: string
  port: number | undefined
  database: string | undefined
  user: string | undefined
  password: string | undefined
  ssl: SslMode | undefined
}

/** What a database URL looks like, for messages. */
export const databaseUrlForm = 'postgres://[user[:password]@]host[:port]/database[?sslmode=disable|require|verify-full|no-verify]'

/**
 * Where libpq would speak TLS without looking whose certificate it is (`require`, `verify-ca`), it is looked at. `allow` and `prefer` are
 * not here: whoever stands in between would decide that there is no TLS.
 */
const modesOfUrl: ReadonlyMap<string, SslMode> = new Map<string, SslMode>([
  ['disable', 'disable'], ['no-verify', 'no-verify'], ['require', 'verify-full'], ['verify-ca', 'verify-full'], ['verify-full', 'verify-full']
])

/** Reads a `postgres:` or `postgresql:` URL. Undefined when it is none, or says something that would be ignored. */
export function readDatabaseUrl (text: string): DatabaseAddress | undefined {
  if (!/^postgres(?:ql)?:\/\//i.test(text)) return undefined
  try {
    const { hostname, port, username, password, pathname, searchParams, hash } = new URL(text)
    const database = decodeURIComponent(pathname.slice(1))
    if (hostname === '' || hash !== '' || database.includes('/')) return undefined
    const mode = searchParams.get('sslmode')
    const ssl = mode === null ? undefined : modesOfUrl.get(mode)
    if ((mode !== null && ssl === undefined) || [...searchParams.keys()].some((key) => key !== 'sslmode') || searchParams.size > 1) return undefined
    return {
      // An IPv6 address stands in brackets in a URL only.
      host: decodeURIComponent(hostname).replace(/^\[(.+)\]$/, '$1'),
      port: port === '' ? undefined : Number(port),
      database: present(database),
      user: present(decodeURIComponent(username)),
      password: present(decodeURIComponent(password)),
      ssl
    }
  } catch {
    return undefined // Not a URL, or a percent sign that begins no character.
  }
}

/** The mode that protects more. */
export function strongerSsl (one: SslMode, other: SslMode = 'disable'): SslMode {
  return sslModes.indexOf(one) >= sslModes.indexOf(other) ? one : other
}

function present (text: string): string | undefined {
  return text === '' ? undefined : text
}
