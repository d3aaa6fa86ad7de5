import { isIP } from 'node:net'
import { ToolFailedError } from '../../core/call-errors.ts'
import { HandlerLoadError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/ports.ts'
import type { Reach } from './egress.ts'
import type { HostMatch, HostRule } from './hosts.ts'
import { encodeArgument, isStatic, lookup, parseTemplate, refuseArgument, renderText, scalarText, splitTemplate, type Placeholder, type Template } from './placeholders.ts'
import { compileQueryText, type Query } from './query.ts'

/** Where a request goes: scheme, host and port, and how far it may go to get there. */
export interface Target { readonly origin: string, readonly reach: Reach }

/** The compiled URL of a handler. */
export interface UrlTemplate {
  /** Where the request goes with these arguments, checked against the allowed hosts. */
  target (args: JsonObject): Target
  /** The path for these arguments, each value inside its segment. */
  path (args: JsonObject): string
  readonly query: Query
  /** Names of the arguments (not of what is inside them) that the URL uses. */
  readonly used: ReadonlySet<string>
}

const urlPath = ['url']
// A whole path segment that a server (or a proxy on the way) reads as "here" or "one up": RFC 3986 section 3.3.
const dotSegment = /^(?:\.|%2e){1,2}$/i

/** Compiles a URL with placeholders; throws HandlerLoadError when it, or a host it can lead to, is not allowed. */
export function compileUrl (url: string, owner: string, allowed: HostRule | undefined): UrlTemplate {
  // The URL parser drops line breaks and tabs without a word.
  if (/\p{Cc}/u.test(url)) throw new HandlerLoadError(urlPath, 'The URL holds a line break or another control character.')
  const template = parseTemplate(url, { owner, path: urlPath })
  const mask = createMask(template)
  const [, scheme, authority, rest] = /^([^/?#]*?):\/\/([^/?#\\]*)(.*)$/.exec(mask.text) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined || authority === '') {
    throw new HandlerLoadError(urlPath, 'The URL must be absolute and begin with http:// or https://.')
  }
  if (isStatic(mask.restore(scheme)) && !/^https?$/i.test(scheme)) {
    throw new HandlerLoadError(urlPath, `The URL begins with ${JSON.stringify(`${scheme}://`)}: only http:// and https:// are called.`)
  }
  if (authority.includes('@')) {
    throw new HandlerLoadError(urlPath, 'The URL holds credentials before "@": send them in `headers` (authorization) instead.')
  }
  if (rest.includes('#')) throw new HandlerLoadError(urlPath, 'The URL holds a fragment ("#…"), which is never sent: remove it, or write "%23".')

  // The parser resolves "." and ".." in the literal text and percent-encodes what needs it; masks pass unchanged.
  const { pathname, search } = new URL(`http://host${rest}`)
  const path = mask.restore(pathname)
  const query = mask.restore(search.slice(1))
  const origin = mask.restore(`${scheme}://${authority}`)
  if (count(path) + count(query) + count(origin) !== count(template)) {
    throw new HandlerLoadError(urlPath, 'A ".." in the URL removes a placeholder from its path.')
  }
  return {
    target: compileTarget(origin, allowed),
    path: compilePath(path),
    query: compileQueryText(query),
    used: new Set(template.flatMap((part) => typeof part === 'object' ? part.keys.slice(0, 1) : []))
  }
}

/** Parses a URL that code made and checks what compileUrl checks at load; throws the error that `fail` makes. */
export function checkUrl (text: string, allowed: HostRule | undefined, fail: (reason: string) => Error): URL {
  if (!URL.canParse(text)) throw fail('is not a valid URL')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw fail('does not begin with http:// or https://')
  if (url.username !== '' || url.password !== '') throw fail('holds credentials, which belong in headers')
  if (allowed !== undefined && allowed(url) === undefined) throw fail(`leads to ${url.host}, which is not in allowedHosts`)
  return url
}

function compileTarget (template: Template, allowed: HostRule | undefined): UrlTemplate['target'] {
  if (isStatic(template)) {
    const url = checkUrl(template.join(''), allowed, (reason) => new HandlerLoadError(urlPath, `The URL ${reason}.`))
    const target = { origin: url.origin, reach: reachWritten(url, allowed?.(url)) }
    return () => target
  }
  if (allowed === undefined) {
    throw new HandlerLoadError(urlPath, 'A placeholder in the scheme, host or port of the URL lets a caller choose the server: list the servers that are meant in `allowedHosts`.')
  }
  return (args) => {
    const text = renderText(template, args, 'a host', (value, placeholder) => {
      // Letters, digits, dots and hyphens cannot leave a scheme, a host or a port.
      if (!/^[a-z0-9.-]+$/i.test(value)) refuseArgument(placeholder, 'cannot be part of a host: only letters, digits, "." and "-" can')
      return value
    })
    const url = checkUrl(text, allowed, (reason) => new ToolFailedError(`The URL made from the arguments ${reason}.`))
    return { origin: url.origin, reach: reachAllowed(url, allowed(url)) }
  }
}

/** How far a URL leads that was made of arguments or by code: as far as `allowedHosts` names its host. */
export function reachAllowed ({ hostname }: URL, match: HostMatch): Reach {
  if (match !== 'exact') return 'public'
  return isAddress(hostname) ? 'exact' : 'named'
}

/** How far a URL leads that stands in the file: who writes an address means it. */
function reachWritten (url: URL, match: HostMatch): Reach {
  if (isAddress(url.hostname)) return 'exact'
  const reach = reachAllowed(url, match)
  return reach === 'public' && url.hostname === 'localhost' ? 'loopback' : reach
}

function isAddress (hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
}

function compilePath (template: Template): UrlTemplate['path'] {
  const segments = splitTemplate(template, '/').map((segment) => isStatic(segment) ? segment.join('') : segment)
  if (segments.every((segment) => typeof segment === 'string')) {
    const path = segments.join('/')
    return () => path
  }
  return (args) => segments.map((segment) => typeof segment === 'string' ? segment : renderSegment(segment, args)).join('/')
}

function renderSegment (segment: Template, args: JsonObject): string {
  let text = ''
  let last: Placeholder | undefined
  for (const part of segment) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    last = part
    const value = scalarText(lookup(part, args), part, 'a URL path')
    // Servers that decode %2F before they route would climb: refused in every mix of slashes.
    if (value.split(/[/\\]/).some((piece) => piece === '.' || piece === '..')) refuseArgument(part, 'cannot hold "." or ".." as a step of a path')
    text += encodeArgument(value, part)
  }
  if (last !== undefined && text === '') refuseArgument(last, 'cannot be empty in a URL path')
  if (last !== undefined && dotSegment.test(text)) refuseArgument(last, 'makes "." or ".." of a step of the URL path')
  return text
}

/** Lets the URL parser read a URL with placeholders: each becomes a word that is a legal part of every URL component but a port. */
function createMask (template: Template): { text: string, restore (masked: string): Template } {
  const placeholders = template.filter((part) => typeof part === 'object')
  const literals = template.map((part) => typeof part === 'string' ? part.toLowerCase() : ' ').join('')
  let word = 'gantry'
  while (literals.includes(word)) word += 'x'
  const pattern = new RegExp(`(${word}[0-9]+e)`)
  let next = 0
  return {
    text: template.map((part) => typeof part === 'string' ? part : `${word}${next++}e`).join(''),
    restore: (masked) => masked.split(pattern).flatMap<string | Placeholder>((piece, index) => {
      if (index % 2 === 0) return piece === '' ? [] : [piece]
      return placeholders[Number(piece.slice(word.length, -1))] ?? []
    })
  }
}

function count (template: Template): number {
  return template.filter((part) => typeof part === 'object').length
}
