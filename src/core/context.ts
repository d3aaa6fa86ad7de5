import { CancelledError, NotAvailableError, ToolFailedError } from './call-errors.ts'
import { InvalidParamsError } from './errors.ts'
import { formInquiry, readAnswer, requireCapability, requireLegacyCapability, rootsInquiry, samplingInquiry, urlInquiry, writeInquiry, type Inquiry } from './inquiry.ts'
import type { CallClock } from './call-clock.ts'
import { logLevels, type Door, type Exchange } from './exchange.ts'
import { Round } from './rounds.ts'
import type { TaskLane } from './tasks/lane.ts'
import type { RequestId } from './json-rpc.ts'
import { isModern, supportsProgressMessage, type Revision } from './versions.ts'
import type {
  AskOptions, Change, ElicitResult, HandlerCache, HandlerContext, HandlerDatabase, JsonObject, Logger, LogLevel, Principal, ReadResourceResult, Root, SampleResult
} from './ports.ts'

/** What a handler reaches of its server through the context. */
export interface ContextServices {
  /** Reads one of the server's own resources, with the rights of the caller. */
  readResource (uri: string, exchange: Exchange, reader: CallContext): ReadResourceResult | Promise<ReadResourceResult>
  announce (change: Change): Promise<void>
  /** What handlers of a tool, a prompt or a resource keep. Throws NotAvailableError. */
  cacheOf (subject: CallSubject): HandlerCache
  /** A database for the handler of one call. Throws NotAvailableError. */
  databaseOf (name: string, call: { readonly signal: AbortSignal }): HandlerDatabase
}

/** What only some calls have. */
export interface CallExtras {
  /** The token under which the client wants progress reports. */
  progressToken?: RequestId | undefined
  /** What a resource is read as: a template's target has none of its own. */
  uri?: string | undefined
  /** The round that this call is, where it goes on from an earlier one (2026 era). */
  round?: Round | undefined
  /** The call that reads this resource in passing: it asks the resource's questions, too. */
  reader?: CallContext | undefined
}

/** What a context is for: names it in messages and metadata. */
export interface CallSubject {
  readonly kind: 'tool' | 'prompt' | 'resource'
  readonly name: string
}

/** One call: the handler's view of it (HandlerContext), and the handle by which it is cancelled. */
export class CallContext implements HandlerContext {
  readonly metadata: { readonly toolName: string, readonly uri?: string }
  readonly #exchange: Exchange
  readonly #subject: CallSubject
  readonly #services: ContextServices
  readonly #extras: CallExtras | undefined
  #round: Round | undefined
  #questions = 0
  #askedKeys: Set<string> | undefined
  /** Questions that are waiting for their answers, while the clock stands still. */
  #waits = 0
  #clock: CallClock | undefined
  #controller: AbortController | undefined
  #abortReason: Error | undefined
  #whenAborted: ((reason: Error) => void) | undefined
  #lastProgress = -Infinity
  #finished = false

  constructor (exchange: Exchange, subject: CallSubject, services: ContextServices, extras?: CallExtras) {
    this.#exchange = exchange
    this.#subject = subject
    this.#services = services
    this.#extras = extras
    this.metadata = extras?.uri === undefined ? { toolName: subject.name } : { toolName: subject.name, uri: extras.uri }
  }

