import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ResultCache } from '../core/cache/result-cache.ts'
import type { PromptEntry, ResourceEntry, ResourceTemplateEntry, ToolEntry } from '../core/entries.ts'
import type { SlotLimits } from '../core/call-slots.ts'
import type { Pipeline } from '../core/pipeline.ts'
import type { HandlerOwner, ToolHandler } from '../core/ports.ts'
import type { TaskRule } from '../core/tasks/lane.ts'
import type { Handler } from '../../schemas/handler.ts'
import type { ToolDescription } from '../../schemas/mcp.ts'
import type { PromptConfig } from '../../schemas/prompt.ts'
import type { ResourceConfig } from '../../schemas/resource.ts'
import type { ToolConfig } from '../../schemas/tool.ts'
import { findAllowedFile, type FileBounds } from './allowed-file.ts'
import { argumentNamesOf } from './argument-names.ts'
import { buildPromptEntry } from './prompt-entry.ts'
import { buildResourceEntry, compileAddress, compileContent, isTemplateEntry } from './resource-entry.ts'
import type { Resolvers } from './resolvers/index.ts'
import { below, loadErrors, pathOf, together } from './together.ts'
import { buildToolEntry, compileSchemas } from './tool-entry.ts'

export interface EntrySources {
  tools: readonly ToolConfig[]
  prompts: readonly PromptConfig[]
  resources: readonly ResourceConfig[]
}

/** Something that only building an entry can find: a module that does not load, a schema that does not compile. */
export interface EntryFault { path: readonly (string | number)[], message: string }

export interface BuiltEntries {
  tools: ToolEntry[]
  prompts: PromptEntry[]
  resources: ResourceEntry[]
  templates: ResourceTemplateEntry[]
  faults: EntryFault[]
}

export interface BuildOptions {
  resolvers: Resolvers
  pipeline: Pipeline
  bounds: FileBounds
  /** Milliseconds a call may take when its tool does not say. */
  defaultTimeoutMs: number
  /** Milliseconds a task may take. */
  taskTimeoutMs: number
  /** Bytes that a result may have when its tool does not say. Without it, there is no bound. */
  maxResultBytes?: number
  /** How results are kept. Without it, they are not. */
  cache?: ResultCache | undefined
}

/** Builds every entry of a configuration. Does not stop at a fault: all of them come back, with the path to each. */
export async function buildEntries ({ tools, prompts, resources }: EntrySources, options: BuildOptions): Promise<BuiltEntries> {
  const faults: EntryFault[] = []
  const [builtTools, builtPrompts, builtResources] = await Promise.all([
    buildAll('tools', tools, (config) => buildTool(config, options), faults),
    buildAll('prompts', prompts, (config) => buildPrompt(config, options), faults),
    buildAll('resources', resources, (config) => buildResource(config, options), faults)
  ])
  return {
    tools: builtTools,
    prompts: builtPrompts,
    resources: builtResources.filter((entry) => !isTemplateEntry(entry)) as ResourceEntry[],
    templates: builtResources.filter(isTemplateEntry),
    faults
  }
}

async function buildAll<Config, Built> (section: string, configs: readonly Config[], build: (config: Config) => Promise<Built>, faults: EntryFault[]): Promise<Built[]> {
  const built = await Promise.all(configs.map(async (config, index) => {
    try {
      return [await build(config)]
    } catch (error) {
      faults.push(...loadErrors(error).map((each) => ({ path: [section, index, ...pathOf(each)], message: each.message })))
      return []
    }
  }))
  return built.flat()
}

