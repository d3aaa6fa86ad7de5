import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readAccept } from '../../core/accept.ts'
import type { Core } from '../../core/core.ts'
import { AnswerUndeliveredError } from '../../core/call-errors.ts'
import { GantryError, InternalError, InvalidRequestError, SessionLimitError, SessionRequiredError, SessionUnknownError } from '../../core/errors.ts'
import { errorText, isObject, readMessage, resultText, type RequestId, type RpcMessage, type RpcNotification, type RpcRequest, type RpcResponse } from '../../core/json-rpc.ts'
import { mendMessage } from '../../core/mending.ts'
import { failureOf } from '../../core/outcome.ts'
import type { MaybePromise, SessionRecord } from '../../core/session.ts'
import { assumedRevision, isModern, isRevision, supportsVersionHeader, type Revision } from '../../core/versions.ts'
import { sourceOf } from '../source.ts'
import { countDeviations } from './deviations.ts'
import type { OpenStreams } from './event-stream.ts'
import { cancelKey, HttpExchange, type SessionServices } from './http-exchange.ts'
import { sendAnswer, sendError } from './send.ts'

export interface LegacyLane extends SessionServices {
  core: Core
  streams: OpenStreams
}

/** Log messages go out from this level on until the client sets another. */
const defaultLogLevel = 'info'

/** What a request of the 2025 era is served under: its session, or only the revision that its header names. */
export interface LegacyStanding { session: SessionRecord | undefined, revision: Revision }

/** Finds the session that a request names. Throws or rejects with SessionRequiredError, SessionUnknownError, InvalidRequestError. */
export function findStanding (lane: LegacyLane, request: FastifyRequest): MaybePromise<LegacyStanding> {
  const claimed = readVersion(request)
  if (lane.sessions === undefined) {
    if (request.deviations !== null) countDeviations(lane.core.tolerance, request, undefined)
    return { session: undefined, revision: claimed ?? assumedRevision }
  }
  const found = lane.sessions.get(sessionIdOf(request))
  return found instanceof Promise ? found.then((session) => standingOf(lane, session, request, claimed)) : standingOf(lane, found, request, claimed)
}

/** Somebody else's session is as unknown as one that never was. */
function standingOf ({ core }: LegacyLane, session: SessionRecord | undefined, request: FastifyRequest, claimed: Revision | undefined): LegacyStanding {
  if (session === undefined || session.principal !== request.principal.name) throw new SessionUnknownError()
  if (claimed !== session.revision) bearVersion(core, session, claimed)
  if (request.deviations !== null) countDeviations(core.tolerance, request, session.clientName)
  return { session, revision: session.revision }
}

function readVersion (request: FastifyRequest): Revision | undefined {
  const header = request.headers['mcp-protocol-version']
  if (header === undefined) return undefined
  if (!isRevision(header) || isModern(header)) {
    throw new InvalidRequestError(`Bad Request: the MCP-Protocol-Version header names ${JSON.stringify(header).slice(0, 200)}, which is not a revision served in sessions.`)
  }
  return header
}

/** The session knows its version; the header only has to agree. 2025-11-25 basic/transports, Protocol Version Header. */
function bearVersion ({ tolerance }: Core, { revision, clientName }: SessionRecord, claimed: Revision | undefined): void {
  if (claimed === undefined) {
    if (!supportsVersionHeader(revision) || tolerance.bears('version-header-missing', clientName)) return
    throw new InvalidRequestError(`The MCP-Protocol-Version header is missing; this session speaks ${revision}.`)
  }
  if (!tolerance.bears('version-header-other', clientName)) throw new InvalidRequestError(`The MCP-Protocol-Version header says ${claimed}; this session speaks ${revision}.`)
}

function sessionIdOf (request: FastifyRequest): string {
  const id = request.headers['mcp-session-id']
  if (typeof id !== 'string' || id === '') throw new SessionRequiredError()
  return id
}

/** Answers `initialize` and, where sessions are kept, opens one. The id is ours and random; a client's own is never taken over. */
export async function openSession (lane: LegacyLane, request: FastifyRequest, reply: FastifyReply, message: RpcRequest): Promise<void> {
  const { revision, clientCapabilities, clientName, result } = lane.core.shakeHands(message.params, { hasSession: lane.sessions !== undefined })
  const { tolerance } = lane.core
  if (request.headers['mcp-session-id'] !== undefined && !tolerance.bears('session-id-on-initialize', clientName)) {
    throw new InvalidRequestError('initialize opens a new session: send it without the Mcp-Session-Id header.')
  }
  if (request.deviations !== null) countDeviations(tolerance, request, clientName)
  lane.core.audit?.admit('session.open')
  const id = lane.sessions === undefined ? undefined : randomUUID()
  if (lane.sessions !== undefined && id !== undefined) {
    const session: SessionRecord = {
      id, revision, clientCapabilities, clientName, principal: request.principal.name, logLevel: defaultLogLevel, subscriptions: [], streamId: undefined
    }
    if (!await lane.sessions.create(session)) throw new SessionLimitError()
    reply.header('mcp-session-id', id)
  }
  lane.core.audit?.record('session.open', sourceOf(request, { id, revision, clientName }))
  sendAnswer(request, reply, 200, resultText(message.id, result))
}

