import { createRequire } from 'node:module'
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FormatsPlugin } from 'ajv-formats'
import { isObject } from './json-rpc.ts'
import { weigh, type SchemaPath } from './schema-bounds.ts'
import { countedKeyword, countRefs, maxEntries, startCounting, TooMuchWorkError } from './schema-work.ts'
import { uniqueItems } from './unique-items.ts'
import type { Mismatch } from './call-errors.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

/**
 * The one validator: Ajv for JSON Schema 2020-12, and draft-07 or 2019-09 where `$schema` says so (MCP 2026-07-28 basic/index,
 * JSON Schema Usage). No coercion; defaults are filled in; remote references are never fetched; unknown keywords are annotations.
 */

/** Reasons why a value does not fit, or undefined when it does. With defaults on, missing members are filled in place. */
export type Check = (value: unknown) => Mismatch[] | undefined

export interface CompileOptions {
  /** Fill in `default`s of absent members. */
  defaults: boolean
}

/** Thrown by compileCheck for a schema that is none, whose dialect is unknown, that refers to something outside of itself, or that could take too long. */
export class SchemaFaultError extends Error {
  /** Where in the schema, as far as that is known. */
  readonly path: SchemaPath
  constructor (message: string, { path = [], cause }: { path?: SchemaPath, cause?: unknown } = {}) {
    super(message, { cause })
    this.path = path
  }

  override get name (): string { return 'SchemaFaultError' }
}

const require = createRequire(import.meta.url)

type AjvClass = new (options: Options) => Ajv2020
const dialects: ReadonlyMap<string, () => AjvClass> = new Map<string, () => AjvClass>([
  ['https://json-schema.org/draft/2020-12/schema', () => Ajv2020],
  ['https://json-schema.org/draft/2019-09/schema', () => (require('ajv/dist/2019.js') as { Ajv2019: AjvClass }).Ajv2019],
  ['http://json-schema.org/draft-07/schema', () => (require('ajv') as { Ajv: AjvClass }).Ajv]
])
const defaultDialect = 'https://json-schema.org/draft/2020-12/schema'

const compilers = new Map<string, Ajv2020>()

/** Mismatches reported for one value at most: a caller mends a few at a time, and an answer has to stay small. */
const maxMismatches = 20
/** Values with more members than this are checked up to the first mismatch only: listing all of them could cost more than the call. */
const maxMembersForFullReport = 5_000

/** Compiles a schema once; the check it returns is for every call. Throws SchemaFaultError. */
export function compileCheck (given: JsonObject, options: CompileOptions): Check {
  const { excess, hasCostlyPattern } = weigh(given)
  if (excess !== undefined) throw new SchemaFaultError(excess.message, { path: excess.path })
  const schema = countRefs(given)
  const isCounted = schema !== given
  const validate = compile(schema, options, false)
  let validateAll: ValidateFunction | undefined
  function report (value: unknown): Mismatch[] {
    // The first mismatch may be the length of a text that a pattern must not be held against.
    if (hasCostlyPattern || memberCount(value, maxMembersForFullReport) >= maxMembersForFullReport) return mismatches(validate.errors, value)
    validateAll ??= compile(schema, options, true)
    validateAll.errors = null
    try {
      if (isCounted) startCounting(maxEntries.report)
      validateAll(value)
    } catch (error) {
      if (!(error instanceof TooMuchWorkError)) throw error
    }
    return mismatches(validateAll.errors ?? validate.errors, value)
  }
  return function check (value) {
    try {
      if (isCounted) startCounting(maxEntries.check)
      return validate(value) ? undefined : report(value)
    } catch (error) {
      // A schema that refers to itself goes as deep as the value does.
      if (error instanceof TooMuchWorkError) return [{ path: '', message: 'takes too long to be held against its schema' }]
      if (error instanceof RangeError) return [{ path: '', message: 'is nested too deeply' }]
      throw error
    }
  }
}

function compile (schema: JsonObject, { defaults }: CompileOptions, allErrors: boolean): ValidateFunction {
  const compiler = compilerFor(dialectOf(schema), defaults, allErrors)
  try {
    const validate = compiler.compile(schema)
    // Two tools may use one $id without seeing each other, and what a reload replaced is not kept.
    compiler.removeSchema(schema)
    return validate
  } catch (error) {
    // What is left of a schema that failed must not meet the next one.
    for (const [key, each] of compilers) if (each === compiler) compilers.delete(key)
    throw new SchemaFaultError(faultText(error), { cause: error })
  }
}

function dialectOf (schema: JsonObject): string {
  const named = schema['$schema'] ?? defaultDialect
  const dialect = typeof named === 'string' ? named.replace(/#$/, '') : ''
  if (!dialects.has(dialect)) {
    throw new SchemaFaultError(`The dialect ${JSON.stringify(named)} is not supported. Supported: ${[...dialects.keys()].join(', ')}.`)
  }
  return dialect
}

function compilerFor (dialect: string, useDefaults: boolean, allErrors: boolean): Ajv2020 {
  const key = `${dialect} ${useDefaults} ${allErrors}`
  let compiler = compilers.get(key)
  if (compiler === undefined) {
    const Compiler = (dialects.get(dialect) as () => AjvClass)()
    compiler = new Compiler({ allErrors, useDefaults, strict: false, logger: false, ownProperties: true })
    const addFormats = require('ajv-formats') as FormatsPlugin
    addFormats(compiler)
    compiler.removeKeyword('uniqueItems').addKeyword(uniqueItems).addKeyword(countedKeyword)
    compilers.set(key, compiler)
  }
  return compiler
}

function faultText (error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const reference = /can't resolve reference (\S+)/.exec(text)
  if (reference !== null) return `The reference ${reference[1]} leads nowhere inside this schema; other documents are never fetched.`
  return text
}

function mismatches (errors: ErrorObject[] | null | undefined, root: unknown): Mismatch[] {
  return (errors ?? []).slice(0, maxMismatches).map((error) => describe(error, root))
}

/** Says what was expected, and the type of what came instead; never the value, which may be a secret. */
function describe (error: ErrorObject, root: unknown): Mismatch {
  const { instancePath: path, keyword, params, message } = error
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { path: `${path}/${escapePointer(String(params['missingProperty']))}`, message: 'is required' }
    case 'additionalProperties':
      return { path: `${path}/${escapePointer(String(params['additionalProperty']))}`, message: 'is not a known property' }
    case 'unevaluatedProperties':
      return { path: `${path}/${escapePointer(String(params['unevaluatedProperty']))}`, message: 'is not a known property' }
    case 'type':
      return { path, message: `must be ${String(params['type']).replaceAll(',', ' or ')}, but is ${typeName(at(root, path))}` }
    case 'enum':
      return { path, message: `must be one of ${(params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value)).join(', ')}` }
    case 'const':
      return { path, message: `must be ${JSON.stringify(params['allowedValue'])}` }
    default:
      return { path, message: message ?? `does not fit "${keyword}"` }
  }
}

function at (root: unknown, pointer: string): unknown {
  let value = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined
  }
  return value
}

function typeName (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'undefined') return 'absent'
  return `a ${typeof value}`
}

function escapePointer (key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function memberCount (value: unknown, limit: number): number {
  let count = 0
  const open: unknown[] = [value]
  while (open.length > 0 && count < limit) {
    const next = open.pop()
    count++
    if (Array.isArray(next)) {
      if (next.length >= limit) return limit
      open.push(...next)
    } else if (isObject(next)) {
      const members = Object.values(next)
      if (members.length >= limit) return limit
      open.push(...members)
    }
  }
  return count
}
