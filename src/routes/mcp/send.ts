import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GantryError } from '../../core/errors.ts'
import { readAccept } from '../../core/accept.ts'
import { errorText, type RequestId } from '../../core/json-rpc.ts'
import { failureOf } from '../../core/outcome.ts'
import { EventStream, eventStreamHeaders } from './event-stream.ts'

const jsonType = 'application/json; charset=utf-8'

/** Sends JSON text. Compressed only where that pays: `sendCompressed` decides by size and by what the client accepts. */
export function sendText (request: FastifyRequest, reply: FastifyReply, status: number, text: string): void {
  reply.code(status).header('content-type', jsonType)
  request.server.sendCompressed(request, reply, text)
}

/** Sends an answer in a form that the client takes: JSON, or else an event stream of one event. */
export function sendAnswer (request: FastifyRequest, reply: FastifyReply, status: number, text: string): void {
  if (status !== 200 || readAccept(request.headers.accept).json) return sendText(request, reply, status, text)
  const stream = new EventStream()
  stream.send(text)
  stream.end()
  reply.headers(eventStreamHeaders).send(stream)
}

/** Sends a JSON-RPC error with the HTTP status of the error. */
export function sendError (request: FastifyRequest, reply: FastifyReply, error: GantryError, id?: RequestId): void {
  request.failure = failureOf(error)
  request.server.recordRefusal(request, error)
  reply.headers(error.headers)
  sendText(request, reply, error.status, errorText(id, error, undefined))
}
