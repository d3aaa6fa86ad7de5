import fp from 'fastify-plugin'
import type { AuthenticationSection, PermissionsSection } from '../../schemas/config/security.ts'
import { AccessTokens } from '../auth/access-tokens.ts'
import { ApiKeys } from '../auth/api-keys.ts'
import { Authenticator } from '../auth/authenticator.ts'
import { FailureLimit } from '../auth/failure-limit.ts'
import { createKeyDigest } from '../auth/key-digest.ts'
import type { GantryError } from '../core/errors.ts'
import { anonymous, anonymousWith } from '../core/principals.ts'
import { metadataUrl, supportedScopes } from '../core/protected-resource.ts'
import type { Clock, Logger, Principal } from '../core/ports.ts'

export interface AuthOptions {
  /** Undefined, or not enabled: everyone is anonymous. */
  section: AuthenticationSection | undefined
  permissions: PermissionsSection | undefined
  /** What the challenge calls this server. */
  realm: string
  /** The key of the digests of API keys. */
  salt: string
  clock: Clock
  logger: Logger
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
export default fp<AuthOptions>(async function auth (app, { section, permissions, ...options }) {
  if (section?.enabled !== true) {
    const everyone = permissions === undefined ? anonymous : anonymousWith(permissions.anonymous)
    app.decorate('stepUp', undefined)
    app.decorateRequest('principal', { getter: () => everyone })
    return
  }

  const tokens = createTokens(section, permissions, options)
  const authenticator = createAuthenticator(section, permissions, tokens, options)
  app.decorate('stepUp', section.oauth?.stepUp === true ? (error: GantryError, principal: Principal) => authenticator.stepUp(error, principal) : undefined)
  app.addHook('onReady', async function fetchKeys () { void tokens?.warmUp() }) // An issuer that is away must not hold up the start.
  app.addHook('onClose', async function leaveIssuers () { tokens?.close() })

  app.decorateRequest('principal', null as unknown as Principal) // Set before any handler, or the request is refused.
  app.addHook('onRequest', function authenticate (request, _reply, done) {
    const take = (principal: Principal): void => {
      ;(request as { principal: Principal }).principal = principal
      done()
    }
    let principal
    try {
      principal = authenticator.identify(request)
    } catch (error) {
      return done(error as Error)
    }
    if (principal instanceof Promise) principal.then(take, done)
    else take(principal)
  })
}, { name: 'auth', fastify: '5.x' })

type Surroundings = Omit<AuthOptions, 'section' | 'permissions'>

function createTokens ({ oauth }: AuthenticationSection, permissions: PermissionsSection | undefined, { clock, logger }: Surroundings): AccessTokens | undefined {
  return oauth === undefined ? undefined : new AccessTokens({ section: oauth, sharedPermissions: permissions?.authenticated ?? [], clock, logger })
}

function createAuthenticator (section: AuthenticationSection, permissions: PermissionsSection | undefined, tokens: AccessTokens | undefined, { realm, salt, clock, logger }: Surroundings): Authenticator {
  const { allowAnonymous, apiKeys, failureLimit, oauth } = section
  return new Authenticator({
    nobody: allowAnonymous ? anonymousWith(permissions?.anonymous ?? []) : undefined,
    keys: apiKeys.length === 0 ? undefined : new ApiKeys({ keys: apiKeys, sharedPermissions: permissions?.authenticated ?? [], digest: createKeyDigest(salt), clock }),
    headerName: section.headerName.toLowerCase(),
    tokens,
    failures: new FailureLimit({ maxFailures: failureLimit.maxRequests, windowMs: failureLimit.window, clock }),
    challenge: { realm, resourceMetadata: oauth === undefined ? undefined : metadataUrl(oauth.resource) },
    scopes: { required: oauth?.requiredScopes ?? [], supported: oauth === undefined ? [] : supportedScopes(oauth) },
    logger
  })
}
