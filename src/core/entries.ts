import type { ResourceCaching } from './cache-hints.ts'
import { CallContext, type CallExtras, type ContextServices } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderParam } from './header-params.ts'
import type { InFlight } from './in-flight.ts'
import type { CallTarget, Invoke } from './pipeline.ts'
import type { Registry } from './registry.ts'
import type { ResultBudget } from './result-budget.ts'
import type { UriTemplate } from './uri-template.ts'
import type { CallToolResult, GetPromptResult, JsonObject, ReadResourceResult } from './ports.ts'
import type { PromptDescription, ResourceDescription, ResourceTemplateDescription, ToolDescription } from '../../schemas/mcp.ts'

/** What the registries hold: how a thing is described to clients, and how it is called. */

export interface Entry<Description, Result> {
  readonly description: Description
  readonly target: CallTarget<Result>
  readonly invoke: Invoke<Result>
}

export interface ToolEntry extends Entry<ToolDescription, CallToolResult> {
  /** The arguments that clients of the 2026 era repeat in headers; undefined when there are none. */
  readonly headerParams: readonly HeaderParam[] | undefined
  readonly budget: ResultBudget
}

/** The values that completion offers for an argument or a template variable. */
export type CompletionLists = ReadonlyMap<string, readonly string[]>

export interface PromptEntry extends Entry<PromptDescription, GetPromptResult> { readonly completions: CompletionLists }

export interface ResourceEntry extends Entry<ResourceDescription, ReadResourceResult> {
  readonly caching: ResourceCaching
  /** The file that the resource is, where it is one: its changes are the resource's. Absolute. */
  readonly file?: string | undefined
}
export interface ResourceTemplateEntry extends Entry<ResourceTemplateDescription, ReadResourceResult> {
  readonly template: UriTemplate
  readonly completions: CompletionLists
  readonly caching: ResourceCaching
}

export interface Registries {
  readonly tools: Registry<ToolEntry>
  readonly prompts: Registry<PromptEntry>
  readonly resources: Registry<ResourceEntry>
  readonly templates: Registry<ResourceTemplateEntry>
}

/** Calls entries on behalf of an exchange: every door to a call goes through `call`. */
export class Caller {
  readonly #inFlight: InFlight
  readonly #services: ContextServices

  constructor (inFlight: InFlight, services: ContextServices) {
    this.#inFlight = inFlight
    this.#services = services
  }

  /** Throws or rejects with a GantryError. */
  call<Result> (entry: Entry<unknown, Result>, args: JsonObject, exchange: Exchange, extras?: CallExtras): Result | Promise<Result> {
    const context = new CallContext(exchange, entry.target, this.#services, extras)
    let outcome
    try {
      outcome = entry.invoke(args, context)
    } catch (error) {
      context.finish()
      throw error
    }
    if (!(outcome instanceof Promise)) {
      context.finish()
      return outcome
    }
    const { cancelKey } = exchange
    if (cancelKey !== undefined) this.#inFlight.add(cancelKey, context)
    const settled = (): void => {
      context.finish()
      if (cancelKey !== undefined) this.#inFlight.remove(cancelKey, context)
    }
    outcome.then(settled, settled)
    return outcome
  }
}
