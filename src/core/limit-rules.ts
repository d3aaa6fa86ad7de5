import type { FailureModes, RateLimitSection } from '../../schemas/config/limits.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import type { ToolConfig } from '../../schemas/tool.ts'

/** How often something may happen. */
export interface RateRule { readonly window: number, readonly maxRequests: number }

/** The limits of a configuration, each found by what it is for. */
export interface LimitRules {
  readonly global: RateRule | undefined
  readonly address: RateRule | undefined
  /** For callers with a name of their own that nothing else limits. */
  readonly principal: RateRule | undefined
  readonly tools: ReadonlyMap<string, RateRule>
  readonly tiers: ReadonlyMap<string, RateRule>
  /** By the name of the key. */
  readonly keys: ReadonlyMap<string, RateRule>
  readonly modes: FailureModes
  readonly maxCallers: number
}

export interface LimitSources {
  section: RateLimitSection | undefined
  tools: readonly Pick<ToolConfig, 'name' | 'rateLimit'>[]
  apiKeys: readonly Pick<ApiKey, 'name' | 'tier' | 'rateLimit'>[]
}

/** As the schema has them, for a configuration whose only limits are those of tools and keys. */
const defaults: Pick<RateLimitSection, 'onStoreFailure' | 'maxCallers'> = {
  onStoreFailure: { global: 'open', perTool: 'closed', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' },
  maxCallers: 50_000
}

/** Reads the limits of a configuration. Undefined where there are none, or none that count. */
export function readLimits ({ section, tools, apiKeys }: LimitSources): LimitRules | undefined {
  if (section?.enabled === false) return undefined
  const { global, perTool = {}, perApiKey = {}, perPrincipal, perAddress, onStoreFailure, maxCallers } = { ...defaults, ...section }
  const tiers = new Set(apiKeys.map(({ tier }) => tier))
  const rules = {
    global,
    address: perAddress,
    principal: perPrincipal,
    tools: new Map([...Object.entries(perTool), ...ownLimits(tools)]),
    tiers: new Map(Object.entries(perApiKey)),
    // What is the name of a tier is for the keys of that tier only.
    keys: new Map([...Object.entries(perApiKey).filter(([name]) => !tiers.has(name)), ...ownLimits(apiKeys)])
  }
  const { tools: { size: ofTools }, tiers: { size: ofTiers }, keys: { size: ofKeys } } = rules
  if (global === undefined && perAddress === undefined && perPrincipal === undefined && ofTools + ofTiers + ofKeys === 0) return undefined
  return { ...rules, modes: onStoreFailure, maxCallers }
}

/** The limits of the holder of a key, beside those of the whole server: of its tier and of the key, else the one for all who have none. */
export function rulesOfKey ({ tiers, keys, principal }: LimitRules, name: string, tier: string | undefined): { kind: 'tier' | 'key' | 'principal', rule: RateRule }[] {
  const ofTier = tier === undefined ? undefined : tiers.get(tier)
  const ofKey = keys.get(name)
  if (ofTier === undefined && ofKey === undefined) return principal === undefined ? [] : [{ kind: 'principal', rule: principal }]
  return [...ofTier === undefined ? [] : [{ kind: 'tier' as const, rule: ofTier }], ...ofKey === undefined ? [] : [{ kind: 'key' as const, rule: ofKey }]]
}

function ownLimits (owners: readonly { name: string, rateLimit?: RateRule | undefined }[]): [string, RateRule][] {
  return owners.flatMap(({ name, rateLimit }) => rateLimit === undefined ? [] : [[name, rateLimit]])
}
