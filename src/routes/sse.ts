import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readAccept } from '../core/accept.ts'
import type { AccessLog } from '../core/access.ts'
import type { EventBus } from '../core/bus.ts'
import type { Core } from '../core/core.ts'
import { demandOf } from '../core/demand.ts'
import { InvalidRequestError, NotAcceptableError, SessionLimitError, SessionUnknownError } from '../core/errors.ts'
import { whenExpired } from '../core/expiry.ts'
import { translateEdgeError } from '../core/http-errors.ts'
import { LineConnection } from '../core/line-connection.ts'
import type { Principal } from '../core/ports.ts'
import type { ServerRequests } from '../core/server-requests.ts'
import type { SessionRecord, SessionStore } from '../core/session.ts'
import { EventStream, eventStreamHeaders, OpenStreams } from './mcp/event-stream.ts'
import { sourceOf } from './source.ts'
import { refuse } from './mcp/legacy.ts'
import { refuseOtherMethods } from './other-methods.ts'

export interface SseRouteOptions {
  core: Core
  /** Where clients open their stream. */
  path: string
  /** Where they post their messages. */
  messagesPath: string
  /** Where all instances see which streams there are; counts them among the sessions. */
  sessions: SessionStore
  requests: ServerRequests
  bus: EventBus
  /** Where a line of each message goes; without it, nowhere. */
  accesses?: AccessLog | undefined
  /** After how long the store forgets a session that is not used. */
  idleTimeoutMs: number
}

/** A session is its stream: it begins and ends with it. */
interface SseSession {
  readonly principal: string
  readonly connection: LineConnection
  readonly stream: EventStream
  readonly stopListening: () => void
}

const longestWatchMs = 60_000

/**
 * The deprecated HTTP+SSE transport: messages go to the client as events of the stream that it opened, and come from it as posts to the URL
 * that the first event names. The instance that a post arrives at passes it on to the one that holds the stream.
 * MCP 2024-11-05 basic/transports, HTTP with SSE.
 */
export default async function sseRoutes (app: FastifyInstance, { core, path, messagesPath, sessions, requests, bus, accesses, idleTimeoutMs }: SseRouteOptions): Promise<void> {
  const streams = new OpenStreams()
  const open = new Map<string, SseSession>()
  let isClosing = false
  // A session whose stream is open is not idle; one that the store does not have any more has ended.
  const watch = setInterval(() => { for (const id of open.keys()) void touch(id) }, Math.min(longestWatchMs, idleTimeoutMs / 2)).unref()

  app.setErrorHandler(function answerInJsonRpc (error, request, reply) {
    refuse(request, reply, translateEdgeError(error, request))
  })
  app.addHook('preClose', async function endStreams () {
    isClosing = true
    clearInterval(watch)
    await Promise.all([...open.values()].map(async ({ connection, stream }) => {
      connection.end()
      await connection.settled()
      stream.end()
    }))
  })

  app.get(path, { exposeHeadRoute: false, config: { door: 'sse' } }, function openStream (request, reply) {
    if (!readAccept(request.headers.accept).eventStream) throw new NotAcceptableError()
    begin(request, reply).catch((error: unknown) => { refuse(request, reply, error) })
  })

  app.post(messagesPath, { config: { door: 'sse', demandOf: ({ body }) => demandOf(body) } }, function receiveMessage (request, reply) {
    const id = sessionIdOf(request)
    const { body, principal } = request
    if (typeof body !== 'object' || body === null) throw new InvalidRequestError('The body must be a JSON-RPC message.')
    const session = open.get(id)
    if (session === undefined) {
      passOn(id, principal, body).then(() => { accept(reply) }, (error: unknown) => { refuse(request, reply, error) })
      return
    }
    if (session.principal !== principal.name) throw unknownSession()
    session.connection.take(body)
    accept(reply)
  })

  refuseOtherMethods(app, path, ['GET'])
  refuseOtherMethods(app, messagesPath, ['POST'])

  async function begin (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { principal, ip: address } = request
    const id = randomUUID()
    core.audit?.admit('stream.open')
    if (!await sessions.create(recordOf(id, principal))) throw new SessionLimitError()
    const stream = new EventStream()
    const connection = new LineConnection({ core, logger: core.logger, principal, requests, sessionId: id, accesses, address, write: (message) => { stream.send(message) } })
    let stopListening
    try {
      stopListening = await bus.subscribe(channelOf(id), ({ message }) => { connection.take(message) })
      core.audit?.record('stream.open', { ...sourceOf(request, { id, revision: '2024-11-05', clientName: undefined }), door: 'sse' })
      open.set(id, { principal: principal.name, connection, stream, stopListening })
    } catch (error) {
      stopListening?.()
      await sessions.delete(keyOf(id))
      throw error
    }
    stream.once('close', () => { end(id) })
    stream.once('close', whenExpired(principal, () => { stream.end() }))
    if (reply.raw.destroyed) {
      stream.destroy()
      return
    }
    streams.add(stream, 'endless')
    stream.nameEndpoint(`${messagesPath}?sessionId=${id}`)
    reply.headers(eventStreamHeaders).send(stream)
    if (isClosing) stream.end()
  }

  function end (id: string): void {
    const session = open.get(id)
    if (session === undefined) return
    open.delete(id)
    session.stopListening()
    session.connection.drop()
    void forget(id)
  }

  async function forget (id: string): Promise<void> {
    try {
      await sessions.delete(keyOf(id))
    } catch (error) {
      complain(error)
    }
  }

  /** To the instance that holds the stream, if there is one and the stream belongs to who posts. */
  async function passOn (id: string, { name }: Principal, message: object): Promise<void> {
    const record = await sessions.get(keyOf(id))
    if (record === undefined || record.principal !== name) throw unknownSession()
    // The store forgets a stream that died with its instance only after a while.
    if (await bus.publish(channelOf(id), { message }) === 0) throw unknownSession()
  }

  async function touch (id: string): Promise<void> {
    try {
      if (await sessions.get(keyOf(id)) === undefined) open.get(id)?.stream.end()
    } catch (error) {
      complain(error)
    }
  }

  function complain (error: unknown): void {
    core.logger.warn({ err: error }, 'The store of sessions did not answer: it may count a stream that has ended.')
  }
}

function recordOf (id: string, { name }: Principal): SessionRecord {
  return { id: keyOf(id), revision: '2024-11-05', principal: name, clientCapabilities: {}, clientName: undefined, logLevel: 'info', subscriptions: [], streamId: undefined }
}

/** No header holds a line break, so that no Mcp-Session-Id leads to such a session. */
function keyOf (id: string): string { return `http-sse\n${id}` }

function channelOf (id: string): string { return `http-sse:${id}` }

function sessionIdOf ({ query }: FastifyRequest): string {
  const { sessionId } = query as { sessionId?: unknown }
  if (typeof sessionId !== 'string' || sessionId === '') throw new InvalidRequestError('The URL lacks the sessionId: post to the URL that the endpoint event of the stream named.')
  // What is not of our form was never ours; the store need not be asked.
  if (!/^[0-9a-f-]{36}$/.test(sessionId)) throw unknownSession()
  return sessionId
}

function unknownSession (): SessionUnknownError {
  return new SessionUnknownError('open the stream again, and post to the URL that it names')
}

function accept (reply: FastifyReply): void {
  reply.code(202).send()
}
