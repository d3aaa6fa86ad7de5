import type { Exchange } from '../context.ts'
import type { Method } from '../dispatcher.ts'
import type { ToolEntry } from '../entries.ts'
import { CancelledError, InvalidParamsError, ToolCallError, ToolUnknownError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import { checkHeaderParams } from '../header-params.ts'
import type { Registry } from '../registry.ts'
import type { Revision } from '../versions.ts'
import { describeTool, unwritableResult, wrapsOutput, type Wire } from '../wire.ts'
import type { CallToolResult, JsonObject } from '../ports.ts'
import { createListMethod } from './list.ts'
import { callEntry, type CallParts } from './call.ts'

export interface ToolParts extends CallParts {
  tools: Registry<ToolEntry>
  wire: Wire
  pageSize: number
}

/** `tools/list` and `tools/call`. MCP 2026-07-28 server/tools. */
export function createToolMethods (parts: ToolParts): [string, Method][] {
  const { tools, wire, pageSize } = parts

  function callTool (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { name, arguments: args = {} } = params
    if (typeof name !== 'string') throw new InvalidParamsError('params.name must be the name of a tool.')
    if (!isObject(args)) throw new InvalidParamsError('params.arguments must be an object.')
    const entry = tools.get(name)
    if (entry === undefined) throw new ToolUnknownError(name)

    const { revision } = exchange
    if (entry.headerParams !== undefined && exchange.header !== undefined) checkHeaderParams(entry.headerParams, args, exchange.header)
    const wrapped = wrapsOutput(entry.description)
    try {
      const text = callEntry(parts, {
        entry, target: `tools/call ${name}`, params, args, exchange, write: (result) => write(name, result, revision, wrapped)
      })
      return typeof text === 'string' ? text : text.catch((error: unknown) => wire.toolResult(errorResult(error), revision, false))
    } catch (error) {
      return wire.toolResult(errorResult(error), revision, false)
    }
  }

  function write (name: string, result: CallToolResult, revision: Revision, wrapped: boolean): string {
    try {
      return wire.toolResult(result, revision, wrapped)
    } catch (error) {
      return wire.toolResult(errorResult(unwritableResult(name, error)), revision, false)
    }
  }

  return [
    ['tools/list', createListMethod({ registry: tools, key: 'tools', describe: (entry, revision) => describeTool(entry.description, revision), wire, pageSize })],
    ['tools/call', callTool]
  ]
}

/** What goes wrong inside of a tool is a result that a model can read; all else stays an error. 2026-07-28 server/tools, Error Handling. */
function errorResult (error: unknown): CallToolResult {
  if (!(error instanceof ToolCallError) || error instanceof CancelledError) throw error
  return { content: [{ type: 'text', text: error.message }], isError: true }
}
