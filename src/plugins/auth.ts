import fp from 'fastify-plugin'
import { anonymous } from '../core/principals.ts'
import type { Principal } from '../core/ports.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling. */
    readonly principal: Principal
  }
}

/** Says who a request comes from. Configurations that ask for authentication are refused by the loader, so everyone is anonymous. */
export default fp(async function auth (app) {
  app.decorateRequest('principal', { getter: () => anonymous })
}, { name: 'auth', fastify: '5.x' })
