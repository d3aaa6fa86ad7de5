import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GantryError } from '../../core/errors.ts'
import { errorText, type RequestId } from '../../core/json-rpc.ts'

const jsonType = 'application/json; charset=utf-8'

/** Sends JSON text. Compressed only where that pays: `sendCompressed` decides by size and by what the client accepts. */
export function sendText (request: FastifyRequest, reply: FastifyReply, status: number, text: string): void {
  reply.code(status).header('content-type', jsonType)
  request.server.sendCompressed(request, reply, text)
}

/** Sends a JSON-RPC error with the HTTP status of the error. */
export function sendError (request: FastifyRequest, reply: FastifyReply, error: GantryError, id?: RequestId): void {
  sendText(request, reply, error.status, errorText(id, error, undefined))
}
