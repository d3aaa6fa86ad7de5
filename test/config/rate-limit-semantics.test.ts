import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Fault } from '../../src/config/load.ts'
import { loadValue, pathsOf, soundTool } from '../helpers/load-text.ts'

const rule = (maxRequests = 1) => ({ window: 60_000, maxRequests })
const section = '$.security.rateLimit'

interface Parts { rateLimit?: object, keys?: object[], tools?: object[], authentication?: object, rest?: object }

async function load (t: { testdir (content: Record<string, string>): string }, { rateLimit, keys, tools = [], authentication = {}, rest = {} }: Parts) {
  const { faults, notices, config } = await loadValue(t, {
    tools, security: { ...(rateLimit !== undefined && { rateLimit }), ...(keys !== undefined && { authentication: { apiKeys: keys.map((key, index) => ({ key: `\${KEY_${index}}`, ...key })), ...authentication } }) }, ...rest
  }, { env: { API_KEY_SALT: 'salt', SESSION_SECRET: 'secret', KEY_0: 'a-key-that-is-long-enough-0', KEY_1: 'a-key-that-is-long-enough-1', KEY_2: 'a-key-that-is-long-enough-2' } })
  return { faults, config, notices: notices.map(({ message }) => message) }
}
const messages = (faults: readonly Fault[]) => faults.map(({ message }) => message)

