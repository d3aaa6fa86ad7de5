import { ArgumentsInvalidError } from '../core/call-errors.ts'
import type { KeepRule } from '../core/cache/keep-rule.ts'
import { CallSlots, type SlotLimits } from '../core/call-slots.ts'
import { HandlerLoadError } from '../core/errors.ts'
import type { ToolEntry } from '../core/entries.ts'
import type { CallTarget, Pipeline } from '../core/pipeline.ts'
import type { TaskRule } from '../core/tasks/lane.ts'
import { compileCheck, SchemaFaultError, type Check } from '../core/validation.ts'
import type { CallToolResult, ToolHandler } from '../core/ports.ts'
import type { JsonObject, ToolDescription } from '../../schemas/mcp.ts'
import { HeaderParamFaultError, readHeaderParams, type HeaderParam } from '../core/header-params.ts'
import { whenReady } from './await.ts'
import { createShapeResult } from './result.ts'
import { allOf } from './together.ts'

export interface ToolParts {
  description: ToolDescription
  handler: ToolHandler
  timeoutMs: number
  /** Undefined for a tool that never runs as a task. */
  task?: TaskRule | undefined
  /** Bytes that a result may have. Without it, there is no bound. */
  maxResultBytes?: number | undefined
  /** Without it, any number of calls may run at once. */
  slots?: SlotLimits | undefined
  /** Undefined for a tool whose results are not kept. */
  cache?: KeepRule | undefined
  /** The kept results that its success makes obsolete, by their tags. */
  invalidates?: readonly string[] | undefined
  /** What its schemas were compiled to, where that was done before. */
  schemas?: ToolSchemas
}

/** What is compiled of the schemas of a tool. */
export interface ToolSchemas {
  checkArguments: Check
  checkOutput: Check | undefined
  headerParams: readonly HeaderParam[] | undefined
}

/** Throws a HandlerLoadError for a schema that does not compile, or an AggregateError of several. */
export function compileSchemas ({ inputSchema, outputSchema }: Pick<ToolDescription, 'inputSchema' | 'outputSchema'>): ToolSchemas {
  const [checkArguments, checkOutput, headerParams] = allOf(
    () => compileSchema('inputSchema', inputSchema, true),
    () => outputSchema === undefined ? undefined : compileSchema('outputSchema', outputSchema, false),
    () => headerParamsOf(inputSchema)
  )
  return { checkArguments, checkOutput, headerParams }
}

/** Composes a tool of its schemas, its handler and the stages around it. Throws as `compileSchemas` does. */
export function buildToolEntry ({ description, handler, timeoutMs, task, maxResultBytes = Infinity, slots, cache, invalidates, schemas = compileSchemas(description) }: ToolParts, pipeline: Pipeline): ToolEntry {
  const { name } = description
  const { checkArguments, checkOutput, headerParams } = schemas
  const shapeResult = createShapeResult(name, checkOutput)
  const target: CallTarget<CallToolResult> = {
    kind: 'tool',
    name,
    timeoutMs,
    task,
    slots: slots === undefined ? undefined : new CallSlots(name, slots),
    cache,
    invalidates,
    checkArguments,
    refuseArguments: (mismatches) => new ArgumentsInvalidError(name, mismatches),
    run: (args, context) => whenReady(handler(args, context), shapeResult)
  }
  return { description, target, invoke: pipeline.compose(target), headerParams, budget: { owner: name, maxBytes: maxResultBytes } }
}

function headerParamsOf (inputSchema: JsonObject): readonly HeaderParam[] | undefined {
  try {
    return readHeaderParams(inputSchema)
  } catch (error) {
    if (error instanceof HeaderParamFaultError) throw new HandlerLoadError(['inputSchema', ...error.path], error.message, { cause: error })
    throw error
  }
}

/** Compiles one of a tool's schemas, and says which when it does not compile. */
function compileSchema (key: 'inputSchema' | 'outputSchema', schema: JsonObject, defaults: boolean): Check {
  try {
    return compileCheck(schema, { defaults })
  } catch (error) {
    if (error instanceof SchemaFaultError) throw new HandlerLoadError([key, ...error.path], error.message, { cause: error })
    throw error
  }
}
