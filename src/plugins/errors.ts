import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { InternalError, RouteUnknownError } from '../core/errors.ts'
import { problemOf, problemType, translateEdgeError } from '../core/http-errors.ts'
import { failureOf } from '../core/outcome.ts'

/** Answers errors as problem documents; `/mcp` has a handler of its own that answers in JSON-RPC. Stacks and causes stay in the log. */
export default fp(async function errors (app) {
  app.setErrorHandler(answerProblem)
}, { name: 'errors', fastify: '5.x', dependencies: ['core', 'access-log'] })

function answerProblem (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = translateEdgeError(error, request)
  if (known instanceof InternalError) request.server.core.logger.error({ err: error, requestId: request.id }, 'A request ended in an internal error.')
  request.failure = failureOf(known)
  request.server.recordRefusal(request, known)
  reply.code(known.status).headers(known.headers).header('content-type', problemType).send(JSON.stringify(problemOf(known)))
}

/** For what no route is there for. */
export function answerUnknown (request: FastifyRequest, reply: FastifyReply): void {
  answerProblem(new RouteUnknownError(request.method, request.url.split('?', 1)[0] ?? ''), request, reply)
}

/** For what Fastify refuses before it has found a route: no hook sees these requests, and its own answer has another shape. */
export function answerUnrouted (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(request.server.securityHeaders)
  answerProblem(error, request, reply)
  request.server.accesses?.write({ requestId: request.id, address: request.ip, verb: request.method, status: reply.statusCode, ...(request.failure ?? failureOf(error)), durationMs: 0 })
}
