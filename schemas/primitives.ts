import { Type, type NumberOptions, type ObjectOptions, type SchemaOptions, type StringOptions, type TInteger, type TObject, type TProperties, type TUnsafe } from '@sinclair/typebox'

/**
 * The small shapes that the configuration is made of. Beside JSON Schema a key may say: `unit`, `reloadable` (a reload applies it
 * without a restart), `secret` (never shown), `expects` (what fits, in words), `example`, `exactlyOne` (of these keys, one is given).
 */

/** The longest time a Node timer can count. */
export const maxTimerMs = 2_147_483_647
export const kib = 1024
export const mib = 1024 * kib

/** An object that knows all of its keys. */
export function closedObject<P extends TProperties> (properties: P, options: ObjectOptions = {}): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

/** One of a few words. */
export function oneOfWords<const Words extends readonly string[]> (words: Words, options: SchemaOptions = {}): TUnsafe<Words[number]> {
  return Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], ...options })
}

/** A shape that stands once in `$defs` of the published schema, however often it is used. */
export function definition<T extends SchemaOptions> (name: string, schema: T): T {
  return { ...schema, $id: name }
}

/** A shape with words of its own for the place where it stands. Keeps its type, which a spread would not. */
export function described<T extends SchemaOptions> (schema: T, facts: SchemaOptions): T {
  return { ...schema, ...facts }
}

export function milliseconds (options: NumberOptions = {}): TInteger {
  return Type.Integer({ minimum: 1, maximum: maxTimerMs, unit: 'ms', ...options })
}

export function seconds (options: NumberOptions = {}): TInteger {
  return Type.Integer({ minimum: 1, maximum: 31_536_000, unit: 's', ...options })
}

export function count (options: NumberOptions = {}): TInteger {
  return Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, ...options })
}

/** What a byte size looks like as text: a number and b, kb, mb or gb (powers of 1024). */
export const byteSizePattern = '^[0-9]+(\\.[0-9]+)? ?([bB]|[kK][bB]|[mM][bB]|[gG][bB])$'

export interface ByteSizeOptions extends SchemaOptions { minimum?: number, maximum?: number }

/** A number of bytes, or text such as "10mb". The loader turns text into the number. */
export function byteSize ({ minimum = 1, maximum = Number.MAX_SAFE_INTEGER, ...options }: ByteSizeOptions = {}): TUnsafe<number> {
  return Type.Unsafe<number>({ byteSize: { minimum, maximum }, unit: 'bytes', ...options })
}

/** Text that a person reads: never empty. */
export function text (options: StringOptions = {}) {
  return Type.String({ minLength: 1, ...options })
}

export function flag (options: SchemaOptions & { default: boolean }) {
  return Type.Boolean(options)
}

/** A name as `tools/call` and `/tools/<name>` use it. MCP 2026-07-28 server/tools, Tool Names, allows 128; clients in use stop at 64. */
export const toolNamePattern = '^[A-Za-z0-9_.-]{1,64}$'
export function toolName (options: StringOptions = {}) {
  return Type.String({ pattern: toolNamePattern, expects: '1 to 64 letters, digits, "_", "." or "-"', ...options })
}

/** The name of a prompt, a resource, an argument, a key: short, for people and machines. */
export function shortName (options: StringOptions = {}) {
  return Type.String({ minLength: 1, maxLength: 128, ...options })
}

export function port (options: NumberOptions = {}): TInteger {
  return Type.Integer({ minimum: 0, maximum: 65_535, ...options })
}

/** A path of a URL on this server. */
export function urlPath (options: StringOptions = {}) {
  return Type.String({ pattern: '^/[A-Za-z0-9._~/-]*$', expects: 'a path that starts with "/"', ...options })
}

/** An http or https URL. Placeholders are resolved before this is looked at, but for those of a call's arguments. */
export function httpUrl (options: StringOptions = {}) {
  return Type.String({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^\\s]+$', expects: 'an http: or https: URL', ...options })
}

/** RFC 9110 section 5.6.2: a header name is a token. */
export const headerNamePattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

/** A moment, RFC 3339. */
export function moment (options: StringOptions = {}) {
  return Type.String({
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$',
    expects: 'a date, or a date and time with its zone, such as "2026-01-31T12:00:00Z"',
    ...options
  })
}

/** A JSON Schema: open, because every dialect has its own keywords. */
export function jsonSchema (options: SchemaOptions = {}) {
  return Type.Unsafe<{ [key: string]: unknown }>({ type: 'object', ...options })
}

/** How often something may happen. */
export const RateWindow = definition('RateWindow', closedObject({
  window: milliseconds({ description: 'How long a window lasts.', reloadable: true }),
  maxRequests: count({ description: 'How many requests one window admits.', reloadable: true })
}))
