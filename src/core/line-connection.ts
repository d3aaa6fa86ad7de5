import { randomUUID } from 'node:crypto'
import { askedOf, type AccessLog } from './access.ts'
import { classifyNotification, classifyRequest, clientNameIn, metaKeys, refuseBatch } from './classify.ts'
import type { AuditSource } from './audit-event.ts'
import { logLevels, type Door, type Exchange } from './exchange.ts'
import type { Core } from './core.ts'
import { isLogLevel, type Answer } from './dispatcher.ts'
import { BodyTooLargeError, GantryError, InvalidParamsError, InvalidRequestError, ParseError } from './errors.ts'
import { errorText, isObject, notificationText, readMessage, resultText, type RequestId, type RpcMessage, type RpcNotification, type RpcRequest } from './json-rpc.ts'
import type { Inquiry } from './inquiry.ts'
import { isNotificationName, mendMessage } from './mending.ts'
import { failureOf, type Failure } from './outcome.ts'
import type { ServerRequests } from './server-requests.ts'
import type { DeviationName } from './tolerance.ts'
import { readTraceparent } from './trace-context.ts'
import { assumedRevision, isModern, supportsBatches, type Revision } from './versions.ts'
import { changeNotification } from './changes.ts'
import type { Change, JsonObject, Logger, LogLevel, Principal } from './ports.ts'

let connections = 0

/** A template has resources without end. */
const maxWatched = 1_000

export interface LineConnectionOptions {
  core: Core
  logger: Logger
  principal: Principal
  requests: ServerRequests
  /** Bytes; longer lines are refused. Without it, whoever reads the lines has bounds of its own. */
  maxLineBytes?: number
  /** What handlers see as the session; a connection that is the only one of its process, over stdio, has none. */
  sessionId?: string
  /** Where a line of each request goes; without it, nowhere. */
  accesses?: AccessLog | undefined
  /** Where the client is; undefined over stdio. */
  address?: string
  /** Asked about each line that was read: why it comes too often, if it does. Without it, whoever reads the lines has asked before. */
  refusalOf? (value: unknown): GantryError | undefined | Promise<GantryError | undefined>
  /** Sends one line, without its line break. */
  write (line: string): void
}

/** What becomes known of a request while it is served. */
interface Served { exchange?: Exchange, failure?: Failure }

/**
 * One client on a pair of streams, one JSON-RPC message a line: the stdio transport, and what HTTP+SSE shares with it. The connection is the session of the 2025 era;
 * requests of the 2026 era stand for themselves, and are cancelled by notification, as there is no stream to close.
 * MCP 2026-07-28 basic/transports/stdio.
 */
export class LineConnection {
  /** Sets the calls of this connection apart from those of others on the same core. */
  readonly #name = `line-${++connections}`
  /** As the connection is the session: whose answers are taken. Nobody can guess it, as answers may come from any instance. */
  readonly #asked = randomUUID()
  readonly #options: LineConnectionOptions
  readonly #running = new Set<Promise<void>>()
  #revision: Revision = assumedRevision
  #clientCapabilities: JsonObject = {}
  #clientName: string | undefined
  /** What a client of the 2025 era has yet to do before its requests are in order. */
  #owes: 'initialize' | 'notifications/initialized' | undefined = 'initialize'
  #logLevel: LogLevel = 'info'
  /** The resources that a client of the 2025 era wants to hear of. */
  readonly #watched = new Set<string>()
  #requests = 0
  #stopNews: (() => void) | undefined
  /** Whether a client of the 2025 era has introduced itself and not left. */
  #isOpen = false

