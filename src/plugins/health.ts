import fp from 'fastify-plugin'
import { DatabaseBusyError } from '../core/call-errors.ts'
import type { Database } from '../core/database.ts'
import { createHandlerCheck, shortList, sum } from '../core/handler-check.ts'
import { Health, reasonOf, type Check, type Finding } from '../core/health.ts'
import type { Clock } from '../core/ports.ts'
import type { RedisConnections } from '../stores/redis-client.ts'
import type { UpstreamState } from '../tools/http/upstreams.ts'
import type { HealthCheckName, HealthSection } from '../../schemas/config/observability.ts'

export interface HealthOptions {
  section: HealthSection
  /** Undefined where none is configured. */
  redis: RedisConnections | undefined
  /** By name; there may be none. */
  databases: ReadonlyMap<string, Database>
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** How it goes with this server and what it needs. */
    health: Health
    /** Why work should be sent elsewhere; undefined while it should come. */
    notReady: () => NotReady | undefined
  }
}

/** `starting`: not everything was looked at yet. */
export type NotReady = 'starting' | 'closing' | 'overloaded' | 'unhealthy'

/** Watches what the server needs from when it is ready until it is closed. */
export default fp<HealthOptions>(async function health (app, { section, redis, databases, clock }) {
  const { interval: intervalMs, timeout: timeoutMs, required } = section
  let state: 'starting' | 'open' | 'closing' = 'starting'
  const watched = new Health({ checks: checksOf(), required, intervalMs, timeoutMs, clock })
  app.decorate('health', watched)
  app.decorate('notReady', (): NotReady | undefined => {
    if (state !== 'open') return state
    if (app.isOverloaded()) return 'overloaded'
    if (!watched.isKnown) return 'starting'
    return watched.report().status === 'unhealthy' ? 'unhealthy' : undefined
  })
  app.addHook('onReady', async function startChecks () {
    state = 'open'
    watched.start()
  })
  app.addHook('preClose', async function refuseWork () { state = 'closing' })
  app.addHook('onClose', async function stopChecks () { watched.stop() })

  function checksOf (): ReadonlyMap<HealthCheckName, Check> {
    const checks = new Map<HealthCheckName, Check>()
    checks.set('handlers', createHandlerCheck({ registries: app.core, pools: app.threads, clock }))
    checks.set('upstreams', () => judgeUpstreams(app.upstreams()))
    if (redis !== undefined) checks.set('redis', async () => await askRedis(redis, 2 * (intervalMs + timeoutMs)))
    if (databases.size > 0) checks.set('database', async () => await askDatabases([...databases.values()], timeoutMs))
    return checks
  }
}, { name: 'health', fastify: '5.x', dependencies: ['core', 'entries', 'pressure'] })

function judgeUpstreams (states: readonly UpstreamState[]): Finding {
  const broken = states.filter(({ circuit }) => circuit !== 'closed').map(({ origin }) => origin)
  const facts = { known: states.length, broken: broken.length, running: sum(states, (state) => state.running), waiting: sum(states, (state) => state.waiting) }
  return broken.length === 0 ? { status: 'healthy', facts } : { status: 'degraded', message: `${shortList(broken)} failed too often: the circuit is open.`, facts }
}

/** A Redis that is full, read-only or forbids is there, and of no use: so something is written. */
async function askRedis (redis: RedisConnections, ttlMs: number): Promise<Finding> {
  await redis.run((commands) => commands.set(`${redis.keyPrefix('health')}health`, '1', 'PX', ttlMs))
  const facts = { address: redis.address }
  // Its commands are answered, and the connection for events is still to come.
  return redis.available ? { status: 'healthy', facts } : { status: 'degraded', message: 'Not all connections are there.', facts }
}

/** The worst of them: what needs one that is away fails, whatever the others do. */
async function askDatabases (databases: readonly Database[], timeoutMs: number): Promise<Finding> {
  const signal = AbortSignal.timeout(timeoutMs)
  const found = await Promise.all(databases.map(async (database) => ({ database, ...await askDatabase(database, signal) })))
  const failed = found.filter(({ message }) => message !== undefined)
  return {
    status: failed.some(({ status }) => status === 'unhealthy') ? 'unhealthy' : failed.length > 0 ? 'degraded' : 'healthy',
    message: failed.length === 0 ? undefined : failed.map(({ database: { name }, message }) => `${name}: ${message}`).join('; '),
    facts: { databases: Object.fromEntries(found.map(({ database: { name, address, counts }, status }) => [name, { status, address, ...counts }])) }
  }
}

async function askDatabase (database: Database, signal: AbortSignal): Promise<Finding> {
  try {
    await database.ping({ signal })
    return { status: 'healthy' }
  } catch (error) {
    // So many statements wait that no more may: it works, and has too much to do.
    return { status: error instanceof DatabaseBusyError ? 'degraded' : 'unhealthy', message: reasonOf(error) }
  }
}
