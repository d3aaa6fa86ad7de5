import { readAddress } from './addresses.ts'

/** Which Host and Origin headers are served: the guard against pages of other sites and DNS rebinding. */

export interface OriginRules {
  /** Whether only this machine's own names are served unless the lists say otherwise. */
  loopback: boolean
  /** Host names or `name:port`; undefined means the default of the bind. */
  allowedHosts: readonly string[] | undefined
  /** Origins such as `https://app.example.com`; undefined means the default of the bind. */
  allowedOrigins: readonly string[] | undefined
}

export type OriginVerdict = 'allowed' | 'host-refused' | 'origin-refused'

/** Whether pages of any origin may call. */
export function allowsPages ({ loopback, allowedOrigins }: OriginRules): boolean {
  return allowedOrigins === undefined ? loopback : allowedOrigins.length > 0
}

const maxRemembered = 1_000

/**
 * Compiles the rules. Verdicts are remembered by header pair, since clients repeat themselves. A missing Origin passes: only browsers
 * send one, and they always do across sites. 2026-07-28 basic/transports/streamable-http, Security & Endpoint.
 */
export function compileOriginRules (rules: OriginRules): (host: string | undefined, origin: string | undefined) => OriginVerdict {
  const hosts = rules.allowedHosts === undefined ? undefined : new Set(rules.allowedHosts.map((host) => host.toLowerCase()))
  const origins = rules.allowedOrigins === undefined ? undefined : new Set(rules.allowedOrigins.map(normalOrigin))
  const remembered = new Map<string, OriginVerdict>()

  function judge (host: string | undefined, origin: string | undefined): OriginVerdict {
    const parts = host === undefined ? undefined : splitHost(host)
    if (parts === undefined) return 'host-refused'
    if (hosts !== undefined ? !hosts.has(parts.name) && !hosts.has(parts.whole) : rules.loopback && !isLoopback(parts.name)) return 'host-refused'
    if (origin === undefined) return 'allowed'
    const normal = normalOrigin(origin)
    if (origins !== undefined) return origins.has(normal) ? 'allowed' : 'origin-refused'
    return rules.loopback && isLoopback(hostOf(normal)) ? 'allowed' : 'origin-refused'
  }

  return function verdict (host, origin) {
    // No header value holds a line break, so that no host alone looks like a pair.
    const key = origin === undefined ? host ?? '' : `${host ?? ''}\n${origin}`
    let known = remembered.get(key)
    if (known === undefined) {
      known = judge(host, origin)
      if (remembered.size < maxRemembered && key.length <= 512) remembered.set(key, known)
    }
    return known
  }
}

/** RFC 9110 section 7.2: a host and an optional port, nothing more. */
const hostForm = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/

function splitHost (host: string): { name: string, whole: string } | undefined {
  const whole = host.toLowerCase()
  const match = hostForm.exec(whole)
  return match === null ? undefined : { name: match[1] ?? '', whole }
}

function normalOrigin (origin: string): string {
  return origin.trim().toLowerCase().replace(/\/$/, '')
}

/** The host of an origin, or the empty string when it is none (`null`, a path, an exotic scheme). */
function hostOf (origin: string): string {
  const match = /^https?:\/\/([^/?#@]+)$/.exec(origin)
  return match === null ? '' : splitHost(match[1] ?? '')?.name ?? ''
}

/** True for `localhost` and the addresses that only this machine reaches, in every form they can be written in. */
export function isLoopback (host: string): boolean {
  if (host === 'localhost') return true
  const address = readAddress(/^\[(.+)\]$/.exec(host)?.[1] ?? host)
  return address !== undefined && (address.family === 4 ? address.bits >> 24n === 127n : address.bits === 1n)
}
