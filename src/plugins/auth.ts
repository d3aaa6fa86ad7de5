import fp from 'fastify-plugin'
import type { AuthenticationSection, PermissionsSection } from '../../schemas/config/security.ts'
import type { GantryError } from '../core/errors.ts'
import { anonymous, anonymousWith } from '../core/principals.ts'
import type { Principal } from '../core/ports.ts'

export interface AuthOptions {
  /** Undefined, or not enabled: everyone is anonymous. */
  section: AuthenticationSection | undefined
  permissions: PermissionsSection | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling. */
    readonly principal: Principal
  }
  interface FastifyInstance {
    /** What to answer a caller in the place of an error, so that it learns which scopes it lacks. Undefined where that is not told. */
    readonly stepUp: ((error: GantryError, principal: Principal) => GantryError) | undefined
  }
}

/** Says who a request comes from, and refuses those that nobody answers for. Guards the routes of the scope it is registered in. */
export default fp<AuthOptions>(async function auth (app, { section, permissions }) {
  const { authenticator } = app
  if (section === undefined || authenticator === undefined) {
    const everyone = permissions === undefined ? anonymous : anonymousWith(permissions.anonymous)
    app.decorate('stepUp', undefined)
    app.decorateRequest('principal', { getter: () => everyone })
    return
  }

  const nobody = section.allowAnonymous ? anonymousWith(permissions?.anonymous ?? []) : undefined
  app.decorate('stepUp', section.oauth?.stepUp === true ? (error: GantryError, principal: Principal) => authenticator.stepUp(error, principal) : undefined)
  app.decorateRequest('principal', null as unknown as Principal) // Set before any handler, or the request is refused.
  app.addHook('onRequest', function authenticate (request, _reply, done) {
    const take = (principal: Principal): void => {
      ;(request as { principal: Principal }).principal = principal
      done()
    }
    let principal
    try {
      principal = authenticator.identify(request, nobody)
    } catch (error) {
      return done(error as Error)
    }
    if (principal instanceof Promise) principal.then(take, done)
    else take(principal)
  })
}, { name: 'auth', fastify: '5.x', dependencies: ['authenticator'] })
