import { Type, type Static } from '@sinclair/typebox'
import { closedObject, count, described, flag, milliseconds, RateWindow } from '../primitives.ts'

/** How often callers may call. */

const windows = (description: string) => Type.Optional(Type.Record(Type.String(), RateWindow, { description, reloadable: true }))

export const RateLimitSection = closedObject({
  enabled: flag({ default: true, description: 'Whether the limits count.', reloadable: true }),
  global: Type.Optional(described(RateWindow, { description: 'For each caller, all requests together.', reloadable: true })),
  perTool: windows('For single tools, by name.'),
  perApiKey: windows('For callers of a tier, or of one key, by name.'),
  window: Type.Optional(milliseconds({ deprecated: true, description: 'The older flat form: means `global.window`.', reloadable: true })),
  maxRequests: Type.Optional(count({ deprecated: true, description: 'The older flat form: means `global.maxRequests`.', reloadable: true }))
}, { description: 'Limits on how often callers may call.' })
export type RateLimitSection = Static<typeof RateLimitSection>
