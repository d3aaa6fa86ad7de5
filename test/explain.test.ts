import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SecuritySection } from '../schemas/config/security.ts'
import { configFromObject } from '../src/config/load.ts'
import { controlKinds } from '../src/explain/controls.ts'
import { explain, unknownName, type Explanation, type ExplainOptions } from '../src/explain/index.ts'
import type { JsonObject } from '../src/core/ports.ts'

const root = join(import.meta.dirname, '..')
const secret = 'a-key-that-must-never-be-shown'

const config: JsonObject = {
  tools: [
    { name: 'report_daily', handler: { type: 'registry', name: 'gantry.echo' }, rateLimit: { window: 1_500, maxRequests: 2 } },
    { name: 'purge', handler: { type: 'registry', name: 'gantry.echo' } }
  ],
  prompts: [{ name: 'greet', template: 'hi' }],
  resources: [{ uri: 'docs://a', name: 'a', content: 'x' }, { uriTemplate: 'docs://of/{day}', name: 'days', content: 'x' }],
  security: {
    authentication: {
      allowAnonymous: true,
      apiKeys: [
        { name: 'reports', key: secret, permissions: ['*:list', 'tools:call:report_*'], tier: 'free' },
        { name: 'old', key: `${secret}-2`, permissions: ['*'], expiresAt: '2020-01-01' },
        { name: 'new', key: `${secret}-3`, permissions: ['*'], notBefore: '2999-01-01' },
        { name: 'off', key: `${secret}-4`, permissions: ['*'], enabled: false }
      ]
    },
    permissions: { anonymous: ['resources:read:docs://a'], authenticated: [], local: ['prompts:*'] },
    rateLimit: { global: { window: 60_000, maxRequests: 1_000 }, perApiKey: { free: { window: 60_000, maxRequests: 100 } } }
  }
}

function explained (value: JsonObject, options: Partial<ExplainOptions> = {}): Explanation {
  const { config: loaded, faults } = configFromObject(structuredClone(value))
  if (loaded === undefined) throw new Error(faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
  return explain(loaded, { nowMs: Date.parse('2026-06-01'), ...options })
}

/** The paths of all that a section can hold, as the schema says. */
function leavesOf (schema: JsonObject, path: readonly string[]): string[][] {
  const properties = schema['properties'] as Record<string, JsonObject> | undefined
  return properties === undefined ? [[...path]] : Object.entries(properties).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
}

t.test('every key of the security section belongs to a control that is explained', async (t) => {
  const leaves = leavesOf(SecuritySection as unknown as JsonObject, ['security'])
  t.ok(leaves.length > 15)
  const homeless = leaves.filter((leaf) => !controlKinds.some(({ path }) => path.every((step, index) => step === leaf[index])))
  t.strictSame(homeless, [])
})

t.test('what is said to enforce a control is there', async (t) => {
  for (const { enforcedBy } of controlKinds) t.ok(existsSync(join(root, enforcedBy)), enforcedBy)
})

t.test('each declared control is listed with its value, and what is not declared is not', async (t) => {
  const { controls } = explained(config)
  const value = (path: string) => controls.find((control) => control.path === path)?.value
  t.equal(value('$.security.authentication.apiKeys'), 'reports, old, new, off')
  t.equal(value('$.security.permissions.local'), 'prompts:*')
  t.equal(value('$.tools[0].rateLimit'), '2 in 1500 ms')
  t.equal(value('$.tools[1].rateLimit'), undefined)
  t.equal(value('$.security.ipWhitelist'), undefined)
  t.match(controls.find(({ path }) => path === '$.security.permissions.local'), { doors: ['stdio'] })
})

t.test('each caller is told with what it may list and use, and at which limits', async (t) => {
  const { callers } = explained(config)
  t.match(callers.map(({ name, state }) => `${name}: ${state}`), ['anonymous: active', 'reports: active', 'old: expired', 'new: not valid yet', 'off: disabled', 'local: active'])
  const [anonymous, reports, , , , local] = callers
  t.strictSame(callers.map(({ doors }) => doors.includes('ops')), [false, false, true, true, true, false], 'who may see what the health checks find')
  t.strictSame(explained({ ...config, metrics: {} }).callers.map(({ doors }) => doors.includes('metrics')), [false, false, true, true, true, false], 'who may scrape')
  t.ok(explained({ ...config, metrics: { port: 9090 } }).callers.every(({ doors }) => !doors.includes('metrics')), 'at a port of their own nobody is asked')
  t.match(reports?.limits, [{ of: 'the server, of all callers', maxRequests: 1_000 }, { of: 'the key, as one of the tier free', maxRequests: 100 }])
  t.match(reports?.tools, [{ name: 'report_daily', isListed: true, mayUse: true, limits: [{ maxRequests: 2 }] }, { name: 'purge', isListed: false, mayUse: false, limits: [] }])
  t.match(reports?.prompts, [{ isListed: false, mayUse: false }])
  t.match(anonymous?.resources, [{ name: 'docs://a', isListed: false, mayUse: true }, { name: 'docs://of/{day}', mayUse: false }])
  t.match(local, { prompts: [{ isListed: true, mayUse: true }], tools: [{ mayUse: false }, { mayUse: false }], limits: [{ of: 'the server, of all callers' }] })
})

t.test('one key and one tool can be asked for', async (t) => {
  const { callers } = explained(config, { key: 'reports', tool: 'purge' })
  t.equal(callers.length, 1)
  t.match(callers, [{ name: 'reports', tools: [{ name: 'purge', mayUse: false }], prompts: [], resources: [] }])
})

t.test('what is asked for and not there is named, with what there is', async (t) => {
  const { config: loaded } = configFromObject(structuredClone(config))
  if (loaded === undefined) throw new Error('the configuration does not load')
  t.match(unknownName(loaded, { key: 'report' }), { what: 'key', known: ['anonymous', 'local', 'reports', 'old', 'new', 'off'] })
  t.match(unknownName(loaded, { tool: 'x' }), { what: 'tool', known: ['report_daily', 'purge'] })
  t.equal(unknownName(loaded, { key: 'reports', tool: 'purge' }), undefined)
})

t.test('without a security section, everyone may do everything, and that is what is said', async (t) => {
  const { callers } = explained({ tools: config['tools'] })
  t.match(callers, [{ kind: 'anonymous', permissions: ['*'], tools: [{ mayUse: true }, { mayUse: true }] }, { kind: 'local' }])
  t.strictSame(callers.map(({ doors }) => doors), [['mcp', 'rest', 'sse'], ['stdio']], 'but not what the health checks find, which has to be permitted')
})

t.test('no key is ever shown', async (t) => {
  t.notMatch(JSON.stringify(explained(config)), secret)
})
