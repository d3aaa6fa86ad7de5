import fp from 'fastify-plugin'
import { InternalError, RouteUnknownError } from '../core/errors.ts'
import { problemOf, problemType, translateEdgeError } from '../core/http-errors.ts'

/** Answers errors as problem documents; `/mcp` has a handler of its own that answers in JSON-RPC. Stacks and causes stay in the log. */
export default fp(async function errors (app) {
  app.setErrorHandler(function answerProblem (error, request, reply) {
    const known = translateEdgeError(error, request)
    if (known instanceof InternalError) request.log.error({ err: error }, 'A request ended in an internal error.')
    reply.code(known.status).header('content-type', problemType).send(JSON.stringify(problemOf(known)))
  })
  app.setNotFoundHandler(function answerUnknown (request, reply) {
    const error = new RouteUnknownError(request.method, request.url.split('?', 1)[0] ?? '')
    reply.code(error.status).header('content-type', problemType).send(JSON.stringify(problemOf(error)))
  })
}, { name: 'errors', fastify: '5.x' })
