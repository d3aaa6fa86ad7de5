import fp from 'fastify-plugin'
import { AddressSet, readRanges } from '../core/addresses.ts'
import { compileOriginRules, type OriginRules } from '../core/origin.ts'
import type { Principal } from '../core/ports.ts'
import { anonymousWith } from '../core/principals.ts'
import type { SecuritySection } from '../../schemas/config/security.ts'

export interface OpsAccessOptions {
  section: Pick<SecuritySection, 'authentication' | 'permissions' | 'ipWhitelist'>
  rules: OriginRules
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks for what is about the server as a whole. */
    operator: Principal
  }
}

const stranger = anonymousWith([])

/**
 * Says who asks, in a scope that answers everyone. Who shows nothing has what the configuration gives to the anonymous, and nothing by
 * default. Whoever comes from an address, a page or for a host that is not served has nothing, whatever it shows: it must not learn whether
 * that is good, either.
 */
export default fp<OpsAccessOptions>(async function opsAccess (app, { section: { authentication, permissions, ipWhitelist }, rules }) {
  const { authenticator } = app
  const isProofNeeded = authentication?.enabled === true && !authentication.allowAnonymous
  const nobody = isProofNeeded ? stranger : anonymousWith(permissions?.anonymous ?? [])
  const addresses = ipWhitelist === undefined ? undefined : new AddressSet(readRanges(ipWhitelist))
  const verdict = compileOriginRules(rules)

  app.decorateRequest('operator', null as unknown as Principal) // Set before any handler, or the request is refused.
  app.addHook('onRequest', function identify (request, _reply, done) {
    const { headers, ip } = request
    const isListed = verdict(headers.host, headers.origin) === 'allowed' && addresses?.has(ip) !== false
    if (!isListed || authenticator === undefined) {
      request.operator = isListed ? nobody : stranger
      return done()
    }
    const take = (principal: Principal): void => {
      request.operator = principal
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
}, { name: 'ops-access', fastify: '5.x', dependencies: ['authenticator'] })
