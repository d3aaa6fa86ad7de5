import type { FastifyRequest } from 'fastify'
import type { DeviationName } from '../../core/tolerance.ts'
import type { Tolerance } from '../../core/tolerating.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request was borne with before it was known whose it is. */
    deviations: DeviationName[] | null
  }
}

/** Bears a deviation of a request whose client is not known yet. False in strict mode. */
export function bearUnknown ({ lenient }: Tolerance, request: FastifyRequest, name: DeviationName): boolean {
  if (lenient) (request.deviations ??= []).push(name)
  return lenient
}

/** Counts what a request was borne with, now that its client is known. */
export function countDeviations (tolerance: Tolerance, request: FastifyRequest, clientName: string | undefined): void {
  for (const name of request.deviations ?? []) tolerance.bears(name, clientName)
  request.deviations = null
}
