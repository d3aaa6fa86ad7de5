import type { IncomingMessage, ServerResponse } from 'node:http'
import fp from 'fastify-plugin'
import helmet from 'helmet'

export interface SecurityHeadersOptions { enabled: boolean }

declare module 'fastify' {
  interface FastifyInstance {
    /** What every answer carries; for those that no hook sees. */
    readonly securityHeaders: Readonly<Record<string, string>>
  }
}

/**
 * Sends the headers of helmet that mean something on an API. They never change, so helmet runs once, here, and each answer gets
 * what it wrote: running it for each request costs more than everything else that Gantry does for one.
 */
export default fp<SecurityHeadersOptions>(async function securityHeaders (app, { enabled }) {
  const headers = enabled ? recordHeaders() : {}
  app.decorate('securityHeaders', headers)
  if (!enabled) return
  app.addHook('onRequest', function setSecurityHeaders (_request, reply, done) {
    reply.headers(headers)
    done()
  })
}, { name: 'security-headers', fastify: '5.x' })

function recordHeaders (): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  const recorder = {
    setHeader (name: string, value: string | number | readonly string[]) { headers[name.toLowerCase()] = String(value) },
    removeHeader () { /* nothing was set before */ }
  }
  const write = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
    // These speak to pages, to old browsers or to TLS, none of which an API over plain HTTP serves: frame-ancestors takes the place
    // of X-Frame-Options, answers that are no documents navigate nowhere, and a proxy that ends TLS sends HSTS.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    referrerPolicy: false,
    strictTransportSecurity: false,
    xFrameOptions: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false
  })
  // helmet reads nothing of the request for static directives and calls only these two methods of the response.
  write({} as IncomingMessage, recorder as unknown as ServerResponse, (error?: unknown) => { if (error !== undefined) throw error })
  return headers
}
