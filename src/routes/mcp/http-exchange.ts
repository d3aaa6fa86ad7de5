import type { FastifyReply, FastifyRequest } from 'fastify'
import { clientNameIn } from '../../core/classify.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Answer } from '../../core/dispatcher.ts'
import type { GantryError } from '../../core/errors.ts'
import { notificationText, type RequestId } from '../../core/json-rpc.ts'
import type { Failure } from '../../core/outcome.ts'
import { isModern, supportsPriming, type Revision } from '../../core/versions.ts'
import type { ServerRequests } from '../../core/server-requests.ts'
import type { SessionRecord, SessionStore } from '../../core/session.ts'
import { readTraceparent } from '../../core/trace-context.ts'
import type { JsonObject, Logger, LogLevel, Principal } from '../../core/ports.ts'
import { whenGone } from '../disconnect.ts'
import { EventStream, eventStreamHeaders, type OpenStreams } from './event-stream.ts'
import { ResumableStream } from './resumable-stream.ts'
import { sendAnswer } from './send.ts'
import type { StreamKeeping } from './written-streams.ts'

/** What the exchanges of sessions share. */
export interface SessionServices {
  /** Undefined where no sessions are kept. */
  readonly sessions: SessionStore | undefined
  /** How clients are asked. */
  readonly requests: ServerRequests
  /** Where streams are kept, so that they can be resumed. */
  readonly keeping: StreamKeeping
}

export interface HttpExchangeOptions {
  revision: Revision
  session: SessionRecord | undefined
  /** The `_meta` of the request. */
  meta: JsonObject | undefined
  /** The JSON-RPC id of the request; batches have several requests on one exchange and therefore one object each. */
  id: RequestId
  clientCapabilities: JsonObject
  logLevel: LogLevel | undefined
  principal: Principal
  /** Where an event stream is held, if the client takes one. */
  streams: OpenStreams | undefined
  /** What sessions are served with; undefined in the 2026 era. */
  services: SessionServices | undefined
}

/**
 * One request over HTTP and its answer. The answer is one JSON document, unless something is sent before it: then it becomes an event
 * stream, if the client takes one.
 */
export class HttpExchange implements Exchange {
  readonly requestId: string
  readonly revision: Revision
  readonly principal: Principal
  readonly door = 'mcp'
  readonly clientCapabilities: JsonObject
  readonly logLevel: LogLevel | undefined
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #options: HttpExchangeOptions
  #stream: EventStream | ResumableStream | undefined

  constructor (request: FastifyRequest, reply: FastifyReply, options: HttpExchangeOptions) {
    this.#request = request
    this.#reply = reply
    this.#options = options
    this.requestId = request.id
    this.revision = options.revision
    this.principal = options.principal
    this.clientCapabilities = options.clientCapabilities
    this.logLevel = options.logLevel
    request.exchange = this
  }

