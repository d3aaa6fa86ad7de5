import { createHash } from 'node:crypto'
import { canonicalText } from '../canonical-json.ts'
import type { CachingSection } from '../../../schemas/config/storage.ts'
import type { CacheRule } from '../../../schemas/tool.ts'

/** How results of one tool are kept, compiled from what the configuration says of it. */
export interface KeepRule {
  /** For how long a result is as good as new. */
  readonly ttlMs: number
  /** For how long after that it is still handed out while a new one is made. */
  readonly staleWhileRevalidateMs: number
  /** For how long after that it stands in for a run that failed. */
  readonly staleIfErrorMs: number
  /** After this, it is of no use to anybody. */
  readonly lifeMs: number
  /** Whether callers share results, or each has its own. */
  readonly isShared: boolean
  /** By which results are dropped: the name of the tool, and those that it was given. */
  readonly tags: readonly string[]
  /** What each key begins with: JSON text that no other tool has, nor this one when it was defined in another way. */
  readonly keyHead: string
  /** Bytes that the JSON of a result may have. */
  readonly maxBytes: number
}

/** What decides whether the results of a tool are kept. */
export interface KeepableTool {
  readonly name: string
  readonly inputSchema?: unknown
  readonly outputSchema?: unknown
  readonly annotations?: { readonly readOnlyHint?: boolean, readonly destructiveHint?: boolean } | undefined
  readonly task?: 'optional' | 'required' | undefined
  readonly cache?: CacheRule | undefined
  readonly invalidates?: readonly string[] | undefined
}

/** The part of the section that decides it. */
export type KeepingSection = Pick<CachingSection, 'enabled' | 'tools'>

/** The rule that the configuration has for a tool by its name or in its entry; never in both. */
export function declaredRule ({ name, cache }: Pick<KeepableTool, 'name' | 'cache'>, section: KeepingSection | undefined): CacheRule | undefined {
  return cache ?? (section?.tools !== undefined && Object.hasOwn(section.tools, name) ? section.tools[name] : undefined)
}

/**
 * Whether results of a tool are kept: where a rule says so, and, with a `caching` section that is on, where the tool says that it only
 * reads. A tool that says nothing may well do something, and an action that was done once is not done again by a result that was kept.
 */
export function keepsResults (tool: KeepableTool, section: KeepingSection | undefined): boolean {
  if (section?.enabled === false) return false
  const rule = declaredRule(tool, section)
  if (rule !== undefined) return rule.enabled
  const { annotations, task, invalidates } = tool
  return section !== undefined && annotations?.readOnlyHint === true && annotations.destructiveHint !== true && task !== 'required' && invalidates === undefined
}

export interface KeepRuleParts {
  tool: KeepableTool
  section: CachingSection
  /** All that decides what the tool answers, as far as the configuration has it. */
  definition: unknown
  /** Bytes that a result of the tool may have. */
  maxResultBytes: number
}

/** What the mark of a result may add to it: one that would have to be cut for that is not kept. */
const markBytes = 128

/** Compiles the rule of a tool whose results are kept. */
export function compileKeepRule ({ tool, section, definition, maxResultBytes }: KeepRuleParts): KeepRule {
  const { ttl = section.ttl, scope = 'principal', staleWhileRevalidate = 0, staleIfError = 0, tags = [] } = declaredRule(tool, section) ?? {}
  return {
    ttlMs: ttl * 1_000,
    staleWhileRevalidateMs: staleWhileRevalidate * 1_000,
    staleIfErrorMs: staleIfError * 1_000,
    lifeMs: (ttl + Math.max(staleWhileRevalidate, staleIfError)) * 1_000,
    isShared: scope === 'shared',
    tags: [...new Set([tool.name, ...tags])],
    keyHead: JSON.stringify([tool.name, generationOf(definition)]),
    maxBytes: Math.min(section.maxValueBytes, maxResultBytes - markBytes)
  }
}

/** The same on every instance of one configuration. Tells nothing of the secrets that a definition may hold. */
function generationOf (definition: unknown): string {
  return createHash('sha256').update(canonicalText(definition)).digest('base64url')
}
