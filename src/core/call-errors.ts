/** The errors that belong to one call: of its arguments, its handler, its result, its task, and of an answer that does not get there. */
import { GantryError, rpc, type ErrorDetails } from './errors.ts'

/** A call that reached its tool and failed there: MCP clients get a result with `isError`, REST clients a problem. */
export class ToolCallError extends GantryError {}

/** One reason why a value does not fit its schema. `path` is a JSON pointer; the root is the empty string. */
export interface Mismatch { path: string, message: string }

export class ArgumentsInvalidError extends ToolCallError {
  constructor (toolName: string, mismatches: readonly Mismatch[]) {
    super('MCP_ARGUMENTS_INVALID', 400, rpc.invalidParams, `Invalid arguments for ${toolName}:\n${listMismatches(mismatches)}`, { data: { mismatches } })
  }
}
export class ToolFailedError extends ToolCallError {
  constructor (message: string, details?: ErrorDetails) { super('MCP_TOOL_FAILED', 500, rpc.internal, message, details) }
}
export class ToolTimeoutError extends ToolCallError {
  constructor (toolName: string, timeoutMs: number) { super('MCP_TOOL_TIMEOUT', 504, rpc.internal, `${toolName} did not finish within ${timeoutMs} ms.`) }
}
export class ToolOutputInvalidError extends ToolCallError {
  constructor (toolName: string, mismatches: readonly Mismatch[]) {
    super('MCP_TOOL_OUTPUT_INVALID', 500, rpc.internal, `${toolName} returned a result that does not fit its declared output:\n${listMismatches(mismatches)}`, { data: { mismatches } })
  }
}
/** A tool that said in its own result that it failed, seen over REST; MCP clients get the result as it is. */
export class ToolReportedError extends ToolCallError {
  constructor (message: string) { super('MCP_TOOL_REPORTED', 422, rpc.internal, message) }
}
/** The client cancelled the call or, in the 2026 era, went away: nothing more is sent. */
export class CancelledError extends ToolCallError {
  constructor () { super('MCP_CANCELLED', 499, rpc.internal, 'The client cancelled the call.') }
}
/** Something a handler asked for that this client, era or configuration cannot give. */
export class NotAvailableError extends ToolCallError {
  constructor (what: string, why: string) { super('MCP_NOT_AVAILABLE', 500, rpc.internal, `${what} is not available: ${why}`) }
}

/** One error, whether there is no such task, it has expired, or it belongs to somebody else. */
export class TaskUnknownError extends GantryError {
  constructor () { super('MCP_TASK_UNKNOWN', 404, rpc.invalidParams, 'Unknown task: there is none of this id, or it has expired.') }
}
export class TaskLimitError extends ToolCallError {
  constructor () { super('MCP_TASK_LIMIT', 503, rpc.internal, 'The server keeps as many tasks as it may: try again later.') }
}
export class TaskLostError extends GantryError {
  constructor () { super('MCP_TASK_LOST', 503, rpc.internal, 'The server that ran the task has ended before it: call the tool again.') }
}

/** The answer to a call whose own answer is lost: for those who come back for it. */
export class CallLostError extends GantryError {
  constructor (how = 'The server that served this call has gone away before it answered: the call may have run or not.') { super('MCP_CALL_LOST', 503, rpc.internal, how) }
}
/** A stream to be resumed of which nothing is known (any more). */
export class EventUnknownError extends GantryError {
  constructor () { super('MCP_EVENT_UNKNOWN', 400, rpc.invalidRequest, 'The stream of this Last-Event-ID does not exist in this session, or is kept no more: what was to come on it is lost.') }
}

/** A client's answer to a question of an instance that is gone or cut off. */
export class AnswerUndeliveredError extends GantryError {
  constructor () { super('MCP_ANSWER_UNDELIVERED', 503, rpc.internal, 'The server that asked this cannot be reached, and does not have the answer: send it again in a few seconds. If that fails, too, the call that asked is lost.') }
}

/** Not a failure: the call of a 2026-era client ends here and asks for input. Never sent as an error. */
export class InputRequiredError extends GantryError {
  readonly requests: Readonly<Record<string, { method: string, params: object }>>
  /** What the next round has to know. */
  readonly content: Readonly<Record<string, unknown>>
  constructor (requests: Readonly<Record<string, { method: string, params: object }>>, content: Readonly<Record<string, unknown>>) {
    super('MCP_INPUT_REQUIRED', 500, rpc.internal, 'The call needs input of the client.')
    this.requests = requests
    this.content = content
  }
}
/** The call of a 2026-era client has asked as often, or was answered as much, as one may. */
export class InputLimitError extends ToolCallError {
  constructor (message: string) { super('MCP_INPUT_LIMIT', 500, rpc.internal, message) }
}

function listMismatches (mismatches: readonly Mismatch[]): string {
  return mismatches.map(({ path, message }) => `- ${path === '' ? '(arguments)' : path}: ${message}`).join('\n')
}
