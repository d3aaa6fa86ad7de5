import { ToolFailedError, ToolOutputInvalidError } from '../core/call-errors.ts'
import { isObject } from '../core/json-rpc.ts'
import { compileCheck, type Check } from '../core/validation.ts'
import { unwritableResult } from '../core/wire.ts'
import { CallToolResult } from '../../schemas/mcp.ts'

/** Makes a tool result out of whatever a handler returned, and holds it against the tool's output schema. */
export type ShapeResult = (output: unknown) => CallToolResult

const resultKeys: ReadonlySet<string> = new Set(Object.keys(CallToolResult.properties))
let checkFullResult: Check | undefined

/**
 * A handler returns a full result (`content`, `structuredContent`, `isError`, `_meta`), a string, or any JSON value. The last two become
 * a text block; a value that is an object, or any where the tool has an output schema, is the structured content too.
 */
export function createShapeResult (toolName: string, checkOutput: Check | undefined): ShapeResult {
  return function shapeResult (output) {
    const result = isFullResult(output) ? completeResult(toolName, output) : resultOfValue(toolName, output, checkOutput !== undefined)
    if (checkOutput === undefined || result.isError === true) return result
    return conform(toolName, result, checkOutput)
  }
}

function isFullResult (output: unknown): output is { [key: string]: unknown } {
  if (!isObject(output)) return false
  if (!('structuredContent' in output) && !Array.isArray(output['content'])) return false
  for (const key in output) if (!resultKeys.has(key)) return false
  return true
}

/** `content` may be left out beside structured content: then its text is the JSON. 2026-07-28 server/tools, Structured Content. */
function completeResult (toolName: string, output: { [key: string]: unknown }): CallToolResult {
  const { structuredContent } = output
  const result = output['content'] !== undefined ? output : { ...output, content: [{ type: 'text', text: jsonText(toolName, structuredContent) }] }
  checkFullResult ??= compileCheck(CallToolResult, { defaults: false })
  const mismatches = checkFullResult(result)
  if (mismatches !== undefined) throw new ToolOutputInvalidError(toolName, mismatches)
  return result as CallToolResult // the check above says so
}

function resultOfValue (toolName: string, output: unknown, structured: boolean): CallToolResult {
  if (output === undefined) return { content: [] }
  const text = typeof output === 'string' ? output : jsonText(toolName, output)
  const content: CallToolResult['content'] = [{ type: 'text', text }]
  return structured || isObject(output) ? { content, structuredContent: output } : { content }
}

/** What JSON cannot hold is an error rather than a hole in the answer. */
function jsonText (toolName: string, value: unknown): string {
  if (value instanceof Map || value instanceof Set) throw new ToolFailedError(`${toolName} returned a ${value.constructor.name}, which JSON cannot hold: return an object or an array.`)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw unwritableResult(toolName, error)
  }
  if (text === undefined) throw new ToolFailedError(`${toolName} returned a ${typeof value}, which JSON cannot hold.`)
  return text
}

function conform (toolName: string, result: CallToolResult, checkOutput: Check): CallToolResult {
  if (result.structuredContent === undefined) {
    throw new ToolOutputInvalidError(toolName, [{ path: '', message: 'the tool declares an output schema, so it must return structured content' }])
  }
  if (checkOutput(result.structuredContent) === undefined) return result
  // Dates and the like fit only as the JSON they become.
  const structuredContent: unknown = JSON.parse(jsonText(toolName, result.structuredContent))
  const mismatches = checkOutput(structuredContent)
  if (mismatches !== undefined) throw new ToolOutputInvalidError(toolName, mismatches)
  return { ...result, structuredContent }
}
