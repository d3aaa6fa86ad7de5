import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readAccept } from '../../core/accept.ts'
import { classifyNotification, classifyRequest, refuseBatch, type MessageHeaders } from '../../core/classify.ts'
import type { Core } from '../../core/core.ts'
import { demandOf } from '../../core/demand.ts'
import { translateEdgeError } from '../../core/http-errors.ts'
import { InvalidRequestError, MethodNotAllowedError, NotAcceptableError } from '../../core/errors.ts'
import { readMessage, type RpcMessage, type RpcRequest } from '../../core/json-rpc.ts'
import { isNotificationName, mendMessage } from '../../core/mending.ts'
import type { ServerRequests } from '../../core/server-requests.ts'
import type { SessionStore } from '../../core/session.ts'
import { isModern, supportsBatches } from '../../core/versions.ts'
import { refuseOtherMethods } from '../other-methods.ts'
import { sourceOf } from '../source.ts'
import { bearUnknown, countDeviations } from './deviations.ts'
import { OpenStreams } from './event-stream.ts'
import { cancelChannel, findStanding, noticeLegacy, openSession, refuse, serveBatch, serveLegacy, serveMisnumbered, takeAnswer, type LegacyLane, type LegacyStanding } from './legacy.ts'
import { cancelKeys } from './http-exchange.ts'
import { serveModern } from './modern.ts'
import { SessionStreams } from './session-streams.ts'
import { sendError } from './send.ts'
import { refuseUnserved } from './unserved.ts'
import { WrittenStreams, type StreamKeeping, type StreamStores } from './written-streams.ts'

export interface McpRouteOptions {
  core: Core
  /** Where MCP is served. */
  path: string
  /** Undefined in stateless mode. */
  sessions: SessionStore | undefined
  requests: ServerRequests
  stores: StreamStores
  /** After how long sessions end that nobody uses. */
  idleTimeoutMs: number
}

/** Without sessions, GET and DELETE say so. */
const methods: readonly string[] = ['POST', 'GET', 'DELETE']

/** Where instances tell each other which sessions have ended. */
const endedChannel = 'session-ended'

// Handlers here answer through the reply and return nothing: a returned reply is a thenable, whose waiting costs every request.

