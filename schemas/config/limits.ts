import { Type, type Static } from '@sinclair/typebox'
import { closedObject, count, described, flag, milliseconds, oneOfWords, RateWindow } from '../primitives.ts'

/** How often callers may call. */

const windows = (description: string) => Type.Optional(Type.Record(Type.String(), RateWindow, { description, reloadable: true }))

const window = (description: string) => Type.Optional(described(RateWindow, { description, reloadable: true }))

export type FailureMode = 'open' | 'closed'

const failureMode = (preset: FailureMode, description: string) => oneOfWords(['open', 'closed'], { default: preset, description, reloadable: true })

export const FailureModes = closedObject({
  global: failureMode('open', 'For `global`.'),
  perTool: failureMode('closed', 'For `perTool`, and `rateLimit` of tools.'),
  perApiKey: failureMode('closed', 'For `perApiKey`, and `rateLimit` of keys.'),
  perPrincipal: failureMode('closed', 'For `perPrincipal`.'),
  perAddress: failureMode('open', 'For `perAddress`.')
}, {
  default: {},
  description: 'What becomes of requests while the configured Redis does not answer. `open`: the limit is counted by each instance for itself. `closed`: what it counts is refused with 503.'
})
export type FailureModes = Static<typeof FailureModes>

export const RateLimitSection = closedObject({
  enabled: flag({ default: true, description: 'Whether limits count, those of tools and keys included.', reloadable: true }),
  global: window('For the whole server: the requests of all callers together.'),
  perTool: windows('For single tools, by name: the calls of all callers together. The same as `rateLimit` of the tool.'),
  perApiKey: windows('For each key of a tier, by the name of the tier; else for one key, by its name.'),
  perPrincipal: window('For each caller with a key or a token that no limit under `perApiKey`, and no `rateLimit` of a key, is for.'),
  perAddress: window('For each address of callers without a credential. IPv6 addresses count by their /64.'),
  maxCallers: count({ default: 50_000, maximum: 10_000_000, description: 'How many addresses are counted at once, each by itself, and how many holders of tokens. While there are more, the others share one count.' }),
  onStoreFailure: FailureModes,
  legacyHeaders: flag({ default: false, description: 'Send `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds), too: those of the limit that is closest to refusing.', reloadable: true }),
  window: Type.Optional(milliseconds({ deprecated: true, description: 'The older flat form: means `global.window`.', reloadable: true })),
  maxRequests: Type.Optional(count({ deprecated: true, description: 'The older flat form: means `global.maxRequests`.', reloadable: true }))
}, { description: 'Limits on how often callers may call: [rate-limits.md](rate-limits.md). Each that fits a request counts; one that refuses uses up none of the others.' })
export type RateLimitSection = Static<typeof RateLimitSection>
