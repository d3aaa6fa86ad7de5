import { decodeHeaderValue } from './classify.ts'
import { HeaderMismatchError } from './errors.ts'
import { isObject } from './json-rpc.ts'
import type { JsonObject } from './ports.ts'

/**
 * Arguments that clients of the 2026 era repeat in headers, so that intermediaries can route by them: `x-mcp-header` in an input schema.
 * MCP 2026-07-28 server/tools, x-mcp-header; basic/transports/streamable-http, Custom Headers.
 */
export interface HeaderParam {
  /** Lower-case, as Node gives header names. */
  readonly header: string
  readonly path: readonly string[]
  readonly type: 'integer' | 'string' | 'boolean'
}

/** A declaration that clients would drop the tool for. */
export class HeaderParamFaultError extends Error {
  readonly path: readonly (string | number)[]
  constructor (path: readonly (string | number)[], message: string) {
    super(message)
    this.path = path
  }

  override get name (): string { return 'HeaderParamFaultError' }
}

const keyword = 'x-mcp-header'
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Finds the declarations of an input schema. Throws HeaderParamFaultError for one that breaks a rule. Undefined when there are none. */
export function readHeaderParams (inputSchema: JsonObject): readonly HeaderParam[] | undefined {
  const params: HeaderParam[] = []
  collect(inputSchema, [], [], params)
  return params.length === 0 ? undefined : params
}

/** Follows `properties` only: what stands anywhere else cannot be found by a client. */
function collect (schema: JsonObject, place: readonly (string | number)[], path: readonly string[], params: HeaderParam[]): void {
  for (const [key, value] of Object.entries(schema)) {
    if (key === keyword) {
      params.push(readParam(value, schema, place, path, params))
    } else if (key === 'properties' && isObject(value)) {
      for (const [name, property] of Object.entries(value)) if (isObject(property)) collect(property, [...place, key, name], [...path, name], params)
    } else if (!annotations.has(key)) {
      refuseBelow(value, [...place, key])
    }
  }
}

/** Keywords whose values are data, not schemas. */
const annotations: ReadonlySet<string> = new Set(['default', 'examples', 'enum', 'const', 'title', 'description', '$comment'])

function refuseBelow (value: unknown, place: readonly (string | number)[]): void {
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) refuseBelow(element, [...place, index])
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key === keyword) throw new HeaderParamFaultError([...place, key], `${keyword} works on properties of objects only, not below ${JSON.stringify(String(place.at(-1)))}: clients would not offer the tool.`)
      if (!annotations.has(key)) refuseBelow(member, [...place, key])
    }
  }
}

function readParam (name: unknown, { type }: JsonObject, place: readonly (string | number)[], path: readonly string[], others: readonly HeaderParam[]): HeaderParam {
  const fault = (message: string): HeaderParamFaultError => new HeaderParamFaultError([...place, keyword], message)
  if (path.length === 0) throw fault(`${keyword} belongs to a property, not to the whole schema.`)
  if (typeof name !== 'string' || !token.test(name)) throw fault(`${keyword} must be a header name: letters, digits and "-".`)
  if (type !== 'integer' && type !== 'string' && type !== 'boolean') throw fault(`${keyword} needs a property of type integer, string or boolean.`)
  const header = `mcp-param-${name.toLowerCase()}`
  if (others.some((other) => other.header === header)) throw fault(`${keyword} ${JSON.stringify(name)} stands here twice (letter case does not count).`)
  return { header, path, type }
}

/** Holds the headers of a call against its arguments. Throws HeaderMismatchError. */
export function checkHeaderParams (params: readonly HeaderParam[], args: JsonObject, headerOf: (name: string) => string | undefined): void {
  for (const { header, path, type } of params) {
    const value = valueAt(args, path)
    const sent = headerOf(header)
    const shown = path.join('.')
    if (value === undefined || value === null) {
      // What stands in front would go by a value that the call does not have.
      if (sent !== undefined) throw new HeaderMismatchError(`The header ${header} is there; the argument ${shown} is not.`)
      continue
    }
    if (sent === undefined) throw new HeaderMismatchError(`The header ${header} is missing; the argument ${shown} is there.`)
    const decoded = /^[\t\x20-\x7e]*$/.test(sent) ? decodeHeaderValue(sent) : undefined
    if (decoded === undefined) throw new HeaderMismatchError(`The header ${header} holds characters that are not allowed, or broken base64.`)
    if (!isSame(decoded, value, type)) throw new HeaderMismatchError(`The header ${header} and the argument ${shown} differ.`)
  }
}

function isSame (sent: string, value: unknown, type: HeaderParam['type']): boolean {
  // 42 and 42.0 are one integer.
  if (type === 'integer' && typeof value === 'number') return /^-?\d+(?:\.0+)?$/.test(sent) && Number(sent) === value
  return sent === String(value)
}

function valueAt (args: JsonObject, path: readonly string[]): unknown {
  let value: unknown = args
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  return value
}
