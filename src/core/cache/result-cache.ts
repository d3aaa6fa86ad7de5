import type { CallSubject } from '../context.ts'
import type { CallStage, CallTarget, Invoke } from '../pipeline.ts'
import type { CallToolResult, HandlerCache } from '../ports.ts'
import type { CachingSection } from '../../../schemas/config/storage.ts'
import type { CacheStore } from './cache-store.ts'
import { CachedTool, type CacheCounts } from './cached-tool.ts'
import { createHandlerCache } from './handler-cache.ts'
import { compileKeepRule, keepsResults, type KeepableTool, type KeepRule } from './keep-rule.ts'

export interface ResultCacheOptions {
  section: CachingSection
  /** Whether the configuration has the section: then tools that only read have a rule without saying so. */
  isDeclared: boolean
  store: CacheStore
  /** What tells this server from others that share its store. */
  server: { readonly name: string, readonly version: string }
}

/** What is kept of the results of tools: who gets it, and when it is dropped. */
export class ResultCache {
  /** Answers with what is kept. */
  readonly stage: CallStage = { name: 'cache', wrap: (target, next) => this.#wrap(target, next) }
  /** Drops what a call has made obsolete. */
  readonly invalidation: CallStage = { name: 'invalidate', wrap: (target, next) => this.#invalidating(target, next) }
  readonly #options: ResultCacheOptions
  readonly #tools: { readonly name: string, readonly counts: CacheCounts, invalidate (tags: readonly string[]): void, close (): void }[] = []
  readonly #handlerCaches = new Map<string, HandlerCache>()

  constructor (options: ResultCacheOptions) { this.#options = options }

  /** How the results of a tool are kept; undefined where they are not. `handlerOf` gives all that is known of its handler: JSON that changes with it. */
  ruleOf (tool: KeepableTool, { handlerOf, maxResultBytes = Infinity }: { handlerOf: () => unknown, maxResultBytes?: number | undefined }): KeepRule | undefined {
    const { section, isDeclared, server } = this.#options
    if (!keepsResults(tool, isDeclared ? section : undefined)) return undefined
    const { inputSchema, outputSchema } = tool
    return compileKeepRule({ tool, section, maxResultBytes, definition: { server, handler: handlerOf(), inputSchema, outputSchema } })
  }

  /** Drops results with these tags; the name of a tool is a tag of all of its own. Never rejects. */
  async invalidate (tags: readonly string[]): Promise<void> { await this.#invalidate(tags) }

  /** By the name of the tool, as it is now. */
  get counts (): ReadonlyMap<string, Readonly<CacheCounts>> { return new Map(this.#tools.map(({ name, counts }) => [name, { ...counts }])) }
  /** What is kept in this process. */
  get size (): CacheStore['size'] { return this.#options.store.size }

  /** What the handlers of a tool, a prompt or a resource keep. */
  handlerCacheOf ({ kind, name }: CallSubject): HandlerCache {
    const { store, section: { ttl, maxValueBytes } } = this.#options
    const id = `${kind} ${name}`
    let cache = this.#handlerCaches.get(id)
    if (cache === undefined) {
      cache = createHandlerCache([kind, name], { store, ttlMs: ttl * 1_000, maxValueBytes })
      this.#handlerCaches.set(id, cache)
    }
    return cache
  }

  close (): void {
    for (const tool of this.#tools) tool.close()
    this.#options.store.close()
  }

  #wrap<Result> (target: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined {
    const { cache: rule } = target
    if (rule === undefined) return undefined
    const tool = new CachedTool({ target, rule, store: this.#options.store, run: next as unknown as Invoke<CallToolResult> }) // only tools have a rule
    this.#tools.push(tool)
    return (args, context) => tool.call(args, context) as Result | Promise<Result>
  }

  #invalidating<Result> (target: CallTarget<Result>, next: Invoke<Result>): Invoke<Result> | undefined {
    const { invalidates } = target
    if (invalidates === undefined) return undefined
    const drop = (result: Result): Result | Promise<Result> => {
      if ((result as { isError?: unknown }).isError === true) return result
      const dropped = this.#invalidate(invalidates)
      return dropped instanceof Promise ? dropped.then(() => result) : result
    }
    return function invalidate (args, context) {
      const outcome = next(args, context)
      return outcome instanceof Promise ? outcome.then(drop) : drop(outcome)
    }
  }

  #invalidate (tags: readonly string[]): void | Promise<void> {
    for (const tool of this.#tools) tool.invalidate(tags)
    return this.#options.store.invalidate(tags)
  }
}
