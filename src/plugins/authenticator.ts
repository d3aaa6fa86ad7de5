import fp from 'fastify-plugin'
import type { AuthenticationSection, PermissionsSection } from '../../schemas/config/security.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { createAuthenticator } from '../auth/create-authenticator.ts'
import type { Clock, Logger } from '../core/ports.ts'

export interface AuthenticatorOptions {
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
  interface FastifyInstance {
    /** Knows the credentials of the configuration; undefined where nobody is asked for one. */
    authenticator: Authenticator | undefined
  }
}

/** Reads the credentials of the configuration once, for all scopes that ask who is calling: refused ones count in one place. */
export default fp<AuthenticatorOptions>(async function authenticator (app, { section, ...surroundings }) {
  const authenticator = section?.enabled === true ? createAuthenticator({ section, ...surroundings }) : undefined
  app.decorate('authenticator', authenticator)
  app.addHook('onReady', async function fetchKeys () { void authenticator?.warmUp() }) // An issuer that is away must not hold up the start.
  app.addHook('onClose', async function leaveIssuers () { authenticator?.close() })
}, { name: 'authenticator', fastify: '5.x' })
