import type { CacheHints } from '../cache-hints.ts'
import type { Audit } from '../audit.ts'
import type { Exchange } from '../exchange.ts'
import { describeTool, wrapsOutput } from '../descriptions.ts'
import type { Method } from '../dispatcher.ts'
import type { ToolEntry } from '../entries.ts'
import { CancelledError, ToolCallError } from '../call-errors.ts'
import { InvalidParamsError } from '../errors.ts'
import type { InFlight } from '../in-flight.ts'
import { isObject } from '../json-rpc.ts'
import { checkHeaderParams } from '../header-params.ts'
import { findTool, listedBy } from '../lookup.ts'
import { failureOf, reportedFailure } from '../outcome.ts'
import type { Meter } from '../meter.ts'
import type { Registry } from '../registry.ts'
import type { ResultBudget } from '../result-budget.ts'
import { TaskCall } from '../tasks/task-call.ts'
import type { Tasks } from '../tasks/tasks.ts'
import type { Tolerance } from '../tolerating.ts'
import { logThrown } from '../thrown.ts'
import { unsendableResult, type Wire } from '../wire.ts'
import type { CallToolResult, JsonObject } from '../ports.ts'
import { createListMethod } from './list.ts'
import { callEntry, type CallParts } from './call.ts'
import { mendArguments } from './params.ts'
import { answerWithTask, mayBecomeTask } from './tasks.ts'

export interface ToolParts extends CallParts {
  tools: Registry<ToolEntry>
  wire: Wire
  cacheHints: CacheHints
  pageSize: number
  /** Undefined for a server that keeps none. */
  tasks: Tasks | undefined
  inFlight: InFlight
  tolerance: Tolerance
  audit: Audit | undefined
  meter: Meter | undefined
}

/** `tools/list` and `tools/call`. MCP 2026-07-28 server/tools. */
export function createToolMethods (parts: ToolParts): [string, Method][] {
  const { tools, wire, cacheHints, pageSize, tasks, inFlight, tolerance, audit, meter } = parts

  function callTool (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { name, arguments: given = {} } = params
    if (typeof name !== 'string') throw new InvalidParamsError('params.name must be the name of a tool.')
    const args = isObject(given) ? given : mendArguments(given, exchange, tolerance)
    const entry = findTool(tools, name, exchange.principal, meter)

    if (entry.headerParams !== undefined && exchange.header !== undefined) checkHeaderParams(entry.headerParams, args, exchange.header)
    if (tasks === undefined || !mayBecomeTask(entry, exchange)) return perform(entry, params, args, exchange)
    // No closure here: it would hold the request for as long as the task runs.
    const call = new TaskCall(exchange, { tasks, inFlight, audit })
    return answerWithTask(call, performLater(entry, params, args, call), wire, writeFailure)
  }

  async function performLater (entry: ToolEntry, params: JsonObject, args: JsonObject, call: TaskCall): Promise<string> {
    return await perform(entry, params, args, call)
  }

  function writeFailure (error: ToolCallError): string {
    return wire.result(errorResult(error), '2026-07-28')
  }

  /** Gives the text of the result; throws or rejects with what is no result. */
  function perform (entry: ToolEntry, params: JsonObject, args: JsonObject, exchange: Exchange): string | Promise<string> {
    try {
      const text = callEntry(parts, {
        entry, target: `tools/call ${entry.target.name}`, params, args, exchange, write: (result) => write(result, entry, exchange)
      })
      return typeof text === 'string' ? text : text.catch((error: unknown) => writeError(error, entry, exchange))
    } catch (error) {
      return writeError(error, entry, exchange)
    }
  }

  function write (result: CallToolResult, entry: ToolEntry, exchange: Exchange): string {
    if (result.isError === true) exchange.failed?.(reportedFailure)
    try {
      return wire.toolResult(result, exchange.revision, wrapsOutput(entry.description), budgetOf(entry, exchange))
    } catch (error) {
      logThrown(exchange.logger, error, { requestId: exchange.requestId }, `The result of the tool ${entry.target.name} cannot be sent.`)
      return writeError(unsendableResult(entry.target.name, error), entry, exchange)
    }
  }

  function writeError (error: unknown, entry: ToolEntry, exchange: Exchange): string {
    const result = errorResult(error)
    exchange.failed?.(failureOf(error))
    return wire.toolResult(result, exchange.revision, false, budgetOf(entry, exchange))
  }

  return [
    ['tools/list', createListMethod({ registry: tools, key: 'tools', isListed: listedBy.tool, describe: (entry, revision) => describeTool(entry.description, revision), hint: cacheHints.lists, wire, pageSize, tolerance })],
    ['tools/call', callTool]
  ]
}

/** A result that a task keeps has to fit there, too. */
function budgetOf ({ budget }: ToolEntry, { task }: Exchange): ResultBudget {
  return task === undefined || task.maxResultBytes >= budget.maxBytes ? budget : { ...budget, maxBytes: task.maxResultBytes }
}

/** What goes wrong inside of a tool is a result that a model can read; all else stays an error. 2026-07-28 server/tools, Error Handling. */
function errorResult (error: unknown): CallToolResult {
  if (!(error instanceof ToolCallError) || error instanceof CancelledError) throw error
  return { content: [{ type: 'text', text: error.message }], isError: true }
}
