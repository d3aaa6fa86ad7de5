import { Type, type Static } from '@sinclair/typebox'
import { closedObject, described, flag, headerNamePattern, httpUrl, milliseconds, moment, oneOfWords, RateWindow, shortName, text } from '../primitives.ts'
import { oauthScopePattern, permissionPattern } from '../patterns.ts'
import { RateLimitSection } from './limits.ts'
import { IpWhitelist } from './network.ts'
import { AuditSection } from './observability.ts'

/** Who may call, and what. */

const reloadable = true

const Permission = Type.String({
  pattern: permissionPattern,
  expects: 'a permission such as "tools:call", "tools:call:report-*" or "tools:*"'
})
const permissions = (description: string, preset: string[] = []) => Type.Array(Permission, { default: preset, description, reloadable })

export const ApiKey = closedObject({
  name: shortName({ description: 'Whose key it is; shown in logs, metrics and audit.', reloadable }),
  key: Type.Optional(text({ secret: true, description: 'The key itself; better a placeholder than the text.', reloadable })),
  keyHash: Type.Optional(Type.String({ secret: true, pattern: '^[0-9a-fA-F]{64}$', expects: '64 hexadecimal digits, as `gantry keygen` prints them', description: 'The digest of the key: HMAC-SHA-256 under `API_KEY_SALT`, in hexadecimal. Better than `key`: who reads the file cannot call.', reloadable })),
  permissions: permissions('What its holder may do.'),
  tier: Type.Optional(shortName({ description: 'The name of a limit under `rateLimit.perApiKey`; handlers see it, too.', reloadable })),
  enabled: flag({ default: true, description: 'Whether the key is accepted.', reloadable }),
  createdAt: Type.Optional(moment({ description: 'When it was made, as `gantry keygen` writes it; `gantry keys list` tells its age by it. Decides nothing.', reloadable })),
  notBefore: Type.Optional(moment({ description: 'Not accepted before this.', reloadable })),
  expiresAt: Type.Optional(moment({ description: 'Not accepted from this on.', reloadable })),
  rateLimit: Type.Optional(described(RateWindow, { description: 'A limit of its own, beside that of its tier.', reloadable }))
}, { exactlyOne: [['key', 'keyHash']] })
export type ApiKey = Static<typeof ApiKey>

/** What tokens may be signed with. Signatures that a shared secret makes are not among them: who verifies those could forge them. */
export const signatureAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const
export type SignatureAlgorithm = typeof signatureAlgorithms[number]

const Issuer = closedObject({
  issuer: httpUrl({ description: 'The `iss` that its tokens carry, to the letter. `https`, but on this machine.', reloadable }),
  audience: Type.Optional(text({ description: 'The `aud` that its tokens carry. Without it, `resource`.', reloadable })),
  jwksUri: Type.Optional(httpUrl({ description: 'Where its keys are. Without it, its metadata says so (RFC 8414, OpenID Connect Discovery).', reloadable })),
  permissionsFrom: text({ default: 'scope', description: 'The claim that holds scopes or permissions: a list, or one text with spaces between them. `a.b` is `b` in `a`, unless there is a claim of that name.', reloadable }),
  tierFrom: Type.Optional(text({ description: 'The claim that holds the name of a limit under `rateLimit.perApiKey`.', reloadable })),
  algorithms: Type.Array(oneOfWords(signatureAlgorithms), { default: ['RS256', 'ES256', 'EdDSA'], minItems: 1, description: 'What its tokens may be signed with.', reloadable }),
  plainJwt: flag({ default: true, description: 'Accept tokens of the type `JWT` or of none, too, as many issuers make them; without it, only `at+jwt` (RFC 9068).', reloadable })
})
export type Issuer = Static<typeof Issuer>

const OAuthScope = Type.String({ pattern: oauthScopePattern, expects: 'a scope: printable ASCII without space, quote and backslash' })

export const OAuthSection = closedObject({
  resource: httpUrl({ description: 'The public URL of this server, as clients name it. `https`, but on this machine.' }),
  issuers: Type.Array(Issuer, { minItems: 1, description: 'Who may issue tokens.', reloadable }),
  scopes: Type.Record(Type.String(), Type.Array(text()), { default: {}, description: 'What scopes grant: permissions, and other scopes of this list. A scope that is not here and has the form of a permission is that permission.', reloadable }),
  requiredScopes: Type.Array(OAuthScope, { default: [], description: 'Scopes that every token must have, itself or by another that grants them.', reloadable }),
  stepUp: flag({ default: false, description: 'Tell callers with a token which scopes it takes for what it does not reach (403 `insufficient_scope`). They learn by it that there is such a thing; without it, it is unknown to them.', reloadable }),
  clockTolerance: milliseconds({ default: 5_000, minimum: 0, maximum: 60_000, description: 'By how much the clocks of issuers may differ from ours.', reloadable }),
  jwksMaxAge: milliseconds({ default: 600_000, minimum: 1_000, description: 'For how long fetched keys count before they are fetched anew: the longest that a withdrawn key is still accepted while its issuer can be reached.', reloadable }),
  jwksCooldown: milliseconds({ default: 30_000, minimum: 1_000, description: 'How long to wait between two fetches from one issuer, whatever tokens name or however it fails.', reloadable })
}, { description: 'Access tokens (OAuth 2.1 resource server). [Authentication](authentication.md) explains it.' })
export type OAuthSection = Static<typeof OAuthSection>

export const AuthenticationSection = closedObject({
  enabled: flag({ default: true, description: 'Whether callers must show who they are.' }),
  acceptRisk: flag({ default: false, description: 'With `"enabled": false`: let anyone who reaches a public address call every tool.' }),
  headerName: Type.String({ default: 'x-api-key', pattern: headerNamePattern, expects: 'a header name', description: 'The header that holds a key, beside `Authorization: Bearer …`.' }),
  allowAnonymous: flag({ default: false, description: 'Callers without a key get the permissions of `permissions.anonymous`.', reloadable }),
  apiKeys: Type.Array(ApiKey, { default: [], description: 'The keys that are accepted. Two of one name are one caller: the old and the new key while they are changed.', reloadable }),
  failureLimit: described(RateWindow, { default: { window: 60_000, maxRequests: 20 }, description: 'How many refused credentials one address may show in a window. Valid keys, and tokens that were accepted before, are never held up by it; other tokens of that address have to wait.', reloadable }),
  oauth: Type.Optional(OAuthSection)
}, { description: 'Who may call.' })
export type AuthenticationSection = Static<typeof AuthenticationSection>

export const PermissionsSection = closedObject({
  anonymous: permissions('What callers without a key may do.'),
  authenticated: permissions('What every caller who showed who it is may do, beside its own permissions.'),
  local: permissions('What the caller over stdio may do.', ['*'])
}, { description: 'What callers may do: `area:action` or `area:action:name-pattern`, `*` in any place.' })
export type PermissionsSection = Static<typeof PermissionsSection>

export const SecuritySection = closedObject({
  authentication: Type.Optional(AuthenticationSection),
  permissions: Type.Optional(PermissionsSection),
  ipWhitelist: Type.Optional(IpWhitelist),
  rateLimit: Type.Optional(RateLimitSection),
  audit: Type.Optional(AuditSection)
}, { default: {}, description: 'Who may call, what, from where and how often; and the record of it.' })
export type SecuritySection = Static<typeof SecuritySection>
