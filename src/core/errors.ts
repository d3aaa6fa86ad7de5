/**
 * Every error Gantry throws on purpose; those of calls are in call-errors.ts. A code is permanent: once published it is never given another
 * meaning. docs/errors.md describes each and is checked against both files.
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

  /** What an HTTP answer that is this error carries beside it. Lower-case names. */
  get headers (): Readonly<Record<string, string>> { return noHeaders }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})
export const retrySoon: Readonly<Record<string, string>> = Object.freeze({ 'retry-after': '2' })

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
  readonly capability: string
  constructor (capability: string, requiredCapabilities: object) {
    super('MCP_MISSING_CAPABILITY', 400, rpc.missingCapability, `The client did not declare the capability "${capability}" that this needs.`, { data: { requiredCapabilities } })
    this.capability = capability
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

/** What instances share (sessions, streams, events, counters) cannot be reached at the moment. The cause is for logs, without credentials. */
export class StateUnavailableError extends GantryError {
  constructor (details?: ErrorDetails, what = 'the store of its sessions') {
    super('MCP_STATE_UNAVAILABLE', 503, rpc.internal, `The server cannot reach ${what} at the moment: try again in a few seconds.`, details)
  }

  override get headers (): Readonly<Record<string, string>> { return retrySoon }
}

/** What was asked for has to be recorded, and cannot be at the moment: it is not done, or its result is not given. */
export class AuditUnavailableError extends GantryError {
  constructor (details?: ErrorDetails) {
    super('MCP_AUDIT_UNAVAILABLE', 503, rpc.internal, 'The server cannot write its audit log at the moment, and does nothing unrecorded: try again later.', details)
  }

  override get headers (): Readonly<Record<string, string>> { return retrySoon }
}

export class MethodNotAllowedError extends GantryError {
  readonly allowed: readonly string[]
  constructor (message: string, allowed: readonly string[]) {
    super('MCP_METHOD_NOT_ALLOWED', 405, rpc.invalidRequest, message)
    this.allowed = allowed
  }

  override get headers (): Readonly<Record<string, string>> { return { allow: this.allowed.join(', ') } }
}
export class NotAcceptableError extends GantryError {
  constructor () { super('MCP_NOT_ACCEPTABLE', 406, rpc.invalidRequest, 'The Accept header does not allow what this is answered with: send application/json, text/event-stream.') }
}
export class UnsupportedMediaTypeError extends GantryError {
  constructor (message: string) { super('MCP_UNSUPPORTED_MEDIA_TYPE', 415, rpc.invalidRequest, message) }
}
/** A client that takes too long to send what it began. RFC 9110 section 15.5.9. */
export class RequestTimeoutError extends GantryError {
  constructor () { super('MCP_REQUEST_TIMEOUT', 408, rpc.invalidRequest, 'The request did not arrive in time.') }
}
/** RFC 6585 section 5. */
export class HeadersTooLargeError extends GantryError {
  constructor () { super('MCP_HEADERS_TOO_LARGE', 431, rpc.invalidRequest, 'The headers are larger than 16 KiB.') }
}
export class BodyTooLargeError extends GantryError {
  constructor (limitBytes: number) { super('MCP_BODY_TOO_LARGE', 413, rpc.invalidRequest, `The body is larger than the limit of ${limitBytes} bytes.`) }
}
/** Carries a WWW-Authenticate header that says what to do about it. RFC 9110 section 11.6.1. */
class ChallengeError extends GantryError {
  readonly challenge: string
  constructor (code: string, status: number, message: string, challenge: string, details?: ErrorDetails) {
    super(code, status, rpc.invalidRequest, message, details)
    this.challenge = challenge
  }

  override get headers (): Readonly<Record<string, string>> { return { 'www-authenticate': this.challenge } }
}
/** No credential, or none that counts: which of the reasons it was is not told. */
export class UnauthenticatedError extends ChallengeError {
  /** Whether no credential was shown, or one that does not count: clients are told by the challenge. */
  readonly reason: 'missing' | 'invalid'
  constructor (message: string, challenge: string, reason: 'missing' | 'invalid' = 'missing') {
    super('MCP_UNAUTHENTICATED', 401, message, challenge)
    this.reason = reason
  }
}
/** A bearer credential that cannot be read as one. RFC 6750 section 3.1, invalid_request. */
export class CredentialMalformedError extends ChallengeError {
  constructor (message: string, challenge: string) { super('MCP_CREDENTIAL_MALFORMED', 400, message, challenge) }
}
/** An access token that counts, without a scope that is needed: the challenge names all of them. RFC 6750 section 3.1, insufficient_scope. */
export class InsufficientScopeError extends ChallengeError {
  constructor (challenge: string, details?: ErrorDetails) {
    super('MCP_INSUFFICIENT_SCOPE', 403, 'The access token lacks a scope that this needs. The WWW-Authenticate header names the scopes to ask for.', challenge, details)
  }
}
/** The keys of an issuer of tokens have not been fetched yet: whether a token counts cannot be said. */
export class IssuerUnavailableError extends GantryError {
  readonly retryAfterSeconds: number
  constructor (retryAfterSeconds: number) {
    super('MCP_ISSUER_UNAVAILABLE', 503, rpc.internal, 'The server cannot reach the issuer of this access token to verify it: try again later.')
    this.retryAfterSeconds = retryAfterSeconds
  }

  override get headers (): Readonly<Record<string, string>> { return { 'retry-after': String(this.retryAfterSeconds) } }
}
/** More than a limit admits. RFC 6585 section 4. */
export class RateLimitedError extends GantryError {
  readonly retryAfterSeconds: number
  constructor (message: string, retryAfterSeconds: number, details?: ErrorDetails) {
    super('MCP_RATE_LIMITED', 429, rpc.internal, message, details)
    this.retryAfterSeconds = retryAfterSeconds
  }

  override get headers (): Readonly<Record<string, string>> { return { 'retry-after': String(this.retryAfterSeconds) } }
}
/** The same for all addresses that are not listed, whatever they ask for. */
export class AddressRefusedError extends GantryError {
  constructor () { super('MCP_ADDRESS_REFUSED', 403, rpc.invalidRequest, 'Requests from this address are not served.') }
}
export class HostRefusedError extends GantryError {
  constructor (message: string) { super('MCP_HOST_REFUSED', 403, rpc.invalidRequest, message) }
}
export class RouteUnknownError extends GantryError {
  constructor (method: string, path: string, details?: ErrorDetails) { super('MCP_ROUTE_UNKNOWN', 404, rpc.invalidRequest, `There is nothing at ${method} ${path}.`, details) }
}
export class StreamLimitError extends GantryError {
  constructor (open: number) { super('MCP_STREAM_LIMIT', 429, rpc.internal, `This caller has ${open} streams open, as many as it may: close one before you open another.`) }
}
export class OverloadedError extends GantryError {
  constructor () { super('MCP_OVERLOADED', 503, rpc.internal, 'The server is overloaded: try again later.') }
}

export class ToolUnknownError extends GantryError {
  constructor (name: string, details?: ErrorDetails) { super('MCP_TOOL_UNKNOWN', 404, rpc.invalidParams, `Unknown tool: ${name}`, details) }
}
export class PromptUnknownError extends GantryError {
  constructor (name: string, details?: ErrorDetails) { super('MCP_PROMPT_UNKNOWN', 404, rpc.invalidParams, `Unknown prompt: ${name}`, details) }
}
/** -32002 until 2025-11-25, -32602 from 2026-07-28 on; the era's shaper chooses. */
export class ResourceUnknownError extends GantryError {
  constructor (uri: string, details: ErrorDetails = {}) { super('MCP_RESOURCE_UNKNOWN', 404, rpc.resourceNotFound, `Resource not found: ${uri}`, { ...details, data: { uri } }) }
}
/** Why something is unknown to a caller that is there: the cause of such an error, for the log and the audit. Never sent. */
export class PermissionRefusedError extends GantryError {
  /** What it would have taken, such as `tools:call:report-daily`. */
  readonly permission: string
  constructor (permission: string) {
    super('MCP_PERMISSION_REFUSED', 403, rpc.invalidRequest, `The permission ${permission} is missing.`)
    this.permission = permission
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

/** A file that the configuration names, beside handlers and resources, cannot be used: the server does not start. Never sent. */
export class ReferencedFileError extends GantryError {
  constructor (message: string, details?: ErrorDetails) {
    super('MCP_REFERENCED_FILE', 500, rpc.internal, message, details)
  }
}

/** The address for metrics cannot be listened on: the server does not start. Never sent. */
export class ListenerError extends GantryError {
  constructor (message: string, details?: ErrorDetails) { super('MCP_LISTENER', 500, rpc.internal, message, details) }
}

/** The file of the audit log cannot be used: the server does not start. Never sent. */
export class AuditFileError extends GantryError {
  /** Another process writes it; nothing is wrong with the configuration of this one by itself. */
  readonly inUse: boolean
  constructor (message: string, { inUse = false, ...details }: ErrorDetails & { inUse?: boolean } = {}) {
    super('MCP_AUDIT_FILE', 500, rpc.internal, message, details)
    this.inUse = inUse
  }
}
