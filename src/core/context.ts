import { CancelledError, NotAvailableError } from './errors.ts'
import type { RequestId } from './json-rpc.ts'
import { supportsProgressMessage, type Revision } from './versions.ts'
import type { HandlerContext, JsonObject, Logger, LogLevel, Principal, ReadResourceResult } from './ports.ts'

/** Severities of RFC 5424, least severe first. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/** Who sent a request, over what, in which revision: all that a request has before it reaches a tool. One adapter makes it. */
export interface Exchange {
  /** Identifies the request in the logs; not the JSON-RPC id. */
  readonly requestId: string
  readonly revision: Revision
  readonly principal: Principal
  readonly logger: Logger
  readonly sessionId: string | undefined
  readonly clientCapabilities: JsonObject
  /** The least severe log message that the client wants of this request; undefined for none at all. */
  readonly logLevel: LogLevel | undefined
  readonly traceparent: string | undefined
  /** Sends a notification that belongs to this request, on its own stream. Does nothing where the client cannot take one. */
  notify (method: string, params: JsonObject): void
  /** What a later cancel notification of this client would name; undefined where none can come. */
  readonly cancelKey: string | undefined
  /** Keeps the level for the session's later requests. Absent where there is no session. */
  setLogLevel? (level: LogLevel): void | Promise<void>
  /** Calls back once if the client goes away before the answer, in the eras where that means cancel. */
  onDisconnect? (gone: () => void): void
}

/** Reads one of the server's own resources for a handler, with the rights of its caller. */
export type ReadResource = (uri: string, exchange: Exchange) => ReadResourceResult | Promise<ReadResourceResult>

/** What a context is for: names it in messages and metadata. */
export interface CallSubject {
  readonly kind: 'tool' | 'prompt' | 'resource'
  readonly name: string
}

/** One call: the handler's view of it (HandlerContext), and the handle by which it is cancelled. */
export class CallContext implements HandlerContext {
  readonly metadata: { readonly toolName: string, readonly uri?: string }
  readonly #exchange: Exchange
  readonly #progressToken: RequestId | undefined
  readonly #readResource: ReadResource
  #controller: AbortController | undefined
  #abortReason: Error | undefined
  #whenAborted: ((reason: Error) => void) | undefined
  #lastProgress = -Infinity
  #finished = false

  constructor (exchange: Exchange, subject: CallSubject, readResource: ReadResource, progressToken?: RequestId, uri?: string) {
    this.#exchange = exchange
    this.#progressToken = progressToken
    this.#readResource = readResource
    this.metadata = uri === undefined ? { toolName: subject.name } : { toolName: subject.name, uri }
  }

  get logger (): Logger { return this.#exchange.logger }
  get requestId (): string { return this.#exchange.requestId }
  get sessionId (): string | undefined { return this.#exchange.sessionId }
  get principal (): Principal { return this.#exchange.principal }
  get traceparent (): string | undefined { return this.#exchange.traceparent }

  /** Made on first use: most handlers never look at it, and its listeners cost more than many a call. */
  get signal (): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
      else this.#exchange.onDisconnect?.(() => { this.abort(new CancelledError()) })
    }
    return this.#controller.signal
  }

  /** The reason why the call was given up, if it was. */
  get abortReason (): Error | undefined { return this.#abortReason }

  /** Gives the call up: the signal fires, and what it reports from now on goes nowhere. */
  abort (reason: Error): void {
    if (this.#abortReason !== undefined || this.#finished) return
    this.#abortReason = reason
    this.#controller?.abort(reason)
    this.#whenAborted?.(reason)
  }

  /** Tells the one who waits for the handler that the call was given up, so that it need not wait for the handler to notice. */
  whenAborted (listener: (reason: Error) => void): void { this.#whenAborted = listener }

  /** Ends the life of the context: late reports of a handler that goes on are dropped. */
  finish (): void { this.#finished = true }

  progress (progress: number, total?: number, message?: string): void {
    if (this.#progressToken === undefined || this.#silent || !(progress > this.#lastProgress)) return
    this.#lastProgress = progress
    const params: JsonObject = { progressToken: this.#progressToken, progress }
    if (total !== undefined) params['total'] = total
    if (message !== undefined && supportsProgressMessage(this.#exchange.revision)) params['message'] = message
    this.#exchange.notify('notifications/progress', params)
  }

  log (level: LogLevel, data: unknown, logger?: string): void {
    const { logLevel } = this.#exchange
    const severity = logLevels.indexOf(level)
    if (severity < 0) throw new TypeError(`${JSON.stringify(level)} is not a log level: use one of ${logLevels.join(', ')}.`)
    if (logLevel === undefined || this.#silent || severity < logLevels.indexOf(logLevel)) return
    this.#exchange.notify('notifications/message', logger === undefined ? { level, data } : { level, logger, data })
  }

  async elicit (): Promise<unknown> { return unavailable('context.elicit') }
  async sample (): Promise<unknown> { return unavailable('context.sample') }
  async readResource (uri: string): Promise<ReadResourceResult> { return await this.#readResource(uri, this.#exchange) }
  db (name: string): unknown { return unavailable(`context.db(${JSON.stringify(name)})`) }
  get redis (): unknown { return unavailable('context.redis') }
  get cache (): unknown { return unavailable('context.cache') }

  get #silent (): boolean { return this.#finished || this.#abortReason !== undefined }
}

function unavailable (what: string): never {
  throw new NotAvailableError(what, 'this version of Gantry does not have it.')
}
