import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PermissionRefusedError, RouteUnknownError } from '../core/errors.ts'
import { isLoopback } from '../core/origin.ts'
import { grantsOf } from '../core/permissions.ts'
import { refuseOtherMethods } from './other-methods.ts'

export interface MetricsRouteOptions {
  path: string
  /** Whether nobody was asked who may scrape: there is no authentication, and no permissions are declared. Then only this machine may. */
  isUndeclared: boolean
}

/** By these, proxies tell that somebody else asks. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** Metrics for who may `ops:metrics`. For anyone else, nothing is there. */
export default async function metricsRoutes (app: FastifyInstance, { path, isUndeclared }: MetricsRouteOptions): Promise<void> {
  // What happens while a server is overloaded is what people want to see most.
  app.get(path, { exposeHeadRoute: true, config: { pressureHandler: goOn } }, function scrape (request, reply) {
    const { principal: { permissions } } = request
    const mayScrape = grantsOf(permissions).allows('ops:metrics', '') && (!isUndeclared || isNearby(request))
    if (!mayScrape) throw new RouteUnknownError(request.method, path, { cause: new PermissionRefusedError('ops:metrics') })
    app.metrics.write().then((text) => { answer(reply, app.metrics.contentType, text) }, (error: unknown) => { reply.send(error) })
  })
  refuseOtherMethods(app, path, ['GET', 'HEAD'])
}

function goOn (): void {}

function answer (reply: FastifyReply, type: string, text: string): void {
  reply.header('content-type', type).header('cache-control', 'no-store').send(text)
}

/** Whether this machine asks for itself. */
function isNearby ({ raw: { socket }, headers }: FastifyRequest): boolean {
  return isLoopback(socket.remoteAddress ?? '') && proxyHeaders.every((name) => headers[name] === undefined)
}
