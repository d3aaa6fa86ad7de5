import t from 'tap'
import type { RateLimitSection } from '../../schemas/config/limits.ts'
import { configFromObject } from '../../src/config/load.ts'
import { readLimits, type LimitSources } from '../../src/core/limit-rules.ts'

const rule = (maxRequests: number) => ({ window: 60_000, maxRequests })

/** A section with the defaults that the loader fills in. */
function sectionOf (rateLimit: object): RateLimitSection {
  const { config } = configFromObject({ security: { rateLimit } })
  if (config?.security.rateLimit === undefined) throw new Error('The section of this test has a fault.')
  return config.security.rateLimit
}
const read = (more: Partial<LimitSources>) => readLimits({ section: undefined, tools: [], apiKeys: [], ...more })

t.test('where nothing limits, there are no limits', async (t) => {
  t.equal(read({}), undefined)
  t.equal(read({ section: sectionOf({}), tools: [{ name: 'a' }], apiKeys: [{ name: 'k' }] }), undefined)
  t.equal(read({ section: sectionOf({ enabled: false, global: rule(1) }), tools: [{ name: 'a', rateLimit: rule(1) }], apiKeys: [{ name: 'k', rateLimit: rule(1) }] }), undefined)
})

t.test('each single limit is one', async (t) => {
  for (const key of ['global', 'perPrincipal', 'perAddress']) t.ok(read({ section: sectionOf({ [key]: rule(1) }) }), key)
  t.ok(read({ tools: [{ name: 'a', rateLimit: rule(1) }] }))
  t.ok(read({ apiKeys: [{ name: 'k', rateLimit: rule(1) }] }))
  t.ok(read({ section: sectionOf({ perApiKey: { gold: rule(1) } }) }))
})

t.test('limits of tools stand with the tool or under perTool', async (t) => {
  const { tools } = read({ section: { ...sectionOf({}), perTool: { a: rule(1) } }, tools: [{ name: 'a' }, { name: 'b', rateLimit: rule(2) }] }) ?? {}
  t.strictSame([...tools ?? []], [['a', rule(1)], ['b', rule(2)]])
})

t.test('perApiKey names a tier, else a key', async (t) => {
  const section = sectionOf({ perApiKey: { gold: rule(1), ci: rule(2), cd: rule(3) } })
  const { tiers, keys } = read({ section, apiKeys: [{ name: 'ann', tier: 'gold' }, { name: 'gold' }, { name: 'ci' }, { name: 'ben', tier: 'cd' }, { name: 'cd', rateLimit: rule(4) }] }) ?? {}
  t.strictSame(tiers?.get('gold'), rule(1))
  t.strictSame(keys?.get('ci'), rule(2))
  t.strictSame(keys?.get('cd'), rule(4), 'cd is a tier: the key of that name has only its own')
  t.equal(keys?.get('gold'), undefined, 'nor is that of a tier for the key of that name')
})

t.test('a configuration with limits of tools only has the defaults of the schema', async (t) => {
  const { onStoreFailure, maxCallers } = sectionOf({})
  t.match(read({ tools: [{ name: 'a', rateLimit: rule(1) }] }), { modes: onStoreFailure, maxCallers })
  t.strictSame(onStoreFailure, { global: 'open', perTool: 'closed', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' })
})
