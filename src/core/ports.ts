import type { CallToolResult, GetPromptResult, JsonObject, LogLevel, ReadResourceResult } from '../../schemas/mcp.ts'

/** What the core needs of the world and what others implement. Types only. */

/** The part of pino that Gantry and handlers use: an object of facts first, the sentence after. */
export interface Logger {
  trace: LogFunction
  debug: LogFunction
  info: LogFunction
  warn: LogFunction
  error: LogFunction
}
export interface LogFunction {
  (facts: object, sentence?: string): void
  (sentence: string): void
}

/** Who is calling, as permissions, limits and audit see it. Never holds a credential. */
export interface Principal {
  readonly name: string
  readonly permissions: readonly string[]
  readonly tier: string | undefined
}

/** Time, so that tests can move it. Milliseconds since the epoch. */
export interface Clock { now (): number }

/** What a handler is given beside its arguments. What the caller or the configuration cannot give throws NotAvailableError. */
export interface HandlerContext {
  /** Aborted when the call times out, when the client cancels it, and in the 2026 era when the client disconnects. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Identifies this request in the logs; not the JSON-RPC id. */
  readonly requestId: string
  readonly sessionId: string | undefined
  readonly principal: Principal
  /** The tool (or prompt, or resource) that was called; `uri` is the resource's, as the client asked for it. */
  readonly metadata: { readonly toolName: string, readonly uri?: string }
  /** W3C trace context of the caller, when it sent one. */
  readonly traceparent: string | undefined
  /** Reports progress to the client, when it asked for it. The value must grow with each report (others are dropped). */
  progress (progress: number, total?: number, message?: string): void
  /** Sends a log message to the client, when it asked for that level. `logger` writes to the server's own log. */
  log (level: LogLevel, data: unknown, logger?: string): void
  /** Asks the user, through the client, to fill in a form. */
  elicit (message: string, requestedSchema: JsonObject): Promise<unknown>
  /** Asks the client's model for a completion. */
  sample (messages: readonly unknown[], options?: JsonObject): Promise<unknown>
  /** Reads one of this server's own resources, with the caller's rights. */
  readResource (uri: string): Promise<ReadResourceResult>
  /** A configured database by name. */
  db (name: string): unknown
  readonly redis: unknown
  readonly cache: unknown
}

/** What a file exports, an embedder registers, or a resolver builds. May return a full tool result, a string or any JSON value. */
export type ToolHandler = (args: JsonObject, context: HandlerContext) => unknown
/** Like a ToolHandler; returns a full prompt result, a list of messages, or a string. */
export type PromptHandler = ToolHandler
/** Called with the variables of the template (none for a plain resource) and the URI in `context.metadata.uri`. */
export type ResourceHandler = ToolHandler

/** A handler type of the configuration file (`file`, `inline`, `http`, `registry`, …): turns its entry into a function, once, at load. */
export interface HandlerResolver<Spec extends { type: string }> {
  readonly type: Spec['type']
  /** Rejects with a HandlerLoadError whose message says what, where and what to do. */
  resolve (spec: Spec, owner: HandlerOwner): Promise<ToolHandler>
}
/** Whose handler is being resolved: for messages, and for the defaults that come from the owner. */
export interface HandlerOwner {
  readonly kind: 'tool' | 'prompt' | 'resource'
  readonly name: string
  /** Milliseconds the whole call may take. */
  readonly timeoutMs: number
}

export type { CallToolResult, GetPromptResult, JsonObject, LogLevel, ReadResourceResult }
