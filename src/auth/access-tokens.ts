import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTHeaderParameters, type JWTPayload } from 'jose'
import type { Clock, Logger, Principal } from '../core/ports.ts'
import type { Issuer, OAuthSection } from '../../schemas/config/security.ts'
import { claimAt, wordsAt } from './claims.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { OAuthScopes } from './oauth-scopes.ts'
import { digestOf, VerifiedTokens } from './verified-tokens.ts'

/** What comes of a token. */
export type TokenVerdict =
  | { kind: 'accepted', principal: Principal }
  /** It counts, and lacks scopes that every caller needs. */
  | { kind: 'insufficient' }
  /** The reason is for the log: callers are not told. */
  | { kind: 'refused', reason: string }
  /** Its issuer has not been reached yet. */
  | { kind: 'undecidable', retryAfterSeconds: number }

/** A token of an issuer that is known, with the keys that may have signed it. Nothing in it is to be believed yet. */
export interface UnverifiedToken {
  readonly kind: 'unverified'
  readonly token: string
  readonly digest: string
  readonly issuer: KnownIssuer
  readonly keys: readonly CryptoKey[]
  readonly generation: number
}

interface KnownIssuer { readonly section: Issuer, readonly audience: string, readonly keys: IssuerKeys }

interface Remembered { readonly verdict: TokenVerdict, readonly expiresAtMs: number, readonly keys: IssuerKeys, readonly generation: number }

export interface AccessTokensOptions {
  section: OAuthSection
  /** What every holder of a token may do. */
  sharedPermissions: readonly string[]
  clock: Clock
  logger: Logger
}

const maxRemembered = 10_000
/** How long a fetch of keys may take. */
const timeoutMs = 5_000
/** OpenID Connect Core 1.0 section 2 has as many; principals are named after it. */
const maxSubjectLength = 255
const maxTierLength = 128

/**
 * The access tokens of the issuers of a configuration. RFC 9068, RFC 8725. The issuer is chosen before anything is believed, by what the
 * token says and the configuration has; nothing else that a token says of where its keys are is looked at.
 */
export class AccessTokens {
  readonly #issuers: ReadonlyMap<string, KnownIssuer>
  readonly #scopes: OAuthScopes
  readonly #options: AccessTokensOptions
  readonly #verified = new VerifiedTokens<Remembered>(maxRemembered)
  /** The scopes of a token, by whom it made. */
  readonly #held = new WeakMap<Principal, readonly string[]>()

