import type { FuncKeywordDefinition } from 'ajv'
import { isObject } from './json-rpc.ts'
import { dataKeywords } from './schema-bounds.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

/**
 * A bound for what it takes to hold one value against a schema that refers to itself, or to its parts. Branches that lead to the same
 * schema again multiply with each level of the value: a few kilobytes could keep the server busy for hours. What is referred to is
 * counted each time it is entered.
 */

/** A value took more steps than any may. */
export class TooMuchWorkError extends Error {}

/** Some tenths of a second. A full report of what does not fit collects what it meets, and costs more. */
export const maxEntries = { check: 1_000_000, report: 50_000 } as const
const keyword = 'gantry:counted'

// Holding a value against a schema is synchronous: one count is enough.
let entriesLeft = 0

export function startCounting (entries: number): void { entriesLeft = entries }

/** Stands before all that can lead on. */
export const countedKeyword: FuncKeywordDefinition & { before: string } = {
  keyword,
  before: '$ref',
  schemaType: 'boolean',
  errors: false,
  validate () {
    if (--entriesLeft < 0) throw new TooMuchWorkError('A value took too long to be held against its schema.')
    return true
  }
}

/** The schema itself, when it refers to nothing; else a copy that counts how often what it refers to is entered. */
export function countRefs (schema: JsonObject): JsonObject {
  if (!hasReference(schema)) return schema
  const counted = structuredClone(schema)
  visit(counted, (part) => {
    for (const key of ['$ref', '$dynamicRef', '$recursiveRef']) if (typeof part[key] === 'string') mark(partAt(counted, part[key]))
    // What has a name of its own can be meant by any reference.
    if (['$id', '$anchor', '$dynamicAnchor'].some((key) => typeof part[key] === 'string') || part['$recursiveAnchor'] === true) mark(part)
  })
  return counted
}

function hasReference (schema: JsonObject): boolean {
  let isFound = false
  visit(schema, (part) => { isFound ||= '$ref' in part || '$dynamicRef' in part || '$recursiveRef' in part })
  return isFound
}

function visit (root: JsonObject, each: (part: JsonObject) => void): void {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part !== 'object' || part === null) continue
    if (isObject(part)) each(part)
    for (const [key, child] of Object.entries(part)) if (!dataKeywords.has(key)) open.push(child)
  }
}

function mark (part: unknown): void {
  if (isObject(part)) part[keyword] = true
}

/** What a reference inside of the document leads to by a JSON pointer. */
function partAt (root: JsonObject, reference: string): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined
  let part: unknown = root
  for (const step of reference.split('/').slice(1)) {
    const key = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    part = typeof part === 'object' && part !== null && Object.hasOwn(part, key) ? (part as JsonObject)[key] : undefined
  }
  return part
}

function decoded (step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step // The compiler refuses it.
  }
}
