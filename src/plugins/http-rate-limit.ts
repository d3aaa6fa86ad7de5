import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { oneMessage, type Demand } from '../core/demand.ts'
import { legacyLimitHeaders, limitHeaders } from '../core/limit-headers.ts'
import type { Admission, RateLimits } from '../core/rate-limits.ts'

export interface HttpRateLimitOptions {
  limits: RateLimits
  /** Whether to send the older headers, too. */
  legacyHeaders: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether this request is still to be counted: not one that was, nor one that was refused before. */
    isUncounted: boolean
  }
  interface FastifyContextConfig {
    /** Reads what a request asks for, where that may be more than one message, or a tool. */
    demandOf?: (request: FastifyRequest) => Demand
  }
}

/** Up to this size, reading a body costs little, and its answer can carry the id that is in it. */
const smallBodyBytes = 65_536

/**
 * Counts each request over HTTP, once, in the limits that are for it, and refuses it when one of them admits no more. Comes after `auth`:
 * who is refused there costs nobody anything. Tools and batches are in the body, so a request is counted when that was read. A large one of
 * a caller that is known to come too often is not read at all, and a request whose body cannot be read is counted with its error.
 */
export default fp<HttpRateLimitOptions>(async function httpRateLimit (app, { limits, legacyHeaders }) {
  app.decorateRequest('isUncounted', false)

  app.addHook('onRequest', function refuseUnread (request, reply, done) {
    // The length of a body that does not tell it is no number.
    const isSmall = Number(request.headers['content-length']) <= smallBodyBytes
    const admission = isSmall ? undefined : limits.foresee(limits.limitsOf(request.principal, request.ip))
    if (admission?.refusal !== undefined) return conclude(reply, admission, done)
    request.isUncounted = true
    done()
  })

  app.addHook('preHandler', function countRequest (request, reply, done) {
    const admission = count(request, request.routeOptions.config.demandOf?.(request) ?? oneMessage)
    if (admission instanceof Promise) admission.then((told) => { conclude(reply, told, done) }, done)
    else conclude(reply, admission, done)
  })

  // Whatever keeps a body from being read is an error.
  app.addHook('onError', function countUnread (request, _reply, _error, done) {
    done()
    if (!request.isUncounted) return
    const admission = count(request, oneMessage)
    if (admission instanceof Promise) admission.catch(() => { /* It is answered, and the failure is counted. */ })
  })

  /** The limits are looked up now: while a body was awaited, those of its caller may have become others. */
  function count (request: FastifyRequest, demand: Demand): Admission | Promise<Admission> {
    request.isUncounted = false
    const { principal, ip } = request
    return limits.take(limits.limitsOf(principal, ip), demand, principal)
  }

  function conclude (reply: FastifyReply, { refusal, standings }: Admission, done: (error?: Error) => void): void {
    const headers = limitHeaders(standings)
    if (headers !== undefined) reply.header('ratelimit-policy', headers.policy).header('ratelimit', headers.state)
    if (legacyHeaders) reply.headers(legacyLimitHeaders(standings))
    done(refusal)
  }
}, { name: 'http-rate-limit', fastify: '5.x', dependencies: ['rate-limit', 'auth'] })