  constructor (options: LineConnectionOptions) { this.#options = options }

  /** Takes one line. Answers are written when they are there, in any order. */
  receive (line: string): void {
    if (line.trim() === '') return
    const { maxLineBytes } = this.#options
    if (maxLineBytes !== undefined && Buffer.byteLength(line) > maxLineBytes) return this.#refuse(undefined, new BodyTooLargeError(maxLineBytes))
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return this.#refuse(undefined, new ParseError('The line is not valid JSON.'))
    }
    if (this.#options.refusalOf === undefined) this.take(value)
    else this.#track(this.#takeAdmitted(value, this.#options.refusalOf(value)))
  }

  /** Takes one message, or a batch, that was read already. */
  take (value: unknown): void {
    if (Array.isArray(value)) this.#track(this.#receiveBatch(value))
    else this.#track(this.#receive(value).then((text) => { if (text !== undefined) this.#options.write(text) }))
  }

  /** The client sends nothing more, or the server ends: no news any more, subscriptions get their results, questions no answers. */
  end (): void {
    if (this.#isOpen) this.#options.core.audit?.note('session.end', this.#source)
    this.#isOpen = false
    this.#stopNews?.()
    this.#options.core.subscriptions.endOf(this.#keys)
    this.#options.requests.forget(this.#asked)
  }

  /** The client is gone: what it asked for is given up. */
  drop (): void {
    this.end()
    this.#options.core.inFlight.cancelAll(this.#keys)
  }

  /** Resolves when everything that was received is answered. */
  async settled (): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #track (work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => { this.#options.logger.error({ err: error }, 'A message could not be answered.') })
    this.#running.add(tracked)
    void tracked.then(() => { this.#running.delete(tracked) })
  }

  /** A request is refused with an answer; what wants none is dropped. */
  async #takeAdmitted (value: unknown, verdict: GantryError | undefined | Promise<GantryError | undefined>): Promise<void> {
    const error = await verdict
    if (error === undefined) return this.take(value)
    const message = readMessage(value)
    const { text } = this.#refusal(message.kind === 'request' || message.kind === 'invalid' ? message.id : undefined, error, value)
    if (message.kind === 'request' || message.kind === 'invalid') this.#options.write(text)
  }

  async #receiveBatch (batch: readonly unknown[]): Promise<void> {
    const refusal = refuseBatch(batch) ?? (supportsBatches(this.#revision) ? undefined : new InvalidRequestError(`Revision ${this.#revision} has no batches: send one message a line.`))
    if (refusal !== undefined) return this.#refuse(undefined, refusal)
    const answers = await Promise.all(batch.map(async (value) => await this.#receive(value, true)))
    const texts = answers.filter((text) => text !== undefined)
    if (texts.length > 0) this.#options.write(`[${texts.join(',')}]`)
  }

  async #receive (value: unknown, inBatch = false): Promise<string | undefined> {
    const message = this.#read(value)
    switch (message.kind) {
      case 'invalid': return this.#refusal(message.id, message.error, value).text
      case 'response':
        await this.#options.requests.answer(this.#asked, message.id, message)
        return undefined
      case 'notification': return this.#notice(message)
      case 'request':
        if (inBatch && message.method === 'initialize') return this.#refusal(message.id, new InvalidRequestError('initialize is never part of a batch.'), message).text
        return (await this.#serve(message))?.text
    }
  }

  /** Its line in the log is there before its answer is. */
  async #serve (message: RpcRequest): Promise<Answer | undefined> {
    const served: Served = {}
    const startedAt = performance.now()
    const answer = await this.#answer(message, served)
    this.#logAccess(message, served, performance.now() - startedAt)
    return answer
  }

  #logAccess (message: unknown, { exchange, failure = { outcome: 'ok', code: undefined } }: Served, durationMs: number): void {
    const { accesses, principal, address } = this.#options
    if (accesses?.isOn !== true) return
    const { requestId, revision = this.#isOpen ? this.#revision : undefined, traceparent } = exchange ?? {}
    accesses.write({ requestId, door: this.#door, address, principal: principal.name, revision, ...askedOf(message), ...failure, durationMs, traceparent })
  }

  #read (value: unknown): RpcMessage {
    const message = readMessage(value)
    const { tolerance } = this.#options.core
    const mended = message.kind === 'invalid' ? mendMessage(value, tolerance) : undefined
    for (const name of mended?.deviations ?? []) tolerance.bears(name, this.#clientName)
    return mended?.message ?? message
  }

  #notice (message: RpcNotification): undefined {
    const { method } = message
    if (this.#owes === 'notifications/initialized' && (method === this.#owes || (method === 'initialized' && this.#bears('initialized-name')))) this.#owes = undefined
    const era = classifyNotification(message, undefined)
    if (era.era !== 'refused') this.#options.core.dispatcher.notice(message, (id) => this.#keyOf(id))
  }

  async #answer (message: RpcRequest, served: Served): Promise<Answer | undefined> {
    const { core } = this.#options
    const era = classifyRequest(message, undefined)
    switch (era.era) {
      case 'refused': return this.#refusal(message.id, era.error, message, served)
      case 'modern': {
        const logLevel = era.meta[metaKeys.logLevel]
        if (logLevel !== undefined && !isLogLevel(logLevel)) {
          return this.#refusal(message.id, new InvalidParamsError(`_meta["${metaKeys.logLevel}"] must be one of ${logLevels.join(', ')}.`), message, served)
        }
        return await core.dispatcher.handle(message, this.#exchange(message, served, era.revision, era.capabilities, logLevel))
      }
      case 'legacy':
        if (message.method === 'initialize') return this.#initialize(message, served)
        if (isNotificationName(message.method) && this.#bears('notification-with-id')) {
          this.#notice({ kind: 'notification', method: message.method, params: message.params })
          return { status: 200, text: resultText(message.id, '{}') }
        }
        if (this.#owes !== undefined && message.method !== 'ping' && !this.#bears(this.#owes === 'initialize' ? 'request-before-initialize' : 'request-before-initialized')) {
          return this.#refusal(message.id, new InvalidRequestError(`A client sends ${this.#owes} before its first request.`), message, served)
        }
        return await core.dispatcher.handle(message, this.#exchange(message, served, this.#revision, this.#clientCapabilities, this.#logLevel))
    }
  }

  #initialize (message: RpcRequest, served: Served): Answer {
    let handshake
    try {
      handshake = this.#options.core.shakeHands(message.params, { hasSession: true })
      const { revision, clientName } = handshake
      this.#options.core.audit?.record('session.open', { ...this.#source, revision, clientName })
    } catch (error) {
      if (error instanceof GantryError) return this.#refusal(message.id, error, message, served)
      throw error
    }
    const { revision, clientCapabilities, clientName, result } = handshake
    this.#revision = revision
    this.#clientCapabilities = clientCapabilities
    this.#clientName = clientName
    this.#owes = 'notifications/initialized'
    this.#isOpen = true
    this.#stopNews ??= this.#options.core.changes.listen((change) => { this.#tell(change) })
    return { status: 200, text: resultText(message.id, result) }
  }

  #exchange (message: RpcRequest, served: Served, revision: Revision, clientCapabilities: JsonObject, logLevel: LogLevel | undefined): Exchange {
    const { logger, principal, requests, write, sessionId } = this.#options
    const meta = message.params['_meta']
    const exchange: Exchange = {
      requestId: `${sessionId === undefined ? 'stdio' : this.#name}-${++this.#requests}`,
      revision,
      principal,
      logger,
      sessionId,
      door: this.#door,
      address: this.#options.address,
      rpcId: message.id,
      streaming: true,
      clientCapabilities,
      clientName: isModern(revision) && isObject(meta) ? clientNameIn(meta) : this.#clientName,
      logLevel,
      traceparent: isObject(meta) ? readTraceparent(meta['traceparent']) : undefined,
      cancelKey: this.#keyOf(message.id),
      notify: (method, params) => { write(notificationText(method, params)) },
      ...(!isModern(revision) && {
        ask: async (inquiry: Inquiry, timeoutMs: number, signal: AbortSignal) => await requests.ask({
          sessionId: this.#asked, inquiry, timeoutMs, signal, send: (sent) => { write(JSON.stringify(sent)) }
        })
      }),
      ...(!isModern(revision) && {
        watch: (uri: string, wanted: boolean) => { this.#watch(uri, wanted) }
      }),
      setLogLevel: (level) => { this.#logLevel = level },
      failed: (failure) => { served.failure = failure }
    }
    served.exchange = exchange
    return exchange
  }

  #watch (uri: string, wanted: boolean): void {
    if (!wanted) this.#watched.delete(uri)
    else if (this.#watched.size < maxWatched || this.#watched.has(uri)) this.#watched.add(uri)
    else throw new InvalidParamsError(`This connection has too many subscriptions: there may be ${maxWatched}.`)
  }

  /** News for a client of the 2025 era; one of the 2026 era gets them on its subscriptions. */
  #tell (change: Change): void {
    if (change.kind === 'resource' && !this.#watched.has(change.uri)) return
    const { method, params } = changeNotification(change)
    this.#options.write(notificationText(method, params))
  }

  #bears (name: DeviationName): boolean { return this.#options.core.tolerance.bears(name, this.#clientName) }

  get #keys (): string { return `${this.#name} ` }

  #keyOf (id: RequestId): string { return this.#keys + JSON.stringify(id) }

  get #door (): Door { return this.#options.sessionId === undefined ? 'stdio' : 'sse' }

  get #source (): AuditSource {
    const { principal, sessionId, address } = this.#options
    return { principal, sessionId, address, door: this.#door, revision: this.#revision, clientName: this.#clientName }
  }

  #refuse (id: RequestId | undefined, error: GantryError): void { this.#options.write(this.#refusal(id, error).text) }

  /** The answer to what comes to no method. */
  #refusal (id: RequestId | undefined, error: GantryError, message?: unknown, served?: Served): Answer {
    this.#options.core.audit?.refuse(error, this.#source, message)
    const failure = failureOf(error)
    if (served === undefined) this.#logAccess(message, { failure }, 0)
    else served.failure = failure
    return { status: error.status, text: errorText(id, error, undefined) }
  }
}
