import { maxDepth } from './bounds.ts'
import { member, type Path } from './fault.ts'

/** The text values of a configuration, and how `${…}` in each of them is read. */

/**
 * `plain` resolves every placeholder; `bound` leaves `${args.…}` to the http handler and keeps literal dollars escaped for it
 * (core/placeholder-text.ts). JavaScript has a `${…}` of its own and is never looked at.
 */
export type Treatment = 'plain' | 'bound'

export interface TextVisitor {
  /** What takes the place of a text. */
  text (text: string, path: Path, treatment: Treatment): unknown
  /** Something is nested too deeply to be read; nothing takes its place. */
  tooDeep? (path: Path): void
}

const boundKeys: ReadonlySet<string> = new Set(['url', 'headers', 'query', 'body'])
const codeKeys: ReadonlySet<string> = new Set(['code', 'requestTransform', 'responseTransform'])
const handlerOwners: ReadonlySet<unknown> = new Set(['tools', 'prompts', 'resources'])
const typesWithoutArguments: ReadonlySet<unknown> = new Set(['file', 'inline', 'registry', 'sql'])

/** Copies a configuration, with what the visitor makes of its texts. */
export function mapTexts (root: unknown, visitor: TextVisitor): unknown {
  return copy(root, [], 'plain', visitor)
}

function copy (value: unknown, path: Path, treatment: Treatment | 'code', visitor: TextVisitor): unknown {
  if (typeof value === 'string') return treatment === 'code' ? value : visitor.text(value, path, treatment)
  if (typeof value !== 'object' || value === null) return value
  if (path.length >= maxDepth) {
    visitor.tooDeep?.(path)
    return undefined
  }
  if (Array.isArray(value)) return value.map((child, index) => copy(child, [...path, index], treatment, visitor))
  const result: { [key: string]: unknown } = {}
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') continue // Already reported; as an assignment it would not make a key.
    result[key] = copy(child, [...path, key], isHandler(path) ? treatmentIn(value, key) : treatment, visitor)
  }
  return result
}

function isHandler (path: Path): boolean {
  return path.length === 3 && handlerOwners.has(path[0]) && path[2] === 'handler'
}

function treatmentIn (handler: object, key: string): Treatment | 'code' {
  if (codeKeys.has(key)) return 'code'
  // A misspelt type is reported by itself.
  return boundKeys.has(key) && !typesWithoutArguments.has(member(handler, 'type')) ? 'bound' : 'plain'
}
