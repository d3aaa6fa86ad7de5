import type { HttpHandler } from '../../../schemas/handler.ts'

type Defaulted = 'method' | 'timeout' | 'retries' | 'maxResponseBytes'
type Scalar = string | number | boolean | null

/** A handler entry of type `http`. What the configuration schema fills in, a program that embeds Gantry may leave out. */
export type HttpSpec = Omit<HttpHandler, Defaulted | 'query'> & Partial<Pick<HttpHandler, Defaulted>> & { query?: Readonly<Record<string, QueryValue>> }
export type HttpMethod = HttpHandler['method']
/** A list repeats its name; null is left out. */
export type QueryValue = Scalar | readonly Scalar[]

/** Values of the configuration schema, for an entry that did not come through it. */
export const defaults = { method: 'GET', timeout: 5000, retries: 0, maxResponseBytes: 10 * 1024 * 1024 } as const
