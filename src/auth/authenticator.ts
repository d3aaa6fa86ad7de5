import type { IncomingHttpHeaders } from 'node:http'
import { groupOf } from '../core/addresses.ts'
import { CredentialMalformedError, InsufficientScopeError, IssuerUnavailableError, PermissionRefusedError, RateLimitedError, UnauthenticatedError, type GantryError } from '../core/errors.ts'
import type { Logger, Principal } from '../core/ports.ts'
import type { AccessTokens, TokenVerdict } from './access-tokens.ts'
import type { ApiKeys } from './api-keys.ts'
import { challengeText, type Challenge } from './challenge.ts'
import { readCredential } from './credential.ts'
import type { FailureLimit } from './failure-limit.ts'
import { Turns } from './turns.ts'

export interface AuthenticatorOptions {
  /** Undefined where there are none. */
  keys: ApiKeys | undefined
  /** The header for keys, in lower case. */
  headerName: string
  /** Undefined where there are none. */
  tokens: AccessTokens | undefined
  failures: FailureLimit
  /** What all challenges say. */
  challenge: Pick<Challenge, 'realm' | 'resourceMetadata'>
  /** The scopes that a challenge asks for. */
  scopes: { readonly supported: readonly string[], readonly required: readonly string[] }
  logger: Logger
}

/** What of a request says who sends it. */
export interface Caller { readonly headers: IncomingHttpHeaders, readonly ip: string, readonly id: string }

/** Says who a request comes from. Throws or rejects with the error that it is to be answered with. */
export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #keyHeader: string | undefined
  readonly #turns = new Turns()
  readonly #accepted: string
  readonly #challenges: Readonly<Record<'missing' | 'malformed' | 'invalid' | 'insufficient', string>>

  constructor (options: AuthenticatorOptions) {
    const { keys, tokens, headerName, challenge, scopes: { supported, required } } = options
    this.#options = options
    // Without keys, the header may be anybody's.
    this.#keyHeader = keys === undefined && tokens !== undefined ? undefined : headerName
    this.#accepted = [
      tokens === undefined ? undefined : 'an access token as "Authorization: Bearer …"',
      keys === undefined && tokens !== undefined ? undefined : `a valid key as "Authorization: Bearer …" or in the ${headerName} header`
    ].filter((way) => way !== undefined).join(', or ')
    const scopes = required.length > 0 ? required : supported
    this.#challenges = {
      missing: challengeText({ ...challenge, scopes }),
      malformed: challengeText({ ...challenge, error: 'invalid_request', scopes }),
      invalid: challengeText({ ...challenge, error: 'invalid_token', scopes }),
      insufficient: challengeText({ ...challenge, error: 'insufficient_scope', scopes: required })
    }
  }

  /** `nobody` is who calls without showing anything; undefined where that is refused. A promise only where a token has to be verified. */
  identify (caller: Caller, nobody: Principal | undefined): Principal | Promise<Principal> {
    const { keys, tokens } = this.#options
    const credential = readCredential(caller.headers, this.#keyHeader)
    if (credential.kind === 'none' && nobody !== undefined) return nobody
    switch (credential.kind) {
      case 'none':
      case 'foreign': throw new UnauthenticatedError(`Show who you are: send ${this.#accepted}.`, this.#challenges.missing)
      case 'malformed': throw new CredentialMalformedError(`The Authorization header has no single credential behind "Bearer". Send ${this.#accepted}.`, this.#challenges.malformed)
      case 'conflicting': throw this.#refusal(caller)
      case 'header':
      case 'bearer': {
        const holder = keys?.find(credential.value)
        if (holder !== undefined) return holder
        if (tokens === undefined || credential.kind === 'header') throw this.#refusal(caller)
        const verdict = tokens.recall(credential.value)
        return verdict === undefined ? this.#judge(tokens, credential.value, caller) : this.#conclude(verdict, caller)
      }
    }
  }

  /** What to tell a caller in the place of an error: of something that its token does not reach, how to reach it. RFC 6750 section 3.1. */
  stepUp (error: GantryError, principal: Principal): GantryError {
    const { cause } = error
    if (!(cause instanceof PermissionRefusedError) || principal.kind !== 'token') return error
    const scopes = this.#options.tokens?.scopesToReach(cause.permission, principal)
    if (scopes === undefined) return error
    return new InsufficientScopeError(challengeText({ ...this.#options.challenge, error: 'insufficient_scope', scopes }), { cause })
  }

  /** Fetches the keys of issuers before anybody shows a token. Never rejects. */
  async warmUp (): Promise<void> { await this.#options.tokens?.warmUp() }
  close (): void { this.#options.tokens?.close() }

  /** Verifies a token, of one address one after the other: who shows bad ones is stopped before there is much to verify. */
  async #judge (tokens: AccessTokens, token: string, caller: Caller): Promise<Principal> {
    const renewed = await tokens.renew(token)
    if (renewed !== undefined) return this.#conclude(renewed, caller)
    this.#refuseLimited(caller)
    const read = await tokens.read(token)
    if (read.kind !== 'unverified') return this.#conclude(read, caller)
    return await this.#turns.take(groupOf(caller.ip), async () => {
      this.#refuseLimited(caller)
      return this.#conclude(await tokens.verify(read), caller)
    })
  }

  #conclude (verdict: TokenVerdict, caller: Caller): Principal {
    switch (verdict.kind) {
      case 'accepted': return verdict.principal
      case 'insufficient': throw new InsufficientScopeError(this.#challenges.insufficient)
      case 'undecidable': throw new IssuerUnavailableError(verdict.retryAfterSeconds)
      case 'refused':
        this.#options.logger.debug({ requestId: caller.id, reason: verdict.reason }, 'An access token was refused.')
        throw this.#refusal(caller)
    }
  }

  /** One answer for all reasons. */
  #refusal (caller: Caller): Error {
    this.#refuseLimited(caller)
    this.#options.failures.count(groupOf(caller.ip))
    return new UnauthenticatedError(`This credential is not accepted. Send ${this.#accepted}.`, this.#challenges.invalid, 'invalid')
  }

  #refuseLimited ({ ip }: Caller): void {
    const waitSeconds = this.#options.failures.waitSeconds(groupOf(ip))
    if (waitSeconds !== undefined) throw new RateLimitedError(`Too many refused credentials came from this address. Try again in ${waitSeconds} s.`, waitSeconds)
  }
}
