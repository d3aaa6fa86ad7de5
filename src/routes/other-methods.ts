import type { FastifyInstance } from 'fastify'
import { MethodNotAllowedError } from '../core/errors.ts'

/**
 * Answers requests of methods that an address does not have, with those that it has. A tool's address answers alike whether there is such
 * a tool or not. `routed` are those that are answered elsewhere. RFC 9110 section 15.5.6.
 */
export function refuseOtherMethods (app: FastifyInstance, url: string, allowed: readonly string[], routed = allowed): void {
  function refuse ({ method }: { method: string }): never {
    throw new MethodNotAllowedError(`${method} is not a method of this address: use ${allowed.join(', ')}.`, allowed)
  }
  app.route({
    method: app.supportedMethods.filter((method) => !routed.includes(method)),
    url,
    // Before the body is read: whatever it is, the method would not take it.
    onRequest: async (request) => { refuse(request) },
    handler: refuse
  })
}