t.test('limits of every kind load', async (t) => {
  const { faults, notices, config } = await load(t, {
    rateLimit: { global: rule(), perTool: { a: rule() }, perApiKey: { free: rule(), ci: rule() }, perPrincipal: rule(), perAddress: rule(), onStoreFailure: { global: 'closed' } },
    keys: [{ name: 'ann', tier: 'free', rateLimit: rule(2) }, { name: 'ci' }],
    authentication: { allowAnonymous: true },
    tools: [soundTool('a'), soundTool('b', { rateLimit: rule() })]
  })
  t.strictSame([faults, notices], [[], []])
  t.match(config?.security.rateLimit, {
    enabled: true, maxCallers: 50_000, legacyHeaders: false, onStoreFailure: { global: 'closed', perTool: 'closed', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' }
  })
})

t.test('a limit for no tier and no key of the file is a fault, with what was probably meant', async (t) => {
  const { faults } = await load(t, { rateLimit: { perApiKey: { 'fre-tier': rule(), 'free-tier': rule(), annn: rule() } }, keys: [{ name: 'ann', tier: 'free-tier' }] })
  t.match(faults, [
    { path: ['security', 'rateLimit', 'perApiKey', 'fre-tier'], message: 'No key has the tier or the name "fre-tier": this limits nobody.', suggestion: 'Did you mean "free-tier"?', line: Number },
    { path: ['security', 'rateLimit', 'perApiKey', 'annn'], suggestion: 'Did you mean "ann"?' }
  ])
  t.equal(faults.length, 2)
})

t.test('tiers that come from tokens are in no file', async (t) => {
  const issuers = (more: object) => ({ oauth: { resource: 'https://mcp.example/mcp', issuers: [{ issuer: 'https://id.example', ...more }] } })
  const limits = { rateLimit: { perApiKey: { gold: rule() } }, keys: [{ name: 'ann' }] }
  t.strictSame(messages((await load(t, { ...limits, authentication: issuers({ tierFrom: 'plan' }) })).faults), [])
  t.match(messages((await load(t, { ...limits, authentication: issuers({}) })).faults), [/"gold": this limits nobody/])
})

t.test('where tiers have limits, one that has none is a fault', async (t) => {
  const { faults } = await load(t, { rateLimit: { perApiKey: { free: rule(), ann: rule() } }, keys: [{ name: 'ann', tier: 'fre' }, { name: 'ben', tier: 'free' }] })
  t.match(faults, [{ path: ['security', 'authentication', 'apiKeys', 0, 'tier'], message: 'There is no limit for the tier "fre" under "security.rateLimit.perApiKey".', suggestion: 'Did you mean "free"?' }])
  t.equal(faults.length, 1)
  t.strictSame((await load(t, { keys: [{ name: 'ann', tier: 'fre' }] })).faults, [], 'without any, a tier is for handlers')
})

t.test('one thing with two limits is a fault', async (t) => {
  const { faults } = await load(t, {
    rateLimit: { perTool: { a: rule(), b: rule() }, perApiKey: { ann: rule(), free: rule() } },
    keys: [{ name: 'ann', rateLimit: rule(2) }, { name: 'free', tier: 'free', rateLimit: rule(3) }],
    tools: [soundTool('a', { rateLimit: rule(2) }), soundTool('b'), soundTool('c', { rateLimit: rule() })]
  })
  t.strictSame(pathsOf(faults), ['$.tools[0].rateLimit', '$.security.authentication.apiKeys[0].rateLimit'])
  t.match(messages(faults), ['This tool has a limit twice: the other is $.security.rateLimit.perTool.a.', 'This key has a limit twice: the other is $.security.rateLimit.perApiKey.ann.'])
})

t.test('two keys of one name are one caller, with one limit', async (t) => {
  const both = (one: object, other: object) => load(t, { rateLimit: { perApiKey: { free: rule(), paid: rule() } }, keys: [{ name: 'x', tier: 'free' }, { name: 'y', tier: 'paid' }].map((key, index) => ({ ...key, name: 'ci', ...[one, other][index] })) })
  t.match(messages((await both({}, {})).faults), [/^\$\.security\.authentication\.apiKeys\[0\] has the same name "ci", so both are one caller, but another tier or "rateLimit"\.$/])
  t.match(messages((await both({ tier: 'paid' }, {})).faults), [/"free": this limits nobody/])
  t.match(messages((await both({ tier: 'free', rateLimit: rule(2) }, { tier: 'free', rateLimit: rule(3) })).faults), [/"paid"/, /both are one caller/])
  t.match(messages((await both({ tier: 'free', rateLimit: rule(2) }, { tier: 'free', rateLimit: rule(2) })).faults), [/"paid"/])
})

t.test('several workers count in a Redis, or do not start', async (t) => {
  const reason = /^Several workers would count rate limits each for itself/
  const faultsOf = async (parts: Parts) => messages((await load(t, parts)).faults).filter((message) => !message.includes('not available'))
  const cluster = { cluster: { workers: 2 } }
  for (const parts of [{ rateLimit: { global: rule() } }, { rateLimit: { window: 1, maxRequests: 1 } }, { tools: [soundTool('a', { rateLimit: rule() })] }, { keys: [{ name: 'ann', rateLimit: rule() }] }]) {
    t.match(await faultsOf({ ...parts, rest: cluster }), [reason])
    t.match(await faultsOf({ ...parts, rest: { cluster: {} } }), [reason], 'one for each processor')
    t.strictSame(await faultsOf({ ...parts, rest: { ...cluster, redis: {} } }), [])
    t.strictSame(await faultsOf({ ...parts, rest: { cluster: { workers: 1 } } }), [])
    t.strictSame(await faultsOf({ ...parts, rest: { cluster: { enabled: false } } }), [])
  }
  t.strictSame(await faultsOf({ rest: cluster }), [], 'without limits there is nothing to share')
  t.strictSame(await faultsOf({ rateLimit: { enabled: false, global: rule() }, rest: cluster }), [])
})

t.test('limits that are switched off say so', async (t) => {
  const { faults, notices } = await load(t, { rateLimit: { enabled: false, global: rule() }, keys: [{ name: 'ann', rateLimit: rule() }], tools: [soundTool('a', { rateLimit: rule() })] })
  t.strictSame(faults, [])
  t.strictSame(notices, ['$.tools[0].rateLimit does not count: "security.rateLimit.enabled" is false.', '$.security.authentication.apiKeys[0].rateLimit does not count: "security.rateLimit.enabled" is false.'])
})

t.test('limits for callers that there cannot be say so', async (t) => {
  t.strictSame((await load(t, { rateLimit: { perAddress: rule() }, keys: [{ name: 'ann' }] })).notices, ['"security.rateLimit.perAddress" limits nobody: every caller has to show who it is.'])
  t.strictSame((await load(t, { rateLimit: { perPrincipal: rule(), perApiKey: { gold: rule() }, perAddress: rule() } })).notices, [
    '"security.rateLimit.perPrincipal" limits nobody: no caller shows who it is.', '"security.rateLimit.perApiKey" limits nobody: there are no keys.'
  ])
  t.strictSame((await load(t, { rateLimit: { perPrincipal: rule(), perAddress: rule() }, keys: [{ name: 'ann' }], authentication: { allowAnonymous: true } })).notices, [])
})

t.test('the example of the page on rate limits loads, and every limit of it counts', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/rate-limits.md'), 'utf8')
  const example: unknown = JSON.parse(/```json\n([^`]+)```/.exec(page)?.[1] ?? '')
  const { faults, notices } = await loadValue(t, example, { env: { API_KEY_SALT: 'salt', CI_KEY_HASH: 'ab'.repeat(32), NIGHTLY_KEY_HASH: 'cd'.repeat(32) } })
  t.strictSame([faults, notices], [[], []])
})

t.test('numbers and words that no limit can have are faults of the schema', async (t) => {
  const wrong: [object, string][] = [
    [{ global: { window: 0, maxRequests: 1 } }, '.global.window'], [{ global: { window: 1, maxRequests: 0 } }, '.global.maxRequests'], [{ perAddress: { window: 1 } }, '.perAddress.maxRequests'],
    [{ perPrincipal: { window: '1m', maxRequests: 1 } }, '.perPrincipal.window'], [{ maxCallers: 0 }, '.maxCallers'], [{ onStoreFailure: { global: 'ajar' } }, '.onStoreFailure.global'],
    [{ onStoreFailure: 'open' }, '.onStoreFailure'], [{ legacyHeaders: 'yes' }, '.legacyHeaders'], [{ perCaller: rule() }, '.perCaller']
  ]
  for (const [rateLimit, path] of wrong) t.strictSame(pathsOf((await load(t, { rateLimit })).faults), [section + path], path)
})