/** Streamable HTTP for every revision on one endpoint. The body of a POST decides the era; GET and DELETE belong to 2025-era sessions. */
export default async function mcpRoutes (app: FastifyInstance, { core, path, sessions, requests, stores, idleTimeoutMs }: McpRouteOptions): Promise<void> {
  const { tolerance } = core
  const { log, bus, logger } = stores
  const streams = new OpenStreams()
  const keeping: StreamKeeping = { ...stores, written: new WrittenStreams(stores) }
  const lane: LegacyLane = { core, streams, sessions, requests, keeping }
  const sessionStreams = sessions === undefined ? undefined : new SessionStreams({ sessions, streams, changes: core.changes, keeping, idleTimeoutMs, logger: core.logger })

  app.addHook('onReady', async function hearInstances () {
    await Promise.all([
      bus.subscribe(cancelChannel, ({ key }) => { if (typeof key === 'string') core.inFlight.cancel(key) }, { lasting: true }),
      bus.subscribe(endedChannel, ({ sessionId }) => { if (typeof sessionId === 'string') letGo(sessionId) }, { lasting: true }),
      keeping.written.listen(),
      sessionStreams?.listen()
    ])
  })
  app.decorateRequest('deviations', null)
  app.addHook('preClose', async function endStreams () {
    core.subscriptions.endAll()
    sessionStreams?.close()
    streams.endEndless()
  })
  app.addHook('onClose', async function leaveStreams () { await keeping.written.close() })
  app.setErrorHandler(function answerInJsonRpc (error, request, reply) {
    refuseUnserved(request, reply, translateEdgeError(error, request))
  })

  function receiveMessage (request: FastifyRequest, reply: FastifyReply): void {
    const { accept: header } = request.headers
    const accept = readAccept(header)
    if (!accept.json && !accept.eventStream) throw new NotAcceptableError()
    if (header === undefined) bearAccept(request, 'accept-missing')
    else if (!accept.json || !accept.eventStream) bearAccept(request, 'accept-one-type')
    if (Array.isArray(request.body)) receiveBatch(request, reply, request.body)
    else receive(request, reply, readMessage(request.body))
  }

  function bearAccept (request: FastifyRequest, name: 'accept-missing' | 'accept-one-type'): void {
    if (!bearUnknown(tolerance, request, name)) throw new NotAcceptableError()
  }

  function receive (request: FastifyRequest, reply: FastifyReply, message: RpcMessage): void {
    switch (message.kind) {
      case 'request': return receiveRequest(request, reply, message)
      case 'invalid': {
        const mended = mendMessage(request.body, tolerance)
        if (mended === undefined) return sendError(request, reply, message.error, message.id)
        for (const name of mended.deviations) bearUnknown(tolerance, request, name)
        return receive(request, reply, mended.message)
      }
      case 'notification': {
        const era = classifyNotification(message, request.headers as MessageHeaders)
        if (era.era === 'refused') return sendError(request, reply, era.error)
        if (era.era === 'modern') {
          if (request.deviations !== null) countDeviations(tolerance, request, undefined)
          return accept(reply)
        }
        return stand(request, reply, undefined, (standing) => { noticeLegacy(lane, message, standing.session); accept(reply) })
      }
      case 'response': {
        const version = request.headers['mcp-protocol-version']
        if (typeof version === 'string' && isModern(version)) {
          return sendError(request, reply, new InvalidRequestError('Clients of revision 2026-07-28 send requests and notifications, no responses.'))
        }
        return stand(request, reply, undefined, (standing) => {
          takeAnswer(lane, message, standing).then(() => { accept(reply) }, (failure: unknown) => { refuse(request, reply, failure) })
        })
      }
    }
  }

  function receiveRequest (request: FastifyRequest, reply: FastifyReply, message: RpcRequest): void {
    const era = classifyRequest(message, request.headers as MessageHeaders)
    switch (era.era) {
      case 'modern': return serveModern({ core, streams }, request, reply, message, era)
      case 'refused': return sendError(request, reply, era.error, message.id)
      case 'legacy':
        if (message.method === 'initialize') {
          openSession(lane, request, reply, message).catch((error: unknown) => { refuse(request, reply, error, message.id) })
          return
        }
        return stand(request, reply, message.id, (standing) => {
          if (tolerance.lenient && isNotificationName(message.method)) serveMisnumbered(lane, request, reply, message, standing.session)
          else serveLegacy(lane, request, reply, message, standing)
        })
    }
  }

  function receiveBatch (request: FastifyRequest, reply: FastifyReply, batch: readonly unknown[]): void {
    const refusal = refuseBatch(batch)
    if (refusal !== undefined) return sendError(request, reply, refusal)
    stand(request, reply, undefined, (standing) => {
      if (!supportsBatches(standing.revision)) throw new InvalidRequestError(`Revision ${standing.revision} has no batches: send one message a request.`)
      serveBatch(lane, request, reply, batch, standing).catch((error: unknown) => { refuse(request, reply, error) })
    })
  }

  /** Goes on under the session that the request names, or answers with the reason why not. */
  function stand (request: FastifyRequest, reply: FastifyReply, id: RpcRequest['id'] | undefined, goOn: (standing: LegacyStanding) => void): void {
    try {
      const standing = findStanding(lane, request)
      if (standing instanceof Promise) standing.then(goOn).catch((error: unknown) => { refuse(request, reply, error, id) })
      else goOn(standing)
    } catch (error) {
      refuse(request, reply, error, id)
    }
  }

  function openStream (request: FastifyRequest, reply: FastifyReply): void {
    if (sessions === undefined) throw new MethodNotAllowedError('This server keeps no sessions: there is no stream to open.', ['POST'])
    if (!readAccept(request.headers.accept).eventStream) throw new NotAcceptableError()
    if (request.headers.accept === undefined) bearAccept(request, 'accept-missing')
    stand(request, reply, undefined, ({ session }) => {
      const lastEventId = request.headers['last-event-id']
      if (session === undefined || sessionStreams === undefined) return
      core.audit?.admit('stream.open')
      sessionStreams.open(session, reply, {
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        principal: request.principal,
        release: core.streamSlots.take(request.principal),
        record () { core.audit?.record('stream.open', sourceOf(request, session)) }
      })
        .catch((error: unknown) => {
          if (reply.sent) core.logger.warn({ err: error, requestId: request.id }, 'A stream could not be resumed.')
          else refuse(request, reply, error)
        })
    })
  }

  function endSession (request: FastifyRequest, reply: FastifyReply): void {
    if (sessions === undefined) throw new MethodNotAllowedError('This server keeps no sessions: there is none to end.', ['POST'])
    stand(request, reply, undefined, ({ session }) => {
      if (session === undefined) return
      core.audit?.admit('session.end')
      endWith(sessions, session.id).then(() => {
        core.audit?.record('session.end', sourceOf(request, session))
        reply.code(204).send()
      }).catch((error: unknown) => { refuse(request, reply, error) })
    })
  }

  async function endWith (store: SessionStore, sessionId: string): Promise<void> {
    await store.delete(sessionId)
    letGo(sessionId)
    try {
      await Promise.all([bus.publish(endedChannel, { sessionId }), log.forget(sessionId)])
    } catch (error) {
      logger.warn({ err: error }, 'What a session left could not be cleared away: it ends with time.')
    }
  }

  /** Ends what a session that has ended still has here: its streams, its calls, the questions to its client. */
  function letGo (sessionId: string): void {
    keeping.written.forsake(sessionId)
    requests.forget(sessionId)
    core.inFlight.cancelAll(cancelKeys(sessionId))
    sessionStreams?.end(sessionId)
  }

  function serveAt (scope: FastifyInstance, url: string): void {
    scope.post(url, { config: { door: 'mcp', demandOf: ({ body }) => demandOf(body) } }, receiveMessage)
    scope.get(url, { exposeHeadRoute: false, config: { door: 'mcp' } }, openStream)
    scope.delete(url, { config: { door: 'mcp' } }, endSession)
    refuseOtherMethods(scope, url, sessions === undefined ? ['POST'] : methods, methods)
  }

  serveAt(app, path)
  // A scope of its own, whose hook costs the path itself nothing.
  if (!tolerance.lenient || path === '/') return
  await app.register(async function otherSlash (scope) {
    scope.addHook('preHandler', function noteSlash (request, _reply, done) {
      bearUnknown(tolerance, request, 'trailing-slash')
      done()
    })
    serveAt(scope, path.endsWith('/') ? path.slice(0, -1) : `${path}/`)
  })
}

function accept (reply: FastifyReply): void {
  reply.code(202).send()
}
