import type { FastifyReply, FastifyRequest } from 'fastify'
import { classifyRequest, type MessageHeaders } from '../../core/classify.ts'
import type { GantryError } from '../../core/errors.ts'
import { errorText, readMessage } from '../../core/json-rpc.ts'
import { isToolLimit } from '../../core/limit.ts'
import { failureOf } from '../../core/outcome.ts'
import { refuse } from './legacy.ts'
import { sendAnswer } from './send.ts'

/**
 * Answers a request that was refused before it came to its lane, under its id where that was read. Clients of the 2025 era take a status of
 * HTTP for a failure of their connection, and some end it: that one tool was called too often is for them an answer like any other.
 */
export function refuseUnserved (request: FastifyRequest, reply: FastifyReply, error: GantryError): void {
  const message = readMessage(request.body)
  if (message.kind !== 'request') return refuse(request, reply, error, message.kind === 'invalid' ? message.id : undefined)
  if (!isToolLimit(error) || classifyRequest(message, request.headers as MessageHeaders).era !== 'legacy') return refuse(request, reply, error, message.id)
  request.failure = failureOf(error)
  request.server.recordRefusal(request, error)
  reply.headers(error.headers)
  sendAnswer(request, reply, 200, errorText(message.id, error, undefined))
}
