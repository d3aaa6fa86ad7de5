import t from 'tap'
import { configFromObject } from '../../src/config/load.ts'
import type { JsonObject } from '../../src/core/ports.ts'

const served = (cacheHints: unknown): JsonObject => ({ server: { protocol: { cacheHints } } })
const resource = (cacheHint: unknown): JsonObject => ({ resources: [{ uri: 'a:b', name: 'b', content: 'b', cacheHint }] })

t.test('hints have sound defaults, each for itself', async (t) => {
  const defaults = { lists: { ttlMs: 300_000, cacheScope: 'public' }, content: { ttlMs: 300_000, cacheScope: 'public' }, resources: { ttlMs: 0, cacheScope: 'private' } }
  t.strictSame(configFromObject({}).config?.server.protocol.cacheHints, defaults)
  t.strictSame(configFromObject(served({ lists: { ttlMs: 5 }, resources: { cacheScope: 'public' } })).config?.server.protocol.cacheHints, { ...defaults, lists: { ttlMs: 5, cacheScope: 'public' }, resources: { ttlMs: 0, cacheScope: 'public' } })
  t.strictSame(configFromObject(resource({ ttlMs: 0 })).config?.resources[0]?.cacheHint, { ttlMs: 0 }, 'what a resource does not say is not filled in')
})

t.test('a value that does not fit is named by its place', async (t) => {
  const rows: [config: JsonObject, path: string, message: RegExp][] = [
    ...[-1, 1.5, '300', null, 2_147_483_648].map((ttlMs): [JsonObject, string, RegExp] => [served({ lists: { ttlMs } }), 'server.protocol.cacheHints.lists.ttlMs', /./]),
    ...['Public', 'shared', '', true].map((cacheScope): [JsonObject, string, RegExp] => [served({ content: { cacheScope } }), 'server.protocol.cacheHints.content.cacheScope', /public/]),
    [served({ list: {} }), 'server.protocol.cacheHints.list', /Unknown key/],
    [served({ resources: { ttl: 5 } }), 'server.protocol.cacheHints.resources.ttl', /Unknown key/],
    [served({ lists: false }), 'server.protocol.cacheHints.lists', /object/],
    [resource({ ttlMs: -5 }), 'resources.0.cacheHint.ttlMs', /./],
    [resource({ cacheScope: 'all' }), 'resources.0.cacheHint.cacheScope', /public/],
    [resource({ scope: 'public' }), 'resources.0.cacheHint.scope', /Unknown key/]
  ]
  for (const [config, path, message] of rows) {
    const { faults, config: loaded } = configFromObject(config)
    t.equal(loaded, undefined)
    t.match(faults.map((fault) => [fault.path.join('.'), fault.message]), [[path, message]], JSON.stringify(config))
    t.equal(faults.length, 1)
  }
})