  get logger (): Logger { return this.#request.server.core.logger }
  get address (): string { return this.#request.ip }
  get rpcId (): RequestId { return this.#options.id }
  get header (): Exchange['header'] {
    if (!isModern(this.revision)) return undefined
    const { headers } = this.#request
    return (name) => {
      const value = headers[name]
      return typeof value === 'string' ? value : undefined
    }
  }

  get streaming (): boolean { return this.#options.streams !== undefined }
  get sessionId (): string | undefined { return this.#options.session?.id }
  get clientName (): string | undefined { return isModern(this.revision) ? clientNameIn(this.#options.meta) : this.#options.session?.clientName }

  /** The client's own word comes first: on the way, a proxy may have put its own place in the trace into the header. */
  get traceparent (): string | undefined {
    return readTraceparent(this.#options.meta?.['traceparent']) ?? readTraceparent(this.#request.headers['traceparent'])
  }

  /** Only a session can cancel by notification: without one, ids of different clients could not be told apart. */
  get cancelKey (): string | undefined {
    const { session, id } = this.#options
    return session === undefined ? undefined : cancelKey(session.id, id)
  }

  get setLogLevel (): Exchange['setLogLevel'] {
    const { session, services } = this.#options
    if (session === undefined) return undefined
    return (level) => {
      session.logLevel = level
      return services?.sessions?.update(session)
    }
  }

  get watch (): Exchange['watch'] {
    const { session, services } = this.#options
    if (session === undefined) return undefined
    return (uri, wanted) => {
      const others = session.subscriptions.filter((other) => other !== uri)
      session.subscriptions = wanted ? [...others, uri] : others
      return services?.sessions?.update(session)
    }
  }

  /** Questions go out on the stream of the call, so they need one; their answers come as posts of the session. */
  get ask (): Exchange['ask'] {
    const { session, services, streams } = this.#options
    if (session === undefined || services === undefined || streams === undefined) return undefined
    return async (inquiry, timeoutMs, signal) => await services.requests.ask({
      sessionId: session.id, inquiry, timeoutMs, signal, send: (message) => { this.#openStream().send(JSON.stringify(message)) }
    })
  }

  /** The elements of a batch have no header of their own to say it in. */
  stepUp (error: GantryError): GantryError {
    const { server, body } = this.#request
    return Array.isArray(body) ? error : server.stepUp?.(error, this.principal) ?? error
  }

  notify (method: string, params: JsonObject): void {
    if (this.#options.streams === undefined || (this.#reply.sent && this.#stream === undefined)) return
    this.#openStream().send(notificationText(method, params))
  }

  /** Closes the connection in the middle of a call; the client comes back for the rest. Only streams that are kept can be left so. */
  suspend (retryMs: number): void {
    if (this.#options.session === undefined || this.#options.streams === undefined || !supportsPriming(this.revision)) return
    const stream = this.#openStream()
    if (stream instanceof ResumableStream) stream.suspend(retryMs)
  }

  failed (failure: Failure): void { this.#request.failure = failure }

  /** In the 2026 era a closed connection is a cancel; before, it says nothing. 2026-07-28 basic/patterns/cancellation. */
  onDisconnect (gone: () => void): void {
    if (!isModern(this.revision)) return
    whenGone(this.#reply, gone)
  }

  answer (answer: Answer | undefined): void {
    if (this.#stream !== undefined) {
      this.#stream.end(answer?.text)
    } else if (answer !== undefined) {
      if (answer.headers !== undefined) this.#reply.headers(answer.headers)
      sendAnswer(this.#request, this.#reply, answer.status, answer.text)
    } else if (isModern(this.revision)) {
      this.#reply.code(499).send() // the client is gone
    } else {
      // A cancelled request gets no response; an event stream that ends at once is the answer of that kind. There is nothing to resume.
      const connection = new EventStream()
      this.#reply.headers(eventStreamHeaders).send(connection)
      connection.end()
    }
  }

  #openStream (): EventStream | ResumableStream {
    if (this.#stream !== undefined) return this.#stream
    const { session, services, streams } = this.#options
    const connection = new EventStream()
    streams?.add(connection, 'answer')
    const connect = (): void => { this.#reply.headers(eventStreamHeaders).send(connection) }
    if (session === undefined || services === undefined) {
      this.#stream = connection
      connect()
    } else {
      const stream = new ResumableStream(services.keeping, { sessionId: session.id, requestId: this.#options.id, connection, primed: supportsPriming(this.revision) })
      this.#stream = stream
      if (stream.begun === undefined) connect()
      else void stream.begun.then(connect)
    }
    return this.#stream
  }
}

/** What the keys of a session's calls begin with. */
export function cancelKeys (sessionId: string): string { return `${sessionId} ` }

export function cancelKey (sessionId: string, id: RequestId): string {
  return typeof id === 'number' ? `${sessionId} ${id}` : `${sessionId} "${id}"`
}