  constructor (options: AccessTokensOptions) {
    const { section: { resource, issuers, jwksMaxAge: maxAgeMs, jwksCooldown: cooldownMs }, clock, logger } = options
    this.#options = options
    this.#scopes = new OAuthScopes(options.section)
    this.#issuers = new Map(issuers.map((section) => {
      const { issuer, jwksUri, audience = resource } = section
      return [issuer, { section, audience, keys: new IssuerKeys({ issuer, jwksUri, maxAgeMs, cooldownMs, timeoutMs, clock, logger }) }]
    }))
  }

  /** Fetches the keys of all issuers, so that the first callers need not wait. Never rejects. */
  async warmUp (): Promise<void> {
    await Promise.all([...this.#issuers.values()].map(({ keys }) => keys.freshen()))
  }

  close (): void {
    for (const { keys } of this.#issuers.values()) keys.close()
  }

  /** What came of a token before, while that counts. */
  recall (token: string): TokenVerdict | undefined {
    const remembered = this.#rememberedOf(digestOf(token))
    return remembered?.keys.isFresh === true ? remembered.verdict : undefined
  }

  /** The same, once the keys are as fresh as they can be. */
  async renew (token: string): Promise<TokenVerdict | undefined> {
    const digest = digestOf(token)
    await this.#rememberedOf(digest)?.keys.freshen()
    return this.#rememberedOf(digest)?.verdict
  }

  /** Finds the issuer and the keys that a token would have to be signed with. No signature is verified here. */
  async read (token: string): Promise<UnverifiedToken | TokenVerdict> {
    const parts = readParts(token)
    if (parts === undefined) return refused('It is no JSON Web Token.')
    const { header, claimedIssuer } = parts
    const issuer = typeof claimedIssuer === 'string' ? this.#issuers.get(claimedIssuer) : undefined
    if (issuer === undefined) return refused('Its issuer is not among those of the configuration.')
    const { section: { algorithms, plainJwt }, keys } = issuer
    if (!(algorithms as readonly unknown[]).includes(header.alg)) return refused('Its algorithm is not among those of its issuer.')
    if (!isAccessTokenType(header.typ, plainJwt)) return refused('Its type is not that of an access token.')
    if (!await keys.freshen()) return { kind: 'undecidable', retryAfterSeconds: Math.max(1, Math.ceil(keys.cooldownLeftMs / 1_000)) }
    const { generation } = keys
    const candidates = await keys.candidates(header)
    if (candidates.length === 0) return refused('No key of its issuer fits it.')
    return { kind: 'unverified', token, digest: digestOf(token), issuer, keys: candidates, generation }
  }

  /** Verifies the signature and the claims of a token, unless that was done in the meantime. What counts is remembered until it expires. */
  async verify ({ token, digest, issuer, keys, generation }: UnverifiedToken): Promise<TokenVerdict> {
    const known = this.#rememberedOf(digest)
    if (known !== undefined) return known.verdict
    const claims = await this.#verifiedClaims(token, issuer, keys)
    if (typeof claims === 'string') return refused(claims)
    const { clockTolerance } = this.#options.section
    const expiresAtMs = Number(claims.exp) * 1_000 + clockTolerance
    const verdict = this.#verdictOn(claims, issuer, expiresAtMs)
    if (verdict.kind !== 'refused') this.#verified.set(digest, { verdict, expiresAtMs, keys: issuer.keys, generation })
    return verdict
  }

  /** The scopes that a caller has to ask for to get a permission; undefined where no scope grants it. */
  scopesToReach (permission: string, principal: Principal): string[] | undefined {
    return this.#scopes.toReach(permission, this.#held.get(principal) ?? [])
  }

  #rememberedOf (digest: string): Remembered | undefined {
    const remembered = this.#verified.get(digest)
    if (remembered === undefined) return undefined
    if (this.#options.clock.now() < remembered.expiresAtMs && remembered.generation === remembered.keys.generation) return remembered
    this.#verified.delete(digest)
    return undefined
  }

  /** The claims, or why they do not count. */
  async #verifiedClaims (token: string, { section: { issuer, algorithms }, audience }: KnownIssuer, keys: readonly CryptoKey[]): Promise<JWTPayload | string> {
    const { clock, section: { clockTolerance } } = this.#options
    const options = { issuer, audience, algorithms, requiredClaims: ['exp', 'sub'], currentDate: new Date(clock.now()), clockTolerance: clockTolerance / 1_000 }
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (error) {
        // Only a signature that another key may have made is worth another look.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) return reasonOf(error)
      }
    }
    return 'Its signature does not fit.'
  }

  #verdictOn (claims: JWTPayload, { section: { issuer, permissionsFrom, tierFrom } }: KnownIssuer, expiresAtMs: number): TokenVerdict {
    const { sub } = claims
    if (!isSubject(sub)) return refused('Its subject is no text of 1 to 255 characters.')
    const granted = wordsAt(claims, permissionsFrom)
    const held = [...new Set([...granted, ...wordsAt(claims, 'scope')])]
    if (!this.#scopes.suffice(held)) return { kind: 'insufficient' }
    const tier = tierFrom === undefined ? undefined : claimAt(claims, tierFrom)
    const principal: Principal = Object.freeze({
      kind: 'token',
      name: tokenPrincipalName(issuer, sub),
      permissions: Object.freeze([...this.#options.sharedPermissions, ...this.#scopes.permissionsOf(granted)]),
      tier: typeof tier === 'string' && tier !== '' && tier.length <= maxTierLength ? tier : undefined,
      expiresAtMs
    })
    this.#held.set(principal, held)
    return { kind: 'accepted', principal }
  }
}

/** An issuer holds no "#" (config/oauth-semantics.ts), so that no two pairs have one name; and no key has such a name. */
function tokenPrincipalName (issuer: string, subject: string): string { return `${issuer}#${subject}` }

function isSubject (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxSubjectLength && !/\p{Cc}/u.test(value)
}

/** Three parts in base64url; the last is empty in one that nobody signed. RFC 7515 section 7.1. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]*$/

function readParts (token: string): { header: JWTHeaderParameters, claimedIssuer: unknown } | undefined {
  if (!compactForm.test(token)) return undefined
  try {
    return { header: decodeProtectedHeader(token) as JWTHeaderParameters, claimedIssuer: decodeJwt(token).iss }
  } catch {
    return undefined // It only looked like one.
  }
}

/** RFC 9068 section 4; `application/` may be left out (RFC 7515 section 4.1.9). */
function isAccessTokenType (type: unknown, plainJwt: boolean): boolean {
  if (type === undefined) return plainJwt
  if (typeof type !== 'string') return false
  const bare = type.toLowerCase().replace(/^application\//, '')
  return bare === 'at+jwt' || (plainJwt && bare === 'jwt')
}

function reasonOf (error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'It has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) return `Its claim "${error.claim}" is missing or does not fit.`
  return error instanceof errors.JOSEError ? `It cannot be verified (${error.code}).` : 'It cannot be verified.'
}

function refused (reason: string): TokenVerdict { return { kind: 'refused', reason } }
