import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { askedOf, type AccessLog } from '../core/access.ts'
import type { Door, Exchange } from '../core/exchange.ts'
import type { Failure, Outcome } from '../core/outcome.ts'
import type { Principal } from '../core/ports.ts'
import { readTraceparent } from '../core/trace-context.ts'

export interface AccessLogOptions {
  /** Undefined where no lines of requests are wanted. */
  accesses: AccessLog | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined where no lines of requests are wanted. */
    readonly accesses: AccessLog | undefined
  }
  interface FastifyRequest {
    /** As what it came to a method or a tool; the last one of a batch. */
    exchange: Exchange | null
    /** What it came to, where that is no success. */
    failure: Failure | null
  }
  interface FastifyContextConfig {
    /** The way in that the route belongs to, and the tool that it calls, if it always calls the same. */
    door?: Door
    tool?: string
  }
}

interface Served { readonly request: FastifyRequest, readonly reply: FastifyReply, readonly startedAt: number }

/**
 * Writes one line for each HTTP request, when its connection is done with it. Should the process end before that, the requests that are
 * left have theirs then: those that were answered as such, the others as cut off.
 */
export default fp<AccessLogOptions>(async function accessLog (app, { accesses }) {
  app.decorate('accesses', accesses)
  app.decorateRequest('exchange', null)
  app.decorateRequest('failure', null)
  if (accesses === undefined) return

  const open = new Set<Served>()
  app.addHook('onRequest', function awaitEnd (request, reply, done) {
    if (accesses.isOn) {
      const served = { request, reply, startedAt: performance.now() }
      open.add(served)
      // Unlike Fastify's own hook this comes, too, when the client goes away.
      reply.raw.on('close', () => {
        if (open.delete(served)) write(accesses, served, reply.raw.headersSent ? 'ok' : 'cancelled')
      })
    }
    done()
  })

  const cutOff = (): void => {
    for (const served of open) write(accesses, served, served.reply.raw.writableEnded ? 'ok' : 'cut_off')
    open.clear()
  }
  process.on('exit', cutOff)
  app.addHook('onClose', async function forgetExit () {
    cutOff()
    process.off('exit', cutOff)
  })
}, { name: 'access-log', fastify: '5.x' })

function write (accesses: AccessLog, { request, reply: { raw }, startedAt }: Served, unlessFailed: Outcome): void {
  const { exchange, failure, headers, params, body } = request
  const status = raw.headersSent ? raw.statusCode : undefined
  const { url, config } = request.routeOptions
  const { door, tool, pattern } = config
  const { operator, principal = operator } = request as { principal?: Principal | null, operator?: Principal | null }
  accesses.write({
    requestId: request.id,
    door,
    address: request.ip,
    principal: principal?.name,
    verb: request.method,
    route: pattern ?? url,
    ...(door === 'mcp' ? askedOf(body) : { tool: tool ?? (params as { name?: string } | undefined)?.name }),
    status,
    revision: exchange?.revision,
    outcome: failure?.outcome ?? (unlessFailed === 'ok' ? outcomeOfStatus(status) : unlessFailed),
    code: failure?.code,
    durationMs: performance.now() - startedAt,
    traceparent: exchange === null ? readTraceparent(headers['traceparent']) : exchange.traceparent
  })
}

/** Of an answer that no error led to. */
function outcomeOfStatus (status = 200): Outcome {
  return status < 400 ? 'ok' : status < 500 ? 'refused' : 'error'
}
