import type { Static, TSchema } from '@sinclair/typebox'
import type { HandlerContext } from '../core/ports.ts'
import type { Icon, JsonObject, ToolAnnotations } from '../../schemas/mcp.ts'
import type { CacheRule } from '../../schemas/tool.ts'
import { toolNamePattern } from '../../schemas/primitives.ts'

const lawfulName = new RegExp(toolNamePattern)

/** What a handler may return for an output type: the value itself, or a full tool result that carries it. */
export type ToolReturn<Output> = Output | { content?: unknown[], structuredContent?: Output, isError?: boolean, _meta?: JsonObject }

export interface ToolOptions<Input extends TSchema, Output extends TSchema | undefined> {
  name: string
  title?: string
  description?: string
  /** The arguments: a TypeBox object. */
  input: Input
  /** The structured result. Without it a handler may return a full tool result, a string or any JSON value. */
  output?: Output
  annotations?: ToolAnnotations
  icons?: Icon[]
  _meta?: JsonObject
  /** Milliseconds. Without it, the server's. */
  timeout?: number
  /** Bytes that a result may have. Without it, the server's. */
  maxResultBytes?: number
  /** How many calls may run at once. Without it, any number. */
  maxConcurrent?: number
  /** How many more may wait for their turn: 100 unless given. */
  maxQueue?: number
  /** Keeps results, as the `cache` of the configuration file does. */
  cache?: Partial<CacheRule>
  /** The tags of results, and the names of tools whose results, are dropped when this one has succeeded. */
  invalidates?: readonly string[]
  /** Lets calls go on in the background, as the `task` of the configuration file does. */
  task?: 'optional' | 'required'
  /** Who starts the task: the call, which is the default, or the handler with `context.startTask()`. */
  taskStart?: 'call' | 'handler'
  handler (args: Static<Input>, context: HandlerContext): Output extends TSchema
    ? ToolReturn<Static<Output>> | Promise<ToolReturn<Static<Output>>>
    : unknown
}

/** A tool that was defined in code; `registerTools` of the app takes it. */
export interface DefinedTool {
  readonly description: { name: string, title?: string, description?: string, inputSchema: JsonObject, outputSchema?: JsonObject, annotations?: ToolAnnotations, icons?: Icon[], _meta?: JsonObject }
  readonly timeout: number | undefined
  readonly maxResultBytes?: number
  readonly maxConcurrent?: number
  readonly maxQueue?: number
  readonly task?: 'optional' | 'required'
  readonly taskStart?: 'call' | 'handler'
  readonly cache?: CacheRule
  readonly invalidates?: readonly string[]
  readonly handler: (args: JsonObject, context: HandlerContext) => unknown
}

/** Defines a tool in TypeBox; the types of its arguments and of its result flow into the handler. Throws a TypeError for what no tool may be. */
export function defineTool<Input extends TSchema, Output extends TSchema | undefined = undefined> (options: ToolOptions<Input, Output>): DefinedTool {
  const { input, output, timeout, maxResultBytes, maxConcurrent, maxQueue, task, taskStart, cache, invalidates, handler, ...facts } = options
  if (!lawfulName.test(facts.name)) throw new TypeError(`The name of a tool is 1 to 64 letters, digits, "_", "." or "-"; ${JSON.stringify(facts.name)} is not.`)
  if (plainSchema(input)['type'] !== 'object') throw new TypeError(`The tool ${facts.name}: its input must be an object, such as Type.Object({}).`)
  return {
    description: { ...facts, inputSchema: plainSchema(input), ...(output !== undefined && { outputSchema: plainSchema(output) }) },
    timeout,
    ...(maxResultBytes !== undefined && { maxResultBytes }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(maxQueue !== undefined && { maxQueue }),
    ...(task !== undefined && { task }),
    ...(taskStart !== undefined && { taskStart }),
    ...(cache !== undefined && { cache: { enabled: true, ...cache } }),
    ...(invalidates !== undefined && { invalidates }),
    // The pipeline has checked the arguments against `input` before the handler sees them.
    handler: (args, context) => handler(args as Static<Input>, context)
  }
}

/** Without TypeBox's own symbols: what goes to clients is JSON Schema. */
function plainSchema (schema: TSchema): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject
}
