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
  /** How it is known: by nothing, by an API key, by an access token, or as whoever started the program (stdio). */
  readonly kind: 'anonymous' | 'key' | 'token' | 'local'
  /** Identifies it: sessions, tasks and limits belong to a name. */
  readonly name: string
  readonly permissions: readonly string[]
  readonly tier: string | undefined
  /** From when on its credential counts no more; milliseconds since the epoch. Absent for never. */
  readonly expiresAtMs?: number
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
  /**
   * Asks the user, through the client, to fill in a form. In the 2026 era the call ends here and the handler runs again from its start
   * when the answer is there: what it does before it asks must bear being done twice. The answer is that to this very question: one that
   * is worded differently then is asked anew.
   */
  elicit (message: string, requestedSchema: JsonObject, options?: AskOptions): Promise<ElicitResult>
  /** Asks the user, through the client, to visit a page. */
  elicitUrl (message: string, url: string, options?: AskOptions): Promise<ElicitResult>
  /** Asks the client's model for a completion. `maxTokens` is 1000 unless given. */
  sample (messages: readonly unknown[], request?: JsonObject, options?: AskOptions): Promise<SampleResult>
  /** Asks the client for the places it opened to servers. */
  roots (options?: AskOptions): Promise<Root[]>
  /**
   * Lets go of the connection while a long call goes on; the client comes back after `retryMs` and gets what it missed. Does nothing where
   * the client could not come back: outside of sessions, and before 2025-11-25.
   */
  suspend (retryMs?: number): void
  /**
   * Goes on as a task of its own, where the tool says `"taskStart": "handler"` and the client takes tasks; does nothing otherwise. Before
   * this, what the client is asked is asked as in any call; after it, the handler runs once and waits for its answers.
   */
  startTask (): Promise<void>
  /** Tells clients that a list, or one resource, has changed. */
  announce (change: Change): Promise<void>
  /** Reads one of this server's own resources, with the caller's rights. */
  readResource (uri: string): Promise<ReadResourceResult>
  /** A database of the configuration, by its name under `databases`. */
  db (name: string): HandlerDatabase
  readonly redis: unknown
  /** Keeps values beside the results of tools, for as long as there is room for them. Needs the `caching` section. */
  readonly cache: HandlerCache
}

/** A database, for the handler of one call. */
export interface HandlerDatabase {
  /**
   * Runs one statement, with `$1`, `$2`, … for its values, in a transaction of its own that may write. Ends with the call: when its signal
   * fires, the statement is cancelled on the server. Rejects with an error whose `code` says why; what the database refused has `data.sqlState`.
   */
  query (text: string, values?: readonly unknown[]): Promise<QueryResult>
}

/** What a statement came to. Values are JSON values: see handlers.md. */
export interface QueryResult {
  readonly rows: JsonObject[]
  /** Rows that were returned or, where none are, changed. */
  readonly rowCount: number
}

/** JSON values that a tool (or prompt, or resource) keeps for its later calls, of any caller. One that is away is undefined, and keeps nothing. */
export interface HandlerCache {
  /** A copy of what is kept. Keys are texts of 1 to 512 characters. */
  get (key: string): Promise<unknown>
  /** Keeps a value for so long; without a time, for `caching.ttl`. Rejects with a TypeError for what JSON cannot hold, or is too large. */
  set (key: string, value: unknown, ttlSeconds?: number): Promise<void>
  delete (key: string): Promise<void>
}

/** How one question to the client is asked. */
export interface AskOptions {
  /** Names the question in the 2026 era, where its answer comes with a later request. Without it, questions are numbered in their order. */
  key?: string
  /** Milliseconds to wait in the 2025 era; five minutes unless given. */
  timeoutMs?: number
}

/** What clients can be told has changed. `resource` names the one that did; the others mean the whole list. */
export type Change = { kind: 'tools' | 'prompts' | 'resources' } | { kind: 'resource', uri: string }

/** How the user met a form. `content` is there when it was accepted, and fits the schema that was asked for. */
export interface ElicitResult { action: 'accept' | 'decline' | 'cancel', content?: JsonObject }
/** What the client's model said. */
export interface SampleResult { role: string, content: unknown, model: string, stopReason?: string }
/** A place that the client opened to the server. */
export interface Root { uri: string, name?: string }

/** What a file exports, an embedder registers, or a resolver builds. May return a full tool result, a string or any JSON value. */
export type ToolHandler = (args: JsonObject, context: HandlerContext) => unknown
/** Like a ToolHandler; returns a full prompt result, a list of messages, or a string. */
export type PromptHandler = ToolHandler
/** Called with the variables of the template (none for a plain resource) and the URI in `context.metadata.uri`. */
export type ResourceHandler = ToolHandler

/** A handler type of the configuration file (`file`, `inline`, `http`, `registry`, …): turns its entry into a function, once, at load. */
export interface HandlerResolver<Spec extends { type: string }> {
  readonly type: Spec['type']
  /** Rejects with a HandlerLoadError whose message says what, where and what to do, or with an AggregateError of several. */
  resolve (spec: Spec, owner: HandlerOwner): Promise<ToolHandler>
}
/** Whose handler is being resolved: for messages, and for the defaults that come from the owner. */
export interface HandlerOwner {
  readonly kind: 'tool' | 'prompt' | 'resource'
  readonly name: string
  /** Milliseconds the whole call may take. */
  readonly timeoutMs: number
  /** The arguments that a call can have, for handler types that name them. Undefined where that cannot be told. */
  readonly argumentNames?: readonly string[] | undefined
}

export type { CallToolResult, GetPromptResult, JsonObject, LogLevel, ReadResourceResult }
