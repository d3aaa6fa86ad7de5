import type { FastifyReply, FastifyRequest } from 'fastify'
import { clientNameIn, metaKeys, type Classification } from '../../core/classify.ts'
import { logLevels } from '../../core/exchange.ts'
import type { Core } from '../../core/core.ts'
import { isLogLevel } from '../../core/dispatcher.ts'
import { InvalidParamsError } from '../../core/errors.ts'
import type { RpcRequest } from '../../core/json-rpc.ts'
import { readAccept } from '../../core/accept.ts'
import { countDeviations } from './deviations.ts'
import type { OpenStreams } from './event-stream.ts'
import { HttpExchange } from './http-exchange.ts'
import { sendError } from './send.ts'

export interface ModernLane {
  core: Core
  streams: OpenStreams
}

type ModernClassification = Extract<Classification, { era: 'modern' }>

/** One request of the 2026 era: it says everything about itself, and nothing is kept of it. */
export function serveModern (lane: ModernLane, request: FastifyRequest, reply: FastifyReply, message: RpcRequest, { meta, revision, capabilities }: ModernClassification): void {
  const logLevel = meta[metaKeys.logLevel]
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    sendError(request, reply, new InvalidParamsError(`_meta["${metaKeys.logLevel}"] must be one of ${logLevels.join(', ')}.`), message.id)
    return
  }
  if (request.deviations !== null) countDeviations(lane.core.tolerance, request, clientNameIn(meta))
  const exchange = new HttpExchange(request, reply, {
    revision,
    session: undefined,
    meta,
    id: message.id,
    clientCapabilities: capabilities,
    logLevel,
    principal: request.principal,
    streams: readAccept(request.headers.accept).eventStream ? lane.streams : undefined,
    services: undefined
  })
  const outcome = lane.core.dispatcher.handle(message, exchange)
  if (outcome instanceof Promise) void outcome.then((answer) => { exchange.answer(answer) })
  else exchange.answer(outcome)
}
