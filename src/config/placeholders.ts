import { readFileSync, statSync } from 'node:fs'
import { segmentsOf, textOf, type Segment } from '../core/placeholder-text.ts'
import { maxDepth, maxSecretBytes } from './bounds.ts'
import { member, pathKey, quote, type Fault, type Notice, type Path } from './fault.ts'
import { resolvePath, type PathBases } from './relative-path.ts'
import { fromText } from './scalar-text.ts'
import { expectation, schemaAt } from './schema-node.ts'
import { unavailableReferences } from './unavailable.ts'

export interface PlaceholderSources extends PathBases { env: NodeJS.ProcessEnv }

export interface ResolvedPlaceholders {
  /** A copy with the placeholders resolved. */
  value: unknown
  faults: Fault[]
  notices: Notice[]
  /** What was written at each place that a placeholder stood in, by pathKey: shown instead of the value. */
  written: Map<string, string>
  /** The variables that were asked for. */
  variables: Set<string>
}

/**
 * How a text is treated: `plain` resolves everything; `bound` leaves `${args.…}` to the http handler and keeps literal dollars escaped for
 * it (core/placeholder-text.ts); `code` is JavaScript and is never touched.
 */
type Treatment = 'plain' | 'bound' | 'code'

const boundKeys: ReadonlySet<string> = new Set(['url', 'headers', 'query', 'body'])
const codeKeys: ReadonlySet<string> = new Set(['code', 'requestTransform', 'responseTransform'])
const handlerOwners: ReadonlySet<unknown> = new Set(['tools', 'prompts', 'resources'])
const typesWithoutArguments: ReadonlySet<unknown> = new Set(['file', 'inline', 'registry', 'sql'])
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

interface Walk extends ResolvedPlaceholders { root: unknown, sources: PlaceholderSources, fault (path: Path, message: string, suggestion?: string): void }

/** Resolves environment and secret placeholders in every text value, once: what comes in is not scanned again. */
export function resolvePlaceholders (root: unknown, sources: PlaceholderSources): ResolvedPlaceholders {
  const faults: Fault[] = []
  const result = { value: undefined as unknown, faults, notices: [], written: new Map<string, string>(), variables: new Set<string>() }
  const fault = (path: Path, message: string, suggestion?: string) => { faults.push({ path, message, ...(suggestion === undefined ? {} : { suggestion }) }) }
  const walk: Walk = { ...result, root, sources, fault }
  return { ...result, value: copy(root, [], 'plain', walk) }
}

function copy (value: unknown, path: Path, treatment: Treatment, walk: Walk): unknown {
  if (typeof value === 'string') return treatment === 'code' ? value : resolveText(value, path, treatment, walk)
  if (typeof value !== 'object' || value === null) return value
  if (path.length >= maxDepth) {
    walk.fault(path, `This is nested deeper than ${maxDepth} levels.`)
    return undefined
  }
  if (Array.isArray(value)) return value.map((child, index) => copy(child, [...path, index], treatment, walk))
  const result: { [key: string]: unknown } = {}
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') continue // Already reported; as an assignment it would not make a key.
    result[key] = copy(child, [...path, key], isHandler(path) ? treatmentIn(value, key) : treatment, walk)
  }
  return result
}

function isHandler (path: Path): boolean {
  return path.length === 3 && handlerOwners.has(path[0]) && path[2] === 'handler'
}

function treatmentIn (handler: object, key: string): Treatment {
  if (codeKeys.has(key)) return 'code'
  // A misspelt type is reported by itself.
  return boundKeys.has(key) && !typesWithoutArguments.has(member(handler, 'type')) ? 'bound' : 'plain'
}

function resolveText (text: string, path: Path, treatment: Treatment, walk: Walk): unknown {
  if (!text.includes('${')) return text
  const before = walk.faults.length
  let fromOutside = false
  const segments = segmentsOf(text).map((segment): Segment => {
    if (segment.kind === 'unclosed') walk.fault(path, 'A placeholder begins here with "${" and is never closed.', 'For a literal "${", write "$${".')
    if (segment.kind !== 'placeholder' || (treatment === 'bound' && segment.inner.startsWith('args.'))) return segment
    fromOutside = true
    return { kind: 'literal', text: resolveOne(segment.inner, path, walk) ?? '' }
  })
  if (fromOutside) walk.written.set(pathKey(path), withoutDefaults(text))
  if (walk.faults.length > before) return text
  if (treatment === 'bound') return textOf(joined(segments))
  const resolved = segments.map((segment) => segment.kind === 'literal' ? segment.text : '').join('')
  return fromOutside && segments.length === 1 ? converted(resolved, text, path, walk) : resolved
}

