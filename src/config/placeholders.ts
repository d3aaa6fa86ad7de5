import { readFileSync, statSync } from 'node:fs'
import { segmentsOf, textOf, type Segment } from '../core/placeholder-text.ts'
import { maxDepth, maxSecretBytes } from './bounds.ts'
import { pathKey, quote, type Fault, type Notice, type Path } from './fault.ts'
import { resolvePath, type PathBases } from './relative-path.ts'
import { fromText } from './scalar-text.ts'
import { expectation, schemaAt } from './schema-node.ts'
import { isRefusal, type Outcome } from './secrets/outcome.ts'
import { isReference } from './secrets/reference.ts'
import { mapTexts, type Treatment } from './text-values.ts'

export interface PlaceholderSources extends PathBases {
  env: NodeJS.ProcessEnv
  /** The text that a reference to a secret stands for. */
  lookUp (inner: string): Outcome<string>
}

export interface ResolvedPlaceholders {
  /** A copy with the placeholders resolved. */
  value: unknown
  faults: Fault[]
  notices: Notice[]
  /** What was written at each place that a placeholder stood in, by pathKey: shown instead of the value. */
  written: Map<string, string>
  /** The variables that were asked for. */
  variables: Set<string>
  /** Everything that came in. */
  texts: Set<string>
  /** What of it came from files and other stores of secrets, or stands where only secrets do. */
  secrets: Set<string>
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

interface Walk extends ResolvedPlaceholders { root: unknown, sources: PlaceholderSources, fault (path: Path, message: string, suggestion?: string): void }

/** Resolves environment and secret placeholders in every text value, once: what comes in is not scanned again. */
export function resolvePlaceholders (root: unknown, sources: PlaceholderSources): ResolvedPlaceholders {
  const faults: Fault[] = []
  const result = { value: undefined as unknown, faults, notices: [], written: new Map<string, string>(), variables: new Set<string>(), texts: new Set<string>(), secrets: new Set<string>() }
  const fault = (path: Path, message: string, suggestion?: string) => { faults.push({ path, message, ...(suggestion === undefined ? {} : { suggestion }) }) }
  const walk: Walk = { ...result, root, sources, fault }
  const value = mapTexts(root, {
    text: (text, path, treatment) => resolveText(text, path, treatment, walk),
    tooDeep (path) { fault(path, `This is nested deeper than ${maxDepth} levels.`) }
  })
  return { ...result, value }
}

function resolveText (text: string, path: Path, treatment: Treatment, walk: Walk): unknown {
  if (!text.includes('${')) return text
  const before = walk.faults.length
  let fromOutside = false
  const segments = segmentsOf(text).map((segment): Segment => {
    if (segment.kind === 'unclosed') walk.fault(path, 'A placeholder begins here with "${" and is never closed.', 'For a literal "${", write "$${".')
    if (segment.kind !== 'placeholder' || (treatment === 'bound' && segment.inner.startsWith('args.'))) return segment
    fromOutside = true
    const brought = resolveOne(segment.inner, path, walk) ?? ''
    walk.texts.add(brought)
    return { kind: 'literal', text: brought }
  })
  if (fromOutside) walk.written.set(pathKey(path), withoutDefaults(text))
  if (walk.faults.length > before) return text
  if (treatment === 'bound') return textOf(joined(segments))
  const resolved = segments.map((segment) => segment.kind === 'literal' ? segment.text : '').join('')
  return fromOutside && segments.length === 1 ? converted(resolved, text, path, walk) : resolved
}

/** A default may be a secret, too. */
function withoutDefaults (text: string): string {
  return text.replace(/(\$\{[^}]*?:-)[^}]+/g, '$1…')
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
  if (isReference(inner)) return lookUpSecret(inner, path, walk)
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
  const taken = fallback !== undefined && (value === undefined || value === '') ? fallback : value
  if (taken !== undefined && schemaAt(path, walk.root)?.secret === true) walk.secrets.add(taken)
  return taken ?? refuse(walk, path, `The environment variable ${name} is not set, and ${quote(withoutDefaults(`\${${inner}}`))} needs it.`, `Set ${name}, or give a default: "\${${name}:-default}".`)
}

function readSecret (name: string, path: Path, walk: Walk): string | undefined {
  if (name === '') return refuse(walk, path, 'The placeholder "${file:}" names no file.', 'Write "${file:/path}".')
  const { path: file, fromCwd } = resolvePath(name, walk.sources)
  const problem = fileProblem(file)
  if (problem !== undefined) return refuse(walk, path, `The file ${quote(name)}, which a placeholder names, ${problem}.`)
  if (fromCwd) walk.notices.push({ path, message: `The file ${quote(name)} was found from the working directory, not from the directory of the configuration file.` })
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/\r?\n$/, '')
    walk.secrets.add(text)
    return text
  } catch (error) {
    return refuse(walk, path, `The file ${quote(name)}, which a placeholder names, ${error instanceof TypeError ? 'is not UTF-8 text' : 'cannot be read'}.`)
  }
}

function lookUpSecret (inner: string, path: Path, walk: Walk): string | undefined {
  const outcome = walk.sources.lookUp(inner)
  if (isRefusal(outcome)) return refuse(walk, path, `${quote(withoutDefaults(`\${${inner}}`))} cannot be resolved: ${outcome.problem}`, outcome.suggestion)
  walk.secrets.add(outcome.value)
  return outcome.value
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