async function buildTool (config: ToolConfig, options: BuildOptions): Promise<ToolEntry> {
  const owner = ownerOf('tool', config.name, config.timeout, config.handler, options)
  const { timeoutMs } = owner
  const task = taskRule(config, ownerOf('tool', config.name, config.timeout, config.handler, { defaultTimeoutMs: options.taskTimeoutMs }).timeoutMs)
  // A handler that keeps its own time is given the longer one: outside of a task, the call ends it.
  const handlerOwner = { ...owner, timeoutMs: Math.max(timeoutMs, task?.timeoutMs ?? 0), argumentNames: argumentNamesOf(config.inputSchema) }
  const [handler, schemas] = await together(
    () => resolveHandler(config.handler, handlerOwner, options),
    () => compileSchemas(config)
  )
  const { maxResultBytes = options.maxResultBytes, invalidates } = config
  const cache = options.cache?.ruleOf(config, { handlerOf: () => generationOf(config.handler, options.bounds), maxResultBytes })
  return buildToolEntry({ description: describe(config), handler, timeoutMs, task, maxResultBytes, slots: slotLimits(config), cache, invalidates, schemas }, options.pipeline)
}

/** What a handler is, so that another one is known by it: what the configuration says, and the text of its own file. */
function generationOf (handler: Handler, bounds: FileBounds): unknown {
  if (handler.type !== 'file') return handler
  return [handler, createHash('sha256').update(readFileSync(findAllowedFile(handler.path, bounds))).digest('base64url')]
}

/** What a tool says of calls at the same time. */
export function slotLimits ({ maxConcurrent, maxQueue }: Pick<ToolConfig, 'maxConcurrent' | 'maxQueue'>): SlotLimits | undefined {
  return maxConcurrent === undefined ? undefined : { maxConcurrent, maxQueue }
}

/** What a tool says of tasks, in the form that its call needs. */
export function taskRule ({ task, taskStart = 'call' }: Pick<ToolConfig, 'task' | 'taskStart'>, timeoutMs: number): TaskRule | undefined {
  return task === undefined ? undefined : { support: task, start: taskStart, timeoutMs }
}

async function buildPrompt (config: PromptConfig, options: BuildOptions): Promise<PromptEntry> {
  const owner = ownerOf('prompt', config.name, config.timeout, config.handler, options)
  const handler = config.handler === undefined ? undefined : await resolveHandler(config.handler, { ...owner, argumentNames: config.arguments.map(({ name }) => name) }, options)
  return buildPromptEntry(config, handler, owner.timeoutMs, options.pipeline)
}

async function buildResource (config: ResourceConfig, options: BuildOptions): Promise<ResourceEntry | ResourceTemplateEntry> {
  const owner = ownerOf('resource', config.uri ?? config.uriTemplate ?? '', config.timeout, config.handler, options)
  const [handler, content, address] = await together(
    () => config.handler === undefined ? undefined : resolveHandler(config.handler, { ...owner, argumentNames: variablesOf(config) }, options),
    () => compileContent(config, options.bounds),
    () => compileAddress(config)
  )
  return buildResourceEntry({ config, handler, content, address, timeoutMs: owner.timeoutMs, pipeline: options.pipeline })
}

/** The variables of a template; undefined where it has a fault, which is told elsewhere. */
function variablesOf (config: ResourceConfig): readonly string[] | undefined {
  try {
    return compileAddress({ ...config, complete: {} })?.template.variables ?? []
  } catch {
    return undefined // `compileAddress` says it again, in its place.
  }
}

/** The time of a call: the entry's own, else the server's; a file handler's own may shorten it. Other handlers keep theirs themselves. */
function ownerOf (kind: HandlerOwner['kind'], name: string, timeout: number | undefined, handler: Handler | undefined, { defaultTimeoutMs }: Pick<BuildOptions, 'defaultTimeoutMs'>): HandlerOwner {
  const whole = timeout ?? defaultTimeoutMs
  const own = handler?.type === 'file' ? handler.timeout ?? whole : whole
  return { kind, name, timeoutMs: Math.min(whole, own) }
}

async function resolveHandler (handler: Handler, owner: HandlerOwner, { resolvers }: BuildOptions): Promise<ToolHandler> {
  return await below('handler', () => resolvers.resolve(handler, owner))
}

function describe ({ name, title, description, inputSchema, outputSchema, annotations, icons, _meta }: ToolConfig): ToolDescription {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    inputSchema,
    ...(outputSchema !== undefined && { outputSchema }),
    ...(annotations !== undefined && { annotations }),
    ...(icons !== undefined && { icons }),
    ...(_meta !== undefined && { _meta })
  }
}
