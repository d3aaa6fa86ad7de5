import { HandlerLoadError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/ports.ts'
import { allOf } from '../together.ts'
import { isStatic, lookup, parseTemplate, refuseArgument, refusePlaceholders, renderText, wholePlaceholder, type Scope, type Template } from './placeholders.ts'

export interface HeaderTemplates {
  /** Headers that never change, names in lower case. */
  readonly fixed: Readonly<Record<string, string>>
  readonly filled: readonly { readonly name: string, readonly value: Template }[]
}

// RFC 9110 section 5.6.2 (token) and 5.5 (field values; a tab is allowed there, other controls are not).
const tokenPattern = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/
// They belong to the connection and to the length of the message: RFC 9110 section 7.6.1, RFC 9112 section 6.
const connectionHeaders = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
// What they hold decides where a request goes and how its body is read, so an argument cannot.
const decidingHeaders = new Set(['host', 'content-type', 'content-encoding', 'accept-encoding'])

/** Compiles the headers of a handler. For those that cannot be sent, throws as `allOf` does, without showing their values. */
export function compileHeaders (headers: Readonly<Record<string, string>>, owner: string): HeaderTemplates {
  const fixed: Record<string, string> = {}
  const filled: { name: string, value: Template }[] = []
  const seen = new Set<string>()
  allOf(...Object.entries(headers).map(([spelling, value]) => () => {
    const scope: Scope = { owner, path: ['headers', spelling] }
    const fail = (reason: string): Error => new HandlerLoadError(scope.path, `The header ${JSON.stringify(spelling)} ${reason}.`)
    refusePlaceholders(spelling, 'The header name', scope)
    const name = checkHeaderName(spelling, fail)
    if (seen.has(name)) throw fail('is there twice, in two spellings')
    seen.add(name)
    const template = parseTemplate(value, scope)
    for (const part of template) if (typeof part === 'string') checkHeaderValue(part, fail)
    if (isStatic(template)) {
      fixed[name] = value
    } else if (decidingHeaders.has(name)) {
      throw fail('cannot hold an argument: it decides where the request goes or how a body is read')
    } else {
      filled.push({ name, value: template })
    }
  }))
  return { fixed, filled }
}

/** Fills the headers in. A header whose whole value is an argument that is absent or null is left out. */
export function renderHeaders ({ fixed, filled }: HeaderTemplates, args: JsonObject): Record<string, string> {
  const headers = { ...fixed }
  for (const { name, value } of filled) {
    const placeholder = wholePlaceholder(value)
    if (placeholder !== undefined && (lookup(placeholder, args) ?? undefined) === undefined) continue
    headers[name] = renderText(value, args, 'a header', (text, part) => {
      checkHeaderValue(text, (reason) => refuseArgument(part, reason))
      // A lone tab is legal, but an argument has no reason to hold one.
      return text.includes('\t') ? refuseArgument(part, 'holds a tab, which a header cannot take from an argument') : text
    })
  }
  return headers
}

/** The name in lower case; throws the error that `fail` makes for a name that cannot be sent or is not the handler's to set. */
export function checkHeaderName (spelling: string, fail: (reason: string) => Error): string {
  const name = spelling.toLowerCase()
  if (!tokenPattern.test(name) || name === '__proto__') throw fail('is not a header name')
  if (connectionHeaders.has(name)) throw fail('belongs to the connection and is set by the client itself')
  return name
}

/** Throws the error that `fail` makes for a value that would end its header line or has no form in one. */
export function checkHeaderValue (value: string, fail: (reason: string) => Error): void {
  if (valuePattern.test(value)) return
  throw fail(/\p{Cc}/u.test(value)
    ? 'holds a line break or another control character, which a header cannot hold'
    : 'holds a character outside ISO 8859-1, which a header cannot hold')
}
