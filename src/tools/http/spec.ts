import type { UpstreamsSection } from '../../../schemas/config/server.ts'
import type { HttpHandler } from '../../../schemas/handler.ts'

type Defaulted = 'method' | 'timeout' | 'retries' | 'maxResponseBytes' | 'allowPrivate'
type Scalar = string | number | boolean | null

/** A handler entry of type `http`. What the configuration schema fills in, a program that embeds Gantry may leave out. */
export type HttpSpec = Omit<HttpHandler, Defaulted | 'query'> & Partial<Pick<HttpHandler, Defaulted>> & { query?: Readonly<Record<string, QueryValue>> }
export type HttpMethod = HttpHandler['method']
/** A list repeats its name; null is left out. */
export type QueryValue = Scalar | readonly Scalar[]

/** Values of the configuration schema, for an entry that did not come through it. */
export const defaults = { method: 'GET', timeout: 5000, retries: 0, maxResponseBytes: 10 * 1024 * 1024, allowPrivate: [] } as const
export const upstreamDefaults: UpstreamsSection = {
  allowPrivate: [], connectTimeout: 5000, maxConcurrent: 128, maxQueue: 512, circuitBreaker: { enabled: true, failures: 5, cooldown: 10_000 }
}
