import type { FastifyInstance } from 'fastify'
import { refuseOtherMethods } from './other-methods.ts'

/** What load balancers and operators ask. Says nothing that a stranger may not know. */
export default async function opsRoutes (app: FastifyInstance): Promise<void> {
  app.get('/health', { exposeHeadRoute: true, config: { pressureHandler: goOn } }, function reportHealth (_request, reply) {
    reply.header('cache-control', 'no-store')
    return { status: 'healthy', timestamp: new Date().toISOString(), uptime: process.uptime() }
  })
  refuseOtherMethods(app, '/health', ['GET', 'HEAD'])
}

/** Who is overloaded is asked how it is all the more: taking it for dead would make it worse for the others. */
function goOn (): void {}