/** A default may be a secret, too. */
function withoutDefaults (text: string): string {
  return text.replace(/(\$\{[^}:]*:-)[^}]+/g, '$1…')
}

/** Literals that touch become one, so that a dollar of one and a brace of the next are seen together. */
function joined (segments: readonly Segment[]): Segment[] {
  return segments.reduce<Segment[]>((all, segment) => {
    const last = all.at(-1)
    if (last?.kind !== 'literal' || segment.kind !== 'literal') return [...all, segment]
    return [...all.slice(0, -1), { kind: 'literal', text: last.text + segment.text }]
  }, [])
}

/** A text that is one placeholder becomes a number or boolean where the schema wants one. */
function converted (resolved: string, text: string, path: Path, walk: Walk): unknown {
  const schema = schemaAt(path, walk.root)
  const value = fromText(resolved, schema)
  if (value !== undefined || schema === undefined) return value
  const expected = expectation(schema)
  walk.faults.push({ path, message: `Expected ${expected}, and the value of ${quote(withoutDefaults(text))} is something else.`, found: quote(withoutDefaults(text)), expected })
  return text
}

function resolveOne (inner: string, path: Path, walk: Walk): string | undefined {
  if (inner.startsWith('file:')) return readSecret(inner.slice('file:'.length), path, walk)
  const scheme = unavailableReferences.find((each) => inner.startsWith(`${each}:`))
  if (scheme !== undefined) return refuse(walk, path, `"\${${scheme}:…}" is not available in this version of Gantry: remove it; nothing would resolve it.`, 'Use "${NAME}" or "${file:…}".')
  if (inner === 'args' || inner.startsWith('args.')) {
    const hint = path[0] === 'prompts' ? 'In prompts, "{{name}}" stands for an argument.' : 'Arguments are available in url, headers, query and body of http handlers. For a literal "${", write "$${".'
    return refuse(walk, path, `The placeholder ${quote(withoutDefaults(`\${${inner}}`))} has no meaning here.`, hint)
  }
  return readVariable(inner, path, walk)
}

function readVariable (inner: string, path: Path, walk: Walk): string | undefined {
  const split = inner.indexOf(':-')
  const name = split === -1 ? inner : inner.slice(0, split)
  const fallback = split === -1 ? undefined : inner.slice(split + 2)
  if (!variableName.test(name) || fallback?.includes('${') === true) {
    return refuse(walk, path, `The placeholder ${quote(withoutDefaults(`\${${inner}}`))} cannot be read.`, 'Write "${NAME}", "${NAME:-default}" or "${file:/path}"; for a literal "${", write "$${".')
  }
  walk.variables.add(name)
  const value = Object.hasOwn(walk.sources.env, name) ? walk.sources.env[name] : undefined
  // As in a shell, an empty variable takes the default.
  if (fallback !== undefined && (value === undefined || value === '')) return fallback
  return value ?? refuse(walk, path, `The environment variable ${name} is not set, and ${quote(withoutDefaults(`\${${inner}}`))} needs it.`, `Set ${name}, or give a default: "\${${name}:-default}".`)
}

function readSecret (name: string, path: Path, walk: Walk): string | undefined {
  if (name === '') return refuse(walk, path, 'The placeholder "${file:}" names no file.', 'Write "${file:/path}".')
  const { path: file, fromCwd } = resolvePath(name, walk.sources)
  const problem = fileProblem(file)
  if (problem !== undefined) return refuse(walk, path, `The file ${quote(name)}, which a placeholder names, ${problem}.`)
  if (fromCwd) walk.notices.push({ path, message: `The file ${quote(name)} was found from the working directory, not from the directory of the configuration file.` })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/\r?\n$/, '')
  } catch (error) {
    return refuse(walk, path, `The file ${quote(name)}, which a placeholder names, ${error instanceof TypeError ? 'is not UTF-8 text' : 'cannot be read'}.`)
  }
}

function fileProblem (file: string): string | undefined {
  try {
    const stats = statSync(file)
    if (!stats.isFile()) return 'is not a regular file'
    return stats.size > maxSecretBytes ? `is larger than ${maxSecretBytes} bytes` : undefined
  } catch {
    return 'cannot be found'
  }
}

function refuse (walk: Walk, path: Path, message: string, suggestion?: string): undefined {
  walk.fault(path, message, suggestion)
}
