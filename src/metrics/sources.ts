import type { ResultCache } from '../core/cache/result-cache.ts'
import type { Core } from '../core/core.ts'
import type { Database } from '../core/database.ts'
import type { PoolState } from '../core/handler-check.ts'
import type { Meter } from '../core/meter.ts'
import type { RateLimits } from '../core/rate-limits.ts'
import type { SessionStore } from '../core/session.ts'
import type { Tasks } from '../core/tasks/tasks.ts'

/** Those who know how it goes with a server: the app is one. What is undefined is not configured. */
export interface MetricSources {
  readonly meter: Meter
  readonly core: Pick<Core, 'tools' | 'streamSlots' | 'subscriptions' | 'tolerated'>
  readonly rateLimits: RateLimits | undefined
  readonly sessions: SessionStore | undefined
  readonly sseSessions: SessionStore | undefined
  readonly tasks: Tasks
  readonly cache: ResultCache | undefined
  readonly databases: ReadonlyMap<string, Database>
  readonly redis: { readonly available: boolean } | undefined
  readonly auditMissing: { readonly dropped: number, readonly refused: number } | undefined
  readonly upstreams: () => readonly UpstreamLoad[]
  readonly threads: () => readonly PoolState[]
  readonly isOverloaded: () => boolean
}

interface UpstreamLoad { readonly circuit: 'closed' | 'open' | 'half-open', readonly running: number, readonly waiting: number }
