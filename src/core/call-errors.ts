/** The errors that belong to one call: of its arguments, its handler, its result, its task, and of an answer that does not get there. */
import { GantryError, retrySoon, rpc, type ErrorDetails } from './errors.ts'

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
/** As many requests to the API of an `http` tool are under way, and wait, as may. */
export class UpstreamBusyError extends ToolCallError {
  constructor (request: string) { super('MCP_UPSTREAM_BUSY', 503, rpc.internal, `${request} was not sent: as many requests to this server are under way, and wait, as may. Try again later.`) }
}
/** The API of an `http` tool failed so often that nothing is sent to it for a while. */
export class UpstreamFailingError extends ToolCallError {
  readonly retryAfterSeconds: number
  constructor (request: string, retryAfterSeconds: number) {
    super('MCP_UPSTREAM_FAILING', 503, rpc.internal, `${request} was not sent: this server has failed several times in a row. Try again in ${retryAfterSeconds} s.`, { data: { retryAfterSeconds } })
    this.retryAfterSeconds = retryAfterSeconds
  }

  override get headers (): Readonly<Record<string, string>> { return { 'retry-after': String(this.retryAfterSeconds) } }
}
/** The text tells no address: the caller may have chosen the name, to learn what is behind it. */
export class EgressRefusedError extends ToolCallError {
  constructor (request: string, details?: ErrorDetails) { super('MCP_EGRESS_REFUSED', 502, rpc.internal, `${request} was not sent: the host has no address that this tool may reach.`, details) }
}
/** A database cannot be reached. The cause is for logs, without credentials. */
export class DatabaseUnavailableError extends ToolCallError {
  constructor (name: string, details?: ErrorDetails, effect = 'Nothing was done') {
    super('MCP_DATABASE_UNAVAILABLE', 503, rpc.internal, `The database ${JSON.stringify(name)} cannot be reached at the moment. ${effect}: try again in a few seconds.`, details)
  }

  override get headers (): Readonly<Record<string, string>> { return retrySoon }
}
/** As many statements run on a database, and wait, as may; or none of its connections was free in time. */
export class DatabaseBusyError extends ToolCallError {
  constructor (name: string, details?: ErrorDetails) {
    super('MCP_DATABASE_BUSY', 503, rpc.internal, `The database ${JSON.stringify(name)} is busy: none of its connections was free. Nothing was done: try again later.`, details)
  }

  override get headers (): Readonly<Record<string, string>> { return retrySoon }
}
export class ToolTimeoutError extends ToolCallError {
  constructor (toolName: string, timeoutMs: number) { super('MCP_TOOL_TIMEOUT', 504, rpc.internal, `${toolName} did not finish within ${timeoutMs} ms.`) }
}
export class ToolOutputInvalidError extends ToolCallError {
  constructor (toolName: string, mismatches: readonly Mismatch[]) {
    super('MCP_TOOL_OUTPUT_INVALID', 500, rpc.internal, `${toolName} returned a result that does not fit its declared output:\n${listMismatches(mismatches)}`, { data: { mismatches } })
  }
}
/** As many calls of a tool run, and wait, as may (`maxConcurrent`, `maxQueue`). */
export class ToolBusyError extends ToolCallError {
  constructor (toolName: string) {
    super('MCP_TOOL_BUSY', 503, rpc.internal, `${toolName} is busy: as many calls of it run, and wait, as may. The call was not made: try again later.`)
  }

  override get headers (): Readonly<Record<string, string>> { return retrySoon }
}
/** A result that is larger than may be sent, and of which nothing can be left out. */
export class ResultTooLargeError extends ToolCallError {
  constructor (owner: string, bytes: number, maxBytes: number) {
    super('MCP_RESULT_TOO_LARGE', 500, rpc.internal, `The result of ${owner} has ${bytes} bytes; ${maxBytes} may be sent, and it cannot be cut. Ask for less.`, { data: { bytes, maxBytes } })
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