/** One request of the 2025 era. */
export function serveLegacy (lane: LegacyLane, request: FastifyRequest, reply: FastifyReply, message: RpcRequest, standing: LegacyStanding): void {
  const streams = readAccept(request.headers.accept).eventStream ? lane.streams : undefined
  const exchange = exchangeFor(lane, request, reply, message, standing, streams)
  const outcome = lane.core.dispatcher.handle(message, exchange)
  if (outcome instanceof Promise) void outcome.then((answer) => { exchange.answer(answer) })
  else exchange.answer(outcome)
}

/** A notification that came with an id: it is taken as one, and its id gets the answer that its sender may wait for. */
export function serveMisnumbered (lane: LegacyLane, request: FastifyRequest, reply: FastifyReply, { id, method, params }: RpcRequest, session: SessionRecord | undefined): void {
  lane.core.tolerance.bears('notification-with-id', session?.clientName)
  noticeLegacy(lane, { kind: 'notification', method, params }, session)
  sendAnswer(request, reply, 200, resultText(id, '{}'))
}

/** A batch of 2025-03-26: its answers in one array, in the order of the requests. JSON-RPC 2.0 section 6. */
export async function serveBatch (lane: LegacyLane, request: FastifyRequest, reply: FastifyReply, batch: readonly unknown[], standing: LegacyStanding): Promise<void> {
  const undelivered: unknown[] = []
  const answers = await Promise.all(batch.map(async (element) => {
    const message = readElement(lane, element, standing)
    switch (message.kind) {
      case 'invalid': return refuseElement(request, element, message.error, message.id, standing)
      case 'response': await takeAnswer(lane, message, standing).catch((error: unknown) => { undelivered.push(error) }); return undefined
      case 'notification': noticeLegacy(lane, message, standing.session); return undefined
      case 'request': {
        if (message.method === 'initialize') return refuseElement(request, element, new InvalidRequestError('initialize is never part of a batch.'), message.id, standing)
        const answer = await lane.core.dispatcher.handle(message, exchangeFor(lane, request, reply, message, standing, undefined))
        return answer?.text
      }
    }
  }))
  const texts = answers.filter((text) => text !== undefined)
  // The results of its calls are worth more to the client than the news that an answer of its own got nowhere: that question comes to its end by itself.
  if (texts.length === 0 && undelivered.length > 0) throw undelivered[0]
  if (texts.length === 0) reply.code(202).send()
  else sendAnswer(request, reply, 200, `[${texts.join(',')}]`)
}

/** A client's answer to something that this server, or another instance of it, asked. Rejects with what keeps it from getting there. */
export async function takeAnswer ({ requests }: LegacyLane, { id, result, error }: RpcResponse, { session }: Pick<LegacyStanding, 'session'>): Promise<void> {
  if (session !== undefined && !await requests.answer(session.id, id, { result, error })) throw new AnswerUndeliveredError()
}

/** The answer to an element that is no request which could be served. */
function refuseElement (request: FastifyRequest, element: unknown, error: GantryError, id: RequestId | undefined, { revision }: LegacyStanding): string {
  request.failure = failureOf(error)
  request.server.recordRefusal(request, error, element)
  return errorText(id, error, revision)
}

function readElement ({ core: { tolerance } }: LegacyLane, element: unknown, { session }: LegacyStanding): RpcMessage {
  const message = readMessage(element)
  const mended = message.kind === 'invalid' ? mendMessage(element, tolerance) : undefined
  for (const name of mended?.deviations ?? []) tolerance.bears(name, session?.clientName)
  return mended?.message ?? message
}

function exchangeFor (
  lane: LegacyLane, request: FastifyRequest, reply: FastifyReply, message: RpcRequest, { session, revision }: LegacyStanding, streams: OpenStreams | undefined
): HttpExchange {
  const meta = message.params['_meta']
  return new HttpExchange(request, reply, {
    revision,
    session,
    meta: isObject(meta) ? meta : undefined,
    id: message.id,
    clientCapabilities: session?.clientCapabilities ?? {},
    // Without a session no client could have chosen a level, and the server says that it has no log messages.
    logLevel: session?.logLevel,
    principal: request.principal,
    streams,
    services: lane
  })
}

export function noticeLegacy (lane: LegacyLane, message: RpcNotification, session: SessionRecord | undefined): void {
  const elsewhere = lane.core.dispatcher.notice(message, (id) => session === undefined ? undefined : cancelKey(session.id, id))
  if (elsewhere !== undefined) void passOnCancel(lane, elsewhere)
}

/** Tells the other instances. A bus that is away lets the call run to its end, as one whose cancel came too late. */
async function passOnCancel ({ keeping: { bus, logger } }: LegacyLane, key: string): Promise<void> {
  try {
    await bus.publish(cancelChannel, { key })
  } catch (error) {
    logger.warn({ err: error }, 'A cancel could not be passed on to the other instances.')
  }
}

/** Where instances tell each other which calls are cancelled. */
export const cancelChannel = 'cancelled'

/** Sends the error that stopped a request on its way to a method. */
export function refuse (request: FastifyRequest, reply: FastifyReply, error: unknown, id?: RpcRequest['id']): void {
  const known = error instanceof GantryError ? error : new InternalError({ cause: error })
  if (known instanceof InternalError) request.server.core.logger.error({ err: known.cause, requestId: request.id }, 'A request ended in an internal error.')
  sendError(request, reply, known, id)
}
