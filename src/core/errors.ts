/**
 * Every error Gantry throws on purpose. A code is permanent: once published it is never given another meaning.
 * docs/errors.md describes each and is checked against this file.
 */

/** JSON-RPC 2.0 section 5.1 and MCP 2026-07-28 basic/index, Error Codes. */
export const rpc = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  resourceNotFound: -32002,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022
} as const

export interface ErrorDetails { data?: unknown, cause?: unknown }

/** The base: a stable code, a text for the client, an HTTP status and a JSON-RPC number. */
export class GantryError extends Error {
  readonly code: string
  readonly status: number
  readonly rpcCode: number
  readonly data: unknown

  constructor (code: string, status: number, rpcCode: number, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = status
    this.rpcCode = rpcCode
    this.data = details.data
  }

  override get name (): string { return this.constructor.name }
}

/** A call that reached its tool and failed there: MCP clients get a result with `isError`, REST clients a problem. */
export class ToolCallError extends GantryError {}

export class ParseError extends GantryError {
  constructor (message = 'The body is not valid JSON.', details?: ErrorDetails) { super('MCP_PARSE_ERROR', 400, rpc.parse, message, details) }
}
export class InvalidRequestError extends GantryError {
  constructor (message: string, details?: ErrorDetails) { super('MCP_INVALID_REQUEST', 400, rpc.invalidRequest, message, details) }
}
export class MethodNotFoundError extends GantryError {
  constructor (method: string) { super('MCP_METHOD_NOT_FOUND', 404, rpc.methodNotFound, `Method not found: ${method}`) }
}
export class InvalidParamsError extends GantryError {
  constructor (message: string, details?: ErrorDetails) { super('MCP_INVALID_PARAMS', 400, rpc.invalidParams, message, details) }
}
export class InternalError extends GantryError {
  constructor (details?: ErrorDetails) { super('MCP_INTERNAL', 500, rpc.internal, 'Internal error. The server log has the details under this request\'s id.', details) }
}

export class HeaderMismatchError extends GantryError {
  constructor (message: string) { super('MCP_HEADER_MISMATCH', 400, rpc.headerMismatch, message) }
}
export class MissingCapabilityError extends GantryError {
  constructor (capability: string, requiredCapabilities: object) {
    super('MCP_MISSING_CAPABILITY', 400, rpc.missingCapability, `The client did not declare the capability "${capability}" that this needs.`, { data: { requiredCapabilities } })
  }
}
export class UnsupportedVersionError extends GantryError {
  constructor (requested: string, supported: readonly string[]) {
    super('MCP_UNSUPPORTED_VERSION', 400, rpc.unsupportedVersion, `Protocol version ${JSON.stringify(requested)} is not supported. Supported: ${supported.join(', ')}.`, { data: { supported, requested } })
  }
}

export class SessionRequiredError extends GantryError {
  constructor () { super('MCP_SESSION_REQUIRED', 400, rpc.invalidRequest, 'This request needs a session: send the Mcp-Session-Id header that initialize returned.') }
}
export class SessionUnknownError extends GantryError {
  constructor (remedy = 'send initialize to start a new session') { super('MCP_SESSION_UNKNOWN', 404, rpc.invalidRequest, `This session does not exist or has ended: ${remedy}.`) }
}
export class SessionLimitError extends GantryError {
  constructor () { super('MCP_SESSION_LIMIT', 503, rpc.internal, 'The server holds as many sessions as it may: end one, or try again later.') }
}

/** The store of sessions, streams and events does not answer at the moment. The cause is for logs, without credentials. */
export class StateUnavailableError extends GantryError {
  /** What the Retry-After header says. */
  readonly retryAfterSeconds = 2
  constructor (details?: ErrorDetails) {
    super('MCP_STATE_UNAVAILABLE', 503, rpc.internal, 'The server cannot reach the store of its sessions at the moment: try again in a few seconds.', details)
  }
}

export class MethodNotAllowedError extends GantryError {
  constructor (message: string) { super('MCP_METHOD_NOT_ALLOWED', 405, rpc.invalidRequest, message) }
}
export class NotAcceptableError extends GantryError {
  constructor () { super('MCP_NOT_ACCEPTABLE', 406, rpc.invalidRequest, 'The Accept header does not allow what this is answered with: send application/json, text/event-stream.') }
}
export class UnsupportedMediaTypeError extends GantryError {
  constructor (message: string) { super('MCP_UNSUPPORTED_MEDIA_TYPE', 415, rpc.invalidRequest, message) }
}
export class BodyTooLargeError extends GantryError {
  constructor (limitBytes: number) { super('MCP_BODY_TOO_LARGE', 413, rpc.invalidRequest, `The body is larger than the limit of ${limitBytes} bytes.`) }
}
export class HostRefusedError extends GantryError {
  constructor (message: string) { super('MCP_HOST_REFUSED', 403, rpc.invalidRequest, message) }
}
export class RouteUnknownError extends GantryError {
  constructor (method: string, path: string) { super('MCP_ROUTE_UNKNOWN', 404, rpc.invalidRequest, `There is nothing at ${method} ${path}.`) }
}
export class OverloadedError extends GantryError {
  constructor () { super('MCP_OVERLOADED', 503, rpc.internal, 'The server is overloaded: try again later.') }
}

export class ToolUnknownError extends GantryError {
  constructor (name: string) { super('MCP_TOOL_UNKNOWN', 404, rpc.invalidParams, `Unknown tool: ${name}`) }
}
export class PromptUnknownError extends GantryError {
  constructor (name: string) { super('MCP_PROMPT_UNKNOWN', 404, rpc.invalidParams, `Unknown prompt: ${name}`) }
}
/** -32002 until 2025-11-25, -32602 from 2026-07-28 on; the era's shaper chooses. */
export class ResourceUnknownError extends GantryError {
  constructor (uri: string) { super('MCP_RESOURCE_UNKNOWN', 404, rpc.resourceNotFound, `Resource not found: ${uri}`, { data: { uri } }) }
}

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

/** Not a failure: the call of a 2026-era client ends here and asks for input. Never sent as an error. */
export class InputRequiredError extends GantryError {
  readonly requests: Readonly<Record<string, { method: string, params: object }>>
  /** What was answered in the rounds before. */
  readonly answers: Readonly<Record<string, unknown>>
  constructor (requests: Readonly<Record<string, { method: string, params: object }>>, answers: Readonly<Record<string, unknown>>) {
    super('MCP_INPUT_REQUIRED', 500, rpc.internal, 'The call needs input of the client.')
    this.requests = requests
    this.answers = answers
  }
}

/** A handler of the configuration that cannot be loaded. `path` leads to the fault from the handler's own entry. */
export class HandlerLoadError extends GantryError {
  readonly path: readonly (string | number)[]
  constructor (path: readonly (string | number)[], message: string, details?: ErrorDetails) {
    super('MCP_HANDLER_LOAD', 500, rpc.internal, message, details)
    this.path = path
  }
}

function listMismatches (mismatches: readonly Mismatch[]): string {
  return mismatches.map(({ path, message }) => `- ${path === '' ? '(arguments)' : path}: ${message}`).join('\n')
}
