import { ArgumentsInvalidError, HandlerLoadError } from '../core/errors.ts'
import type { ToolEntry } from '../core/entries.ts'
import type { CallTarget, Pipeline } from '../core/pipeline.ts'
import type { TaskRule } from '../core/tasks/lane.ts'
import { compileCheck, SchemaFaultError, type Check } from '../core/validation.ts'
import type { CallToolResult, ToolHandler } from '../core/ports.ts'
import type { JsonObject, ToolDescription } from '../../schemas/mcp.ts'
import { HeaderParamFaultError, readHeaderParams, type HeaderParam } from '../core/header-params.ts'
import { whenReady } from './await.ts'
import { createShapeResult } from './result.ts'

export interface ToolParts {
  description: ToolDescription
  handler: ToolHandler
  timeoutMs: number
  /** Undefined for a tool that never runs as a task. */
  task?: TaskRule | undefined
}

/** Compiles a tool: its schemas, its handler and the stages around it. Throws HandlerLoadError for a schema that does not compile. */
export function buildToolEntry ({ description, handler, timeoutMs, task }: ToolParts, pipeline: Pipeline): ToolEntry {
  const { name, inputSchema, outputSchema } = description
  const shapeResult = createShapeResult(name, outputSchema === undefined ? undefined : compileSchema('outputSchema', outputSchema, false))
  const target: CallTarget<CallToolResult> = {
    kind: 'tool',
    name,
    timeoutMs,
    task,
    checkArguments: compileSchema('inputSchema', inputSchema, true),
    refuseArguments: (mismatches) => new ArgumentsInvalidError(name, mismatches),
    run: (args, context) => whenReady(handler(args, context), shapeResult)
  }
  return { description, target, invoke: pipeline.compose(target), headerParams: headerParamsOf(inputSchema) }
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
export function compileSchema (key: 'inputSchema' | 'outputSchema', schema: JsonObject, defaults: boolean): Check {
  try {
    return compileCheck(schema, { defaults })
  } catch (error) {
    if (error instanceof SchemaFaultError) throw new HandlerLoadError([key], error.message, { cause: error })
    throw error
  }
}
