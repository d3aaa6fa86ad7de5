import { Type, type Static } from '@sinclair/typebox'
import { closedObject, described, flag, headerNamePattern, httpUrl, moment, RateWindow, shortName, text } from '../primitives.ts'
import { RateLimitSection } from './limits.ts'
import { IpWhitelist } from './network.ts'
import { AuditSection } from './observability.ts'

/** Who may call, and what. */

const reloadable = true

const Permission = Type.String({
  pattern: '^(\\*|[A-Za-z*][A-Za-z*-]*:[A-Za-z*][A-Za-z*/-]*(:[^\\s]+)?)$',
  expects: 'a permission such as "tools:call", "tools:call:report-*" or "tools:*"'
})
const permissions = (description: string) => Type.Array(Permission, { default: [], description, reloadable })

export const ApiKey = closedObject({
  name: shortName({ description: 'Whose key it is; shown in logs, metrics and audit.', reloadable }),
  key: Type.Optional(text({ secret: true, description: 'The key itself; better a placeholder than the text.', reloadable })),
  keyHash: Type.Optional(text({ secret: true, description: 'The digest of the key, made with `API_KEY_SALT`.', reloadable })),
  permissions: permissions('What its holder may do.'),
  tier: Type.Optional(shortName({ description: 'The name of a limit under `rateLimit.perApiKey`.', reloadable })),
  enabled: flag({ default: true, description: 'Whether the key is accepted.', reloadable }),
  notBefore: Type.Optional(moment({ description: 'Not accepted before this.', reloadable })),
  expiresAt: Type.Optional(moment({ description: 'Not accepted from this on.', reloadable })),
  rateLimit: Type.Optional(described(RateWindow, { description: 'A limit of its own.', reloadable }))
}, { exactlyOne: [['key', 'keyHash']] })
export type ApiKey = Static<typeof ApiKey>

const Issuer = closedObject({
  issuer: httpUrl({ description: 'The `iss` that its tokens carry.', reloadable }),
  audience: Type.Optional(text({ description: 'The `aud` that its tokens carry. Without it, `resource`.', reloadable })),
  jwksUri: Type.Optional(httpUrl({ description: 'Where its keys are. Without it, from its metadata.', reloadable })),
  permissionsFrom: text({ default: 'scope', description: 'The claim that holds the permissions.', reloadable })
})

export const OAuthSection = closedObject({
  resource: httpUrl({ description: 'The public URL of this server, as clients name it.', reloadable }),
  issuers: Type.Array(Issuer, { minItems: 1, description: 'Who may issue tokens.', reloadable })
}, { description: 'Access tokens (OAuth 2.1 resource server).' })

export const AuthenticationSection = closedObject({
  enabled: flag({ default: true, description: 'Whether callers must show who they are.' }),
  acceptRisk: flag({ default: false, description: 'With `"enabled": false`: let anyone who reaches a public address call every tool.' }),
  headerName: Type.String({ default: 'x-api-key', pattern: headerNamePattern, expects: 'a header name', description: 'The header that holds a key, beside `Authorization: Bearer …`.' }),
  allowAnonymous: flag({ default: false, description: 'Callers without a key get the permissions of `permissions.anonymous`.', reloadable }),
  apiKeys: Type.Array(ApiKey, { default: [], description: 'The keys that are accepted.', reloadable }),
  oauth: Type.Optional(OAuthSection)
}, { description: 'Who may call.' })
export type AuthenticationSection = Static<typeof AuthenticationSection>

export const PermissionsSection = closedObject({
  anonymous: permissions('What callers without a key may do.'),
  authenticated: permissions('What every caller with a key may do.')
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
