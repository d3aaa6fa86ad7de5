import t from 'tap'
import { unavailableSections } from '../../src/config/unavailable.ts'
import { fullConfig } from '../helpers/full-config.ts'
import { loadValue, pathsOf } from '../helpers/load-text.ts'

t.test('what this version refuses is known by heart', async (t) => {
  t.strictSame(unavailableSections.map(({ path }) => path.join('.')), [
    'cluster'
  ])
})

t.test('a configuration that uses everything is refused for exactly those, by name', async (t) => {
  const { faults, config } = await loadValue(t, fullConfig(), { env: { API_KEY_SALT: 'salt', SESSION_SECRET: 'secret' } })
  t.equal(config, undefined)
  t.strictSame(pathsOf(faults).sort(), [
    '$.cluster'
  ])
  for (const { message } of faults) t.match(message, / is not available in this version of Gantry: remove it; nothing would enforce it\.$/)
  t.match(faults.find(({ path }) => path[0] === 'cluster'), { message: /^"cluster" /, line: Number, column: 3 })
})

const limits = { global: { window: 1, maxRequests: 1 } }
const off: readonly [string, object][] = [
  ['metrics', { metrics: { enabled: false } }],
  ['health', { health: { enabled: false } }],
  ['cluster', { cluster: { enabled: false, workers: 4 } }],
  ['rateLimit', { security: { rateLimit: { enabled: false, ...limits } } }],
  ['audit', { security: { audit: { enabled: false } } }],
  ['authentication', { security: { authentication: { enabled: false } } }],
  ['authentication with its risk accepted', { security: { authentication: { enabled: false, acceptRisk: true, apiKeys: [] } } }],
  ['an empty security section', { security: {} }]
]
for (const [name, config] of off) {
  t.test(`${name}, turned off, loads`, async (t) => {
    const loaded = await loadValue(t, config)
    t.strictSame(loaded.faults, [])
    t.match(loaded.config, config)
  })
}

const on: readonly [string, object, string][] = [
  ['an empty cluster section', { cluster: {} }, '$.cluster'],
  ['a cluster section that is null', { cluster: null }, '$.cluster']
]
for (const [name, config, path] of on) {
  t.test(`${name} is refused by name`, async (t) => {
    const { faults, config: loaded } = await loadValue(t, config)
    t.equal(loaded, undefined)
    t.match(faults.find(({ message }) => message.includes('not available')), { message: String, line: Number })
    t.ok(pathsOf(faults).every((each) => each === path), JSON.stringify(faults))
  })
}

t.test('a refused section is checked all the same', async (t) => {
  const { faults } = await loadValue(t, { cluster: { wrokers: 5 } })
  t.match(faults, [{ message: /Unknown key "wrokers"/, suggestion: 'Did you mean "workers"?' }, { message: /"cluster" is not available/ }])
})

t.test('off that comes from a variable is off', async (t) => {
  const { config } = await loadValue(t, { cluster: { enabled: '${CLUSTER}' } }, { env: { CLUSTER: 'false' } })
  t.match(config, { cluster: { enabled: false } })
  const { faults } = await loadValue(t, { cluster: { enabled: '${CLUSTER}' } }, { env: { CLUSTER: 'true' } })
  t.match(faults, [{ message: /not available/ }])
})
