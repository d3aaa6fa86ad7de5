import type { FastifyInstance } from 'fastify'
import { metadataPaths, metadataText } from '../core/protected-resource.ts'
import type { OAuthSection } from '../../schemas/config/security.ts'
import { refuseOtherMethods } from './other-methods.ts'

export interface WellKnownRouteOptions {
  oauth: OAuthSection
  /** What people know this server by. */
  name: string
}

/** Long enough to spare us, short enough that a new issuer is soon known. */
const maxAgeSeconds = 300

/** Any page may read what any program may. */
const shared = { 'access-control-allow-origin': '*', 'cache-control': `public, max-age=${maxAgeSeconds}` }
const preflight = { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*', 'access-control-max-age': '86400' }

/** The metadata of this server as a protected resource, for clients that have no token yet: public. RFC 9728. */
export default async function wellKnownRoutes (app: FastifyInstance, { oauth, name }: WellKnownRouteOptions): Promise<void> {
  const text = metadataText(oauth, name)
  for (const url of metadataPaths(oauth.resource)) {
    app.route({
      method: ['GET', 'HEAD'],
      url,
      handler: function describeResource (_request, reply) { reply.headers(shared).header('content-type', 'application/json').send(text) }
    })
    // Clients in a browser send MCP-Protocol-Version with it, which browsers ask about first.
    app.options(url, function allowPages (_request, reply) { reply.code(204).headers(preflight).send() })
    refuseOtherMethods(app, url, ['GET', 'HEAD', 'OPTIONS'])
  }
}
