import { costOf } from './pattern-cost.ts'
import { isObject } from './json-rpc.ts'
import type { JsonObject } from '../../schemas/mcp.ts'

/** What a schema may ask of the server: how large it may be, and how long its patterns may take. */

export type SchemaPath = readonly (string | number)[]

/** Why a schema is refused, and where in it. */
export interface SchemaExcess { path: SchemaPath, message: string }

export interface SchemaBurden {
  readonly excess: SchemaExcess | undefined
  /** Whether a pattern takes more than linear time: its text has to be known to be short before it is looked at. */
  readonly hasCostlyPattern: boolean
}

const maxDepth = 64
const maxValues = 20_000
const maxBranches = 1_000
/** What a pattern may take for one text: some hundredths of a second. */
const maxPatternSteps = 20_000_000

const branching: ReadonlySet<string> = new Set(['anyOf', 'oneOf'])
/** Their values are data, not schemas. */
export const dataKeywords: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples'])

interface Place { value: unknown, path: SchemaPath, isData: boolean }

/** Looks at all of a schema. What is no pattern at all is left to the compiler. */
export function weigh (schema: JsonObject): SchemaBurden {
  let values = 0
  let branches = 0
  let hasCostlyPattern = false
  const open: Place[] = [{ value: schema, path: [], isData: false }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, path, isData } = place
    if (++values > maxValues) return refused([], `It has more than ${maxValues} values: a schema this large would slow down every call.`)
    if (path.length > maxDepth) return refused(path.slice(0, 8), `It is nested more than ${maxDepth} levels deep.`)
    if (typeof value !== 'object' || value === null) continue
    if (!isData && isObject(value)) {
      const cost = patternsOf(value).map(([where, pattern, maxLength]) => ({ where, ...judge(pattern, maxLength) }))
      const fault = cost.find(({ message }) => message !== undefined)
      if (fault?.message !== undefined) return refused([...path, ...fault.where], fault.message)
      hasCostlyPattern ||= cost.some(({ isCostly }) => isCostly)
    }
    for (const [key, child] of Object.entries(value)) {
      if (!isData && branching.has(key) && Array.isArray(child) && (branches += child.length) > maxBranches) return refused([...path, key], `It has more than ${maxBranches} branches in "anyOf" and "oneOf".`)
      open.push({ value: child, path: [...path, Array.isArray(value) ? Number(key) : key], isData: isData || dataKeywords.has(key) })
    }
  }
  return { excess: undefined, hasCostlyPattern }
}

function refused (path: SchemaPath, message: string): SchemaBurden {
  return { excess: { path, message }, hasCostlyPattern: false }
}

/** The patterns of one schema, with the length of the texts that they are held against, where that is bounded. */
function patternsOf (schema: JsonObject): [where: SchemaPath, pattern: string, maxLength: number | undefined][] {
  const { pattern, patternProperties, maxLength } = schema
  return [
    ...(typeof pattern === 'string' ? [[['pattern'], pattern, typeof maxLength === 'number' ? maxLength : undefined] as [SchemaPath, string, number | undefined]] : []),
    ...(isObject(patternProperties) ? Object.keys(patternProperties).map((key): [SchemaPath, string, undefined] => [['patternProperties', key], key, undefined]) : [])
  ]
}

function judge (pattern: string, maxLength: number | undefined): { message?: string, isCostly: boolean } {
  let cost
  try {
    cost = costOf(pattern)
  } catch (error) {
    if (error instanceof SyntaxError) return { isCostly: false }
    throw error
  }
  const shown = JSON.stringify(pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern)
  if ('refusal' in cost) return { isCostly: true, message: `The pattern ${shown} could hold up the server: ${cost.refusal}. Write it so that each text fits in one way only.` }
  if (cost.degree < 2) return { isCostly: false }
  const bound = Math.floor(maxPatternSteps ** (1 / cost.degree))
  if (maxLength !== undefined && maxLength <= bound) return { isCostly: true }
  const powers = ['', '', 'square', 'cube']
  const growth = powers[cost.degree] ?? `power of ${cost.degree}`
  return { isCostly: true, message: `The pattern ${shown} could hold up the server: its time grows with the ${growth} of the length of the text. Let no two repetitions that meet match the same characters, begin it with "^", or add a "maxLength" of ${bound} at most beside it (a key of "patternProperties" has none).` }
}