  get logger (): Logger { return this.#exchange.logger }
  get requestId (): string { return this.#exchange.requestId }
  get sessionId (): string | undefined { return this.#exchange.sessionId }
  get principal (): Principal { return this.#exchange.principal }
  get traceparent (): string | undefined { return this.#exchange.traceparent }
  get revision (): Revision { return this.#exchange.revision }
  get door (): Door { return this.#exchange.door }
  get address (): string | undefined { return this.#exchange.address }
  get clientName (): string | undefined { return this.#exchange.clientName }
  /** What reads this resource in passing. */
  get within (): string | undefined { return this.#extras?.reader?.metadata.toolName }
  get lane (): TaskLane | undefined { return this.#exchange.task }
  /** Whether this call is unlike any other of the same arguments: it goes on from a question, or may become a task. */
  get isSingular (): boolean { return this.#extras?.round !== undefined || this.#exchange.task !== undefined }

  /** A context for the same handler in an exchange that is made of this one's. */
  in (exchangeOf: (own: Exchange) => Exchange): CallContext {
    return new CallContext(exchangeOf(this.#exchange), this.#subject, this.#services, this.#extras)
  }

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
  whenAborted (listener: (reason: Error) => void): void {
    this.#whenAborted = listener
    if (this.#abortReason !== undefined) listener(this.#abortReason)
  }

  /** Ends the life of the context: late reports of a handler that goes on are dropped, and what it still asks is not asked any more. */
  finish (): void {
    this.#finished = true
    if (this.#waits > 0) this.#controller?.abort(new CancelledError())
  }

  /** The clock to stop while the client is asked. A handler may have asked before there was one. */
  timedBy (clock: CallClock): void {
    this.#clock = clock
    for (let wait = 0; wait < this.#waits; wait++) clock.pause()
  }

  /** Gives the handler this much time from now on. */
  retime (limitMs: number): void { this.#clock?.restart(limitMs) }

  progress (progress: number, total?: number, message?: string): void {
    const progressToken = this.#extras?.progressToken
    const { task } = this.#exchange
    if ((progressToken === undefined && task === undefined) || this.#silent || !Number.isFinite(progress) || progress <= this.#lastProgress) return
    this.#lastProgress = progress
    if (task?.report(progress, total, message) === true || progressToken === undefined) return
    const params: JsonObject = { progressToken, progress }
    if (Number.isFinite(total)) params['total'] = total
    if (message !== undefined && supportsProgressMessage(this.#exchange.revision)) params['message'] = message
    this.#exchange.notify('notifications/progress', params)
  }

  log (level: LogLevel, data: unknown, logger?: string): void {
    const { logLevel } = this.#exchange
    const severity = logLevels.indexOf(level)
    if (severity < 0) throw new TypeError(`${JSON.stringify(level)} is not a log level: use one of ${logLevels.join(', ')}.`)
    if (logLevel === undefined || this.#silent || severity < logLevels.indexOf(logLevel)) return
    this.#exchange.notify('notifications/message', logger === undefined ? { level, data: data ?? null } : { level, logger, data: data ?? null })
  }

  elicit (message: string, requestedSchema: JsonObject, options?: AskOptions): Promise<ElicitResult> {
    return this.#ask(formInquiry(message, requestedSchema, this.#exchange.revision), options) as Promise<ElicitResult>
  }

  elicitUrl (message: string, url: string, options?: AskOptions): Promise<ElicitResult> {
    return this.#ask(urlInquiry(message, url, this.#exchange.revision), options) as Promise<ElicitResult>
  }

  sample (messages: readonly unknown[], request: JsonObject = {}, options?: AskOptions): Promise<SampleResult> {
    return this.#ask(samplingInquiry(messages, request), options) as Promise<SampleResult>
  }

  roots (options?: AskOptions): Promise<Root[]> { return this.#ask(rootsInquiry, options) as Promise<Root[]> }

  async startTask (): Promise<void> {
    // What was asked before the task is asked in rounds, and ends this run of the handler.
    if (this.#round?.isAsking === true) await this.#untilAborted()
    await this.#exchange.task?.start()
  }

  suspend (retryMs = 1_000): void {
    if (!this.#silent) this.#exchange.suspend?.(retryMs)
  }

  async announce (change: Change): Promise<void> { await this.#services.announce(change) }
  async readResource (uri: string): Promise<ReadResourceResult> {
    const own = this.#exchange.becomeOwn?.('rights')
    if (own !== undefined) throw own
    return await this.#services.readResource(uri, this.#exchange, this)
  }

  db (name: string): HandlerDatabase { return this.#services.databaseOf(name, this) }
  get redis (): unknown { return unavailable('context.redis') }
  get cache (): HandlerCache { return this.#services.cacheOf(this.#subject) }

  /** One question, in the way of the era. What comes back was checked against what was asked. */
  #ask (inquiry: Inquiry, { key = `question-${++this.#questions}`, timeoutMs = defaultAnswerMs }: AskOptions = {}): Promise<unknown> {
    const answer = this.#askOnce(inquiry, this.#unique(key), timeoutMs)
    // A handler that asks twice and awaits one after the other never comes to the second when the first fails.
    answer.catch(() => {})
    return answer
  }

  /** Each key stands for one question: a handler that asks again with the same one gets another answer. */
  #unique (wanted: string): string {
    const keys = this.#askedKeys ??= new Set()
    let key = wanted
    for (let count = 2; keys.has(key); count++) key = `${wanted}-${count}`
    keys.add(key)
    return key
  }

  async #askOnce (given: Inquiry, key: string, timeoutMs: number): Promise<unknown> {
    const inquiry = writeInquiry(given)
    if (this.#abortReason !== undefined) throw this.#abortReason
    if (this.#finished) throw new NotAvailableError(inquiry.method, 'the call that asks has ended.')
    const reader = this.#extras?.reader
    if (reader !== undefined) return await this.#await(reader.#ask(inquiry, { key, timeoutMs }))
    const own = this.#exchange.becomeOwn?.('client')
    if (own !== undefined) throw own
    const { revision, clientCapabilities, rpcId, sessionId } = this.#exchange
    if (rpcId === undefined) throw new NotAvailableError(inquiry.method, 'callers over REST cannot be asked. Call this over MCP.')
    if (isModern(revision)) {
      requireCapability(inquiry, clientCapabilities, revision)
      const { task } = this.#exchange
      return task?.started === true ? await this.#askInTask(task, key, inquiry) : await this.#askInRounds(key, inquiry)
    }
    const { ask } = this.#exchange
    if (ask === undefined) {
      throw new NotAvailableError(inquiry.method, sessionId === undefined
        ? 'this client has no session over which the server could ask it.'
        : 'a question goes out on the event stream of the call, and there is none: the client has to accept text/event-stream, outside of a batch.')
    }
    requireLegacyCapability(inquiry, clientCapabilities, revision)
    try {
      return readAnswer(key, inquiry, await this.#await(ask.call(this.#exchange, inquiry, timeoutMs, this.signal)))
    } catch (error) {
      throw error instanceof InvalidParamsError ? new ToolFailedError(error.message, { cause: error }) : error
    }
  }

  /** The time of the call stands still while its client is asked. */
  async #await (answer: Promise<unknown>): Promise<unknown> {
    this.#waits++
    this.#clock?.pause()
    try {
      return await answer
    } finally {
      this.#waits--
      this.#clock?.resume()
    }
  }

  /** Gives the answer that came with this request, or ends the call with all that its handler asks at this point. */
  async #askInRounds (key: string, inquiry: Inquiry): Promise<unknown> {
    const round = this.#round ??= this.#extras?.round ?? new Round()
    const answered = round.take(key, inquiry)
    if (answered !== undefined) {
      try {
        return readAnswer(key, inquiry, answered.answer)
      } catch (error) {
        if (error instanceof InvalidParamsError) this.abort(error)
        throw error
      }
    }
    // A handler may ask several things at once: all that it has asked when it comes to rest is asked in one round.
    if (!round.isAsking) setImmediate(() => { this.abort(round.end()) })
    round.ask(key, inquiry)
    return await this.#untilAborted()
  }

  async #untilAborted (): Promise<never> {
    const { signal } = this
    return await new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true })
    })
  }

  /** The handler waits; its client sees the question when it asks for the task. */
  async #askInTask (task: TaskLane, key: string, inquiry: Inquiry): Promise<unknown> {
    return await this.#await(task.inquire(key, inquiry, this.signal))
  }

  get #silent (): boolean { return this.#finished || this.#abortReason !== undefined }
}

const defaultAnswerMs = 300_000

function unavailable (what: string): never {
  throw new NotAvailableError(what, 'this version of Gantry does not have it.')
}
