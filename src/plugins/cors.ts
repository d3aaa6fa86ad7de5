import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

export interface CorsOptions {
  /** Whether pages of any origin may call at all. */
  enabled: boolean
  /** The header that holds a key, where it has a name of its own. */
  keyHeader: string | undefined
}

/** What callers send: the headers of MCP and its revisions, credentials, and those of tracing, which browsers' tracers add by themselves. */
const requestHeaders = [
  'content-type', 'authorization', 'x-api-key', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id', 'traceparent', 'tracestate', 'baggage'
]
/** Arguments in headers: each tool may have its own. MCP 2026-07-28 basic/transports/streamable-http, Custom Headers. */
const parameterHeader = /^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/
const maxRequested = 100

const exposed = 'Mcp-Session-Id, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, Allow'
const methods = 'GET, HEAD, POST, DELETE'
/** As long as browsers keep it at most. What a page may not do any more is refused by the request itself. */
const maxAgeSeconds = '7200'

/**
 * Lets pages of other origins read their answers. `origin-guard` has refused all that may not call, so whoever comes here with an origin may.
 * Credentials of the browser (cookies) are not allowed: keys and tokens stand in headers. Fetch standard, CORS protocol.
 */
export default fp<CorsOptions>(async function cors (app, { enabled, keyHeader }) {
  if (!enabled) return
  const known = new Set([...requestHeaders, ...keyHeader === undefined ? [] : [keyHeader.toLowerCase()]])

  app.addHook('onRequest', function shareWithOrigin (request, reply, done) {
    const { origin } = request.headers
    if (origin === undefined) return done()
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin')
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) return answerPreflight(request, reply)
    reply.header('access-control-expose-headers', exposed)
    done()
  })

  /** The same for every address, whether anything is there or not. Before authentication: browsers ask without credentials. */
  function answerPreflight ({ headers }: FastifyRequest, reply: FastifyReply): void {
    const allowed = (headers['access-control-request-headers'] ?? '').split(',', maxRequested).map((name) => name.trim().toLowerCase())
      .filter((name) => known.has(name) || parameterHeader.test(name))
    reply.code(204).headers({
      'access-control-allow-methods': methods,
      ...(allowed.length > 0 && { 'access-control-allow-headers': allowed.join(', ') }),
      'access-control-max-age': maxAgeSeconds
    }).send()
  }
}, { name: 'cors', fastify: '5.x', dependencies: ['origin-guard'] })
