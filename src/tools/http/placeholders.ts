import { ArgumentsInvalidError } from '../../core/call-errors.ts'
import { HandlerLoadError } from '../../core/errors.ts'
import { segmentsOf } from '../../core/placeholder-text.ts'
import type { JsonObject } from '../../core/ports.ts'

/** Where a value stands in an argument: `${args.user.id}` is ['user', 'id']. `owner` names the tool in messages. */
export interface Placeholder { readonly owner: string, readonly keys: readonly string[] }
/** Text with placeholders, cut once at load. Two texts never stand side by side. */
export type Template = readonly (string | Placeholder)[]
/** What is being compiled: for messages. */
export interface Scope { readonly owner: string, readonly path: readonly (string | number)[] }

/** Cuts a text into literals and argument placeholders; throws HandlerLoadError for a placeholder that is none. */
export function parseTemplate (text: string, scope: Scope): Template {
  return segmentsOf(text).map((segment): string | Placeholder => {
    switch (segment.kind) {
      case 'literal': return segment.text
      case 'placeholder': return { owner: scope.owner, keys: keysOf(segment.inner, scope) }
      default: throw new HandlerLoadError(scope.path, `${JSON.stringify(text.slice(0, 60))} is not a placeholder: its "}" is missing. Write $\${ for a "\${" that is meant as text.`)
    }
  })
}

/** Environment placeholders were resolved when the file was loaded: what is left names an argument. */
function keysOf (inner: string, scope: Scope): string[] {
  const [area, ...keys] = inner.split('.')
  if (area !== 'args' || keys.length === 0 || keys.some((key) => key === '' || /[\s${]/.test(key))) {
    throw new HandlerLoadError(scope.path, `"\${${inner}}" is not a placeholder: write \${args.name}, or \${args.name.inner} for a value inside an object.`)
  }
  return keys
}

/** A text where the contract knows no placeholders (names of keys and headers). */
export function refusePlaceholders (text: string, what: string, scope: Scope): void {
  if (segmentsOf(text).some(({ kind }) => kind !== 'literal')) {
    throw new HandlerLoadError(scope.path, `${what} ${JSON.stringify(text)} holds a placeholder: placeholders work in values only.`)
  }
}

export function isStatic (template: Template): boolean {
  return template.every((part) => typeof part === 'string')
}

/** The one placeholder that is the whole text, if it is. */
export function wholePlaceholder (template: Template): Placeholder | undefined {
  const [first] = template
  return template.length === 1 && typeof first === 'object' ? first : undefined
}

/** Cuts a template at a separator that stands in its own text; what placeholders bring is never looked at. */
export function splitTemplate (template: Template, separator: string, limit = Infinity): Template[] {
  let current: (string | Placeholder)[] = []
  const pieces: Template[] = [current]
  for (const part of template) {
    if (typeof part === 'object') {
      current.push(part)
      continue
    }
    let rest = part
    for (let at = rest.indexOf(separator); at !== -1 && pieces.length < limit; at = rest.indexOf(separator)) {
      if (at > 0) current.push(rest.slice(0, at))
      rest = rest.slice(at + separator.length)
      current = []
      pieces.push(current)
    }
    if (rest !== '') current.push(rest)
  }
  return pieces
}

/** The value an argument path leads to, by own properties only; undefined when there is none. */
export function lookup ({ keys }: Placeholder, args: JsonObject): unknown {
  let value: unknown = args
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as JsonObject)[key]
  }
  return value
}

/** The text of one scalar argument; throws ArgumentsInvalidError that names the argument for everything else. */
export function scalarText (value: unknown, placeholder: Placeholder, place: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === undefined) return refuseArgument(placeholder, `is needed for ${place} and is missing`)
  if (value === null) return refuseArgument(placeholder, `is null, but ${place} needs a string, a number or a boolean`)
  return refuseArgument(placeholder, `is ${Array.isArray(value) ? 'an array' : 'an object'}, but ${place} needs a string, a number or a boolean`)
}

/** Percent-encodes one value so that it cannot end its place in a URL (RFC 3986 section 2.2). */
export function encodeArgument (text: string, placeholder: Placeholder): string {
  try {
    return encodeURIComponent(text)
  } catch {
    // encodeURIComponent throws only for half of a surrogate pair, which has no UTF-8 form.
    return refuseArgument(placeholder, 'holds half of a surrogate pair, which cannot be sent in a URL')
  }
}

/** Fills a template with plain text; each value is passed through `encode`. */
export function renderText (template: Template, args: JsonObject, place: string, encode?: (text: string, placeholder: Placeholder) => string): string {
  let text = ''
  for (const part of template) {
    if (typeof part === 'string') {
      text += part
    } else {
      const value = scalarText(lookup(part, args), part, place)
      text += encode === undefined ? value : encode(value, part)
    }
  }
  return text
}

/** Ends the call with an error that tells a model which argument to mend. */
export function refuseArgument ({ owner, keys }: Placeholder, reason: string): never {
  const path = keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  throw new ArgumentsInvalidError(owner, [{ path, message: reason }])
}
