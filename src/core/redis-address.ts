/** Where a Redis is and how to enter, as a URL says it. */
export interface RedisAddress {
  host: string
  /** Undefined where the URL does not say. */
  port: number | undefined
  username: string | undefined
  password: string | undefined
  db: number | undefined
  tls: boolean
}

/** What a Redis URL looks like, for messages. */
export const redisUrlForm = 'redis://[[user]:password@]host[:port][/database], or rediss:// for TLS'

/** Reads a `redis:` or `rediss:` URL. Undefined when it is none, or says something that would be ignored. */
export function readRedisUrl (text: string): RedisAddress | undefined {
  if (!/^rediss?:\/\//i.test(text)) return undefined
  try {
    const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text)
    if (hostname === '' || search !== '' || hash !== '' || !/^(?:\/\d{0,6})?$/.test(pathname)) return undefined
    return {
      // An IPv6 address stands in brackets in a URL only.
      host: decodeURIComponent(hostname).replace(/^\[(.+)\]$/, '$1'),
      port: port === '' ? undefined : Number(port),
      username: username === '' ? undefined : decodeURIComponent(username),
      password: password === '' ? undefined : decodeURIComponent(password),
      db: pathname.length < 2 ? undefined : Number(pathname.slice(1)),
      tls: protocol === 'rediss:'
    }
  } catch {
    return undefined // Not a URL, or a percent sign that begins no character.
  }
}
