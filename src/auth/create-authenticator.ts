import type { AuthenticationSection, PermissionsSection } from '../../schemas/config/security.ts'
import type { Clock, Logger } from '../core/ports.ts'
import { metadataUrl, supportedScopes } from '../core/protected-resource.ts'
import { AccessTokens } from './access-tokens.ts'
import { ApiKeys } from './api-keys.ts'
import { Authenticator } from './authenticator.ts'
import { FailureLimit } from './failure-limit.ts'
import { createKeyDigest } from './key-digest.ts'

export interface AuthenticatorParts {
  section: AuthenticationSection
  permissions: PermissionsSection | undefined
  /** What the challenge calls this server. */
  realm: string
  /** The key of the digests of API keys. */
  salt: string
  clock: Clock
  logger: Logger
}

/** Makes what says who a request comes from, of what the configuration says about it. */
export function createAuthenticator ({ section, permissions, realm, salt, clock, logger }: AuthenticatorParts): Authenticator {
  const { apiKeys, failureLimit, oauth } = section
  const sharedPermissions = permissions?.authenticated ?? []
  return new Authenticator({
    keys: apiKeys.length === 0 ? undefined : new ApiKeys({ keys: apiKeys, sharedPermissions, digest: createKeyDigest(salt), clock }),
    headerName: section.headerName.toLowerCase(),
    tokens: oauth === undefined ? undefined : new AccessTokens({ section: oauth, sharedPermissions, clock, logger }),
    failures: new FailureLimit({ maxFailures: failureLimit.maxRequests, windowMs: failureLimit.window, clock }),
    challenge: { realm, resourceMetadata: oauth === undefined ? undefined : metadataUrl(oauth.resource) },
    scopes: { required: oauth?.requiredScopes ?? [], supported: oauth === undefined ? [] : supportedScopes(oauth) },
    logger
  })
}
