import { CancelledError, NotAvailableError } from '../../core/call-errors.ts'
import type { AskOptions, Change, ElicitResult, HandlerCache, HandlerContext, HandlerDatabase, JsonObject, Logger, LogLevel, Principal, ReadResourceResult, Root, SampleResult } from '../../core/ports.ts'
import type { AnswerMessage, AskMethod, CallEvent, CallFacts } from './messages.ts'

interface Waiting { resolve (value: unknown): void, reject (error: unknown): void }

/** The context of a call in the thread of its handler: what it is asked for, it asks the main thread for. */
export class ThreadContext implements HandlerContext {
  readonly requestId: string
  readonly sessionId: string | undefined
  readonly principal: Principal
  readonly metadata: { readonly toolName: string, readonly uri?: string }
  readonly traceparent: string | undefined
  readonly logger: Logger
  readonly #send: (event: CallEvent) => void
  readonly #controller = new AbortController()
  readonly #waiting = new Map<number, Waiting>()
  /** By the errors that came as answers, the answers. */
  readonly #answered = new WeakMap<Error, number>()
  #lastId = 0
  #open = true

  constructor ({ requestId, sessionId, principal, metadata, traceparent }: CallFacts, send: (event: CallEvent) => void) {
    this.requestId = requestId
    this.sessionId = sessionId
    this.principal = principal
    this.metadata = metadata
    this.traceparent = traceparent
    this.#send = send
    this.logger = this.#createLogger()
  }

  get signal (): AbortSignal { return this.#controller.signal }

  abort (): void {
    this.#controller.abort(new CancelledError())
  }

  /** Ends the life of the context: what is reported or asked from now on goes nowhere. */
  finish (): void {
    this.#open = false
  }

  receive ({ id, value, error }: AnswerMessage): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) return waiting?.resolve(value)
    const failure = Object.assign(new Error(error.message), { code: error.code })
    this.#answered.set(failure, id)
    waiting?.reject(failure)
  }

  /** Which answer an error is that a handler threw, if it is one. */
  answerIdOf (thrown: unknown): number | undefined {
    return typeof thrown === 'object' && thrown !== null ? this.#answered.get(thrown as Error) : undefined
  }

  progress (progress: number, total?: number, message?: string): void { this.#report({ type: 'progress', progress, total, message }) }
  log (level: LogLevel, data: unknown, logger?: string): void { this.#report({ type: 'log', level, data, logger }) }
  suspend (retryMs?: number): void { this.#report({ type: 'suspend', retryMs }) }
  elicit (message: string, requestedSchema: JsonObject, options?: AskOptions): Promise<ElicitResult> { return this.#ask('elicit', message, requestedSchema, options) }
  elicitUrl (message: string, url: string, options?: AskOptions): Promise<ElicitResult> { return this.#ask('elicitUrl', message, url, options) }
  sample (messages: readonly unknown[], request?: JsonObject, options?: AskOptions): Promise<SampleResult> { return this.#ask('sample', messages, request, options) }
  roots (options?: AskOptions): Promise<Root[]> { return this.#ask('roots', options) }
  startTask (): Promise<void> { return this.#ask('startTask') }
  announce (change: Change): Promise<void> { return this.#ask('announce', change) }
  readResource (uri: string): Promise<ReadResourceResult> { return this.#ask('readResource', uri) }
  db (name: string): HandlerDatabase { return { query: (text, values) => this.#ask('queryDatabase', name, text, values) } }
  get redis (): unknown { return unavailable('context.redis') }
  get cache (): HandlerCache {
    return {
      get: (key) => this.#ask('useCache', 'get', key),
      set: (key, value, ttlSeconds) => this.#ask('useCache', 'set', key, value, ttlSeconds),
      delete: (key) => this.#ask('useCache', 'delete', key)
    }
  }

  #report (event: CallEvent): void {
    if (this.#open) this.#send(event)
  }

  #ask<Answer> (method: AskMethod, ...args: readonly unknown[]): Promise<Answer> {
    const id = ++this.#lastId
    const answer = new Promise<unknown>((resolve, reject) => {
      if (!this.#open) throw new NotAvailableError(`context.${method}`, 'the call that asks has ended.')
      this.#waiting.set(id, { resolve, reject })
      this.#send({ type: 'ask', id, method, args })
    })
    // A handler that asks twice and awaits one after the other never comes to the second when the first fails.
    answer.catch(() => {})
    return answer as Promise<Answer> // the main thread gives what its context gives
  }

  #createLogger (): Logger {
    const at = (level: keyof Logger) => (facts: object | string, sentence?: string): void => {
      const event = typeof facts === 'string' ? { facts: {}, sentence: facts } : { facts, sentence }
      try {
        this.#report({ type: 'logger', level, ...event })
      } catch {
        // Of what cannot leave the thread (a function, a proxy), the sentence can.
        this.#report({ type: 'logger', level, facts: {}, sentence: event.sentence })
      }
    }
    return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }
}

function unavailable (what: string): never {
  throw new NotAvailableError(what, 'this version of Gantry does not have it.')
}
