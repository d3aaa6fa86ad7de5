import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HealthReport, Outcome } from '../core/health.ts'
import { grantsOf } from '../core/permissions.ts'
import type { Clock, Principal } from '../core/ports.ts'
import { refuseOtherMethods } from './other-methods.ts'

export interface OpsOptions {
  /** Where health is served; `/live` and `/ready` lie below. */
  path: string
  /** Takes secrets out of what peers said. */
  redact: ((text: string) => string) | undefined
  clock: Clock
}

/** What load balancers and operators ask. Strangers learn nothing but the state; the rest is for who may `ops:health`. Nothing here waits. */
export default async function opsRoutes (app: FastifyInstance, { path, redact = (text) => text, clock }: OpsOptions): Promise<void> {
  const base = path.replace(/\/+$/, '')
  const stamp = (): string => new Date(clock.now()).toISOString()
  // Who is overloaded is asked how it is all the more: taking it for dead would make it worse for the others.
  const options = { exposeHeadRoute: true, config: { pressureHandler: goOn } }

  app.get(path, options, function reportHealth (request, reply) {
    const report = app.health.report()
    answer(reply, report.status === 'unhealthy' ? 503 : 200)
    const state = { status: report.status, timestamp: stamp(), uptime: process.uptime() }
    return maySeeAll(request.operator) ? { ...state, memory: process.memoryUsage(), checks: detailOf(report, redact) } : state
  })
  app.get(`${base}/live`, options, function reportLife (_request, reply) {
    answer(reply, 200)
    return { status: 'alive', timestamp: stamp(), uptime: process.uptime() }
  })
  app.get(`${base}/ready`, options, function reportReadiness (_request, reply) {
    const reason = app.notReady()
    answer(reply, reason === undefined ? 200 : 503)
    return { status: reason ?? 'ready', timestamp: stamp() }
  })
  for (const url of [path, `${base}/live`, `${base}/ready`]) refuseOtherMethods(app, url, ['GET', 'HEAD'])
}

function goOn (): void {}

function answer (reply: FastifyReply, status: number): void {
  reply.code(status).header('cache-control', 'no-store')
}

function maySeeAll ({ permissions }: Principal): boolean {
  return grantsOf(permissions).allows('ops:health', '')
}

function detailOf ({ checks }: HealthReport, redact: (text: string) => string): Record<string, unknown> {
  return Object.fromEntries([...checks].map(([name, { status, message, facts, checkedAt, durationMs }]: [string, Outcome]) => [name, {
    status,
    ...(message !== undefined && { message: redact(message) }),
    ...(checkedAt !== undefined && { checkedAt: new Date(checkedAt).toISOString(), durationMs }),
    ...facts
  }]))
}
