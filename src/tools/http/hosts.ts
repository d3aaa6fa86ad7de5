import { isIP } from 'node:net'
import { HandlerLoadError } from '../../core/errors.ts'

/** How the configuration allows a host: by its own name or address, or by a pattern. Undefined: it does not. */
export type HostMatch = 'exact' | 'pattern' | undefined
/** Says whether a URL leads to a host that the configuration allows. */
export type HostRule = (url: URL) => HostMatch

interface AllowedHost { name: string, subdomains: boolean, port: string | undefined }

// An optional wildcard label, a name or a bracketed IPv6 address, an optional port.
const entryPattern = /^(\*\.)?(\[[0-9a-f:.]+\]|[^\s:/?#@\\*%[\]]+)(?::(\d{1,5}))?$/i

/** Compiles `allowedHosts`; throws HandlerLoadError for an entry that names no host. */
export function compileHosts (entries: readonly string[]): HostRule {
  const allowed = entries.map(parseEntry)
  return (url) => {
    const port = effectivePort(url)
    const matches = allowed.filter((host) => (host.port === undefined || host.port === port) &&
      (host.subdomains ? url.hostname.endsWith(`.${host.name}`) : url.hostname === host.name))
    if (matches.length === 0) return undefined
    return matches.some(({ subdomains }) => !subdomains) ? 'exact' : 'pattern'
  }
}

function parseEntry (entry: string, index: number): AllowedHost {
  const [, wildcard, host, port] = entryPattern.exec(entry) ?? []
  // The URL parser gives the one spelling that hosts of URLs are compared in: lower case, punycode, dotted IPv4.
  const name = host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined
  if (name === undefined || Number(port ?? 1) > 65535 || Number(port ?? 1) === 0) {
    throw new HandlerLoadError(['allowedHosts', index], `${JSON.stringify(entry)} is not a host: write "api.example.com", "api.example.com:8443" or "*.example.com", without scheme and path.`)
  }
  if (wildcard !== undefined && isIP(name.replace(/^\[|\]$/g, '')) !== 0) {
    throw new HandlerLoadError(['allowedHosts', index], `${JSON.stringify(entry)} puts a wildcard before an address: list the addresses one by one.`)
  }
  return { name, subdomains: wildcard !== undefined, port: port === undefined ? undefined : String(Number(port)) }
}

function effectivePort (url: URL): string {
  if (url.port !== '') return url.port
  return url.protocol === 'https:' ? '443' : '80'
}
