import { join } from 'node:path'
import t, { type Test } from 'tap'
import { build, modern, textOf, type Answer, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { startInstances } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

const redis = await startRedis(t)
const inputSchema = { type: 'object' }

async function call (app: GantryApp, name: string, args: JsonObject = {}): Promise<Answer> {
  return await modern(app, 'tools/call', { name, arguments: args })
}

/** Two instances whose handlers wait at a gate, and note who ran. */
async function openGated (t: Test) {
  const begun: string[] = []
  const gate = deferred()
  const instances = await Promise.all(['one', 'two'].map(async (name) => {
    const wait = (tool: string) => async (): Promise<string> => { begun.push(`${tool} on ${name}`); await gate.promise; return tool }
    const [instance] = await startInstances(t, redis, 1, {
      config: { redis: { port: redis.port, keyPrefix: 'gated:' }, tools: [{ name: 'own', inputSchema, cache: {} }, { name: 'shared', inputSchema, cache: { scope: 'shared' } }] },
      tools: { own: wait('own'), shared: wait('shared') }
    })
    if (instance === undefined) throw new Error('There is one.')
    return instance.app
  }))
  return { begun, gate, instances: instances as [GantryApp, GantryApp] }
}

t.test('a thousand equal misses on two instances are at most one run on each', async (t) => {
  const { begun, gate, instances } = await openGated(t)
  const answers = ['own', 'shared'].flatMap((name) => Array.from({ length: 1_000 }, (_, each) => call(instances[each % 2] as GantryApp, name)))
  await until('all wait', () => begun.length >= 3 && instances.every(({ cache }) => ['own', 'shared'].every((name) => (cache?.counts.get(name)?.misses ?? 0) === 1)))
  gate.resolve()
  t.strictSame([...new Set((await Promise.all(answers)).map(textOf))], ['own', 'shared'])
  t.equal(new Set(begun).size, begun.length, begun.join(', '))
  for (const app of instances) {
    for (const name of ['own', 'shared']) await until('it is kept', async () => JSON.stringify((await call(app, name)).message).includes('"hit":true'))
  }
})

t.test('where answers are shared, one instance waits for the run of another, but not for ever', async (t) => {
  const { begun, gate, instances: [one, two] } = await openGated(t)
  await redis.client().then((client) => client.flushall())
  const first = call(one, 'shared')
  await until('it runs', () => begun.length === 1)
  const second = Promise.all([call(two, 'shared'), call(two, 'shared')])
  await until('the other instance waits', () => two.cache?.counts.get('shared')?.misses === 1)
  gate.resolve()
  t.strictSame((await Promise.all([first, second])).flat().map(textOf), ['shared', 'shared', 'shared'])
  t.strictSame(begun, ['shared on one'])
})

t.test('what one instance keeps or drops counts for the other', async (t) => {
  let value = 1
  const [one, two] = await startInstances(t, redis, 2, {
    config: { tools: [{ name: 'read', inputSchema, cache: { tags: ['value'] } }, { name: 'write', inputSchema, invalidates: ['value'] }] },
    tools: { read: () => String(value), write: () => { value++; return 'written' } }
  })
  if (one === undefined || two === undefined) throw new Error('There are two.')
  const isKept = async (): Promise<boolean> => textOf(await call(one.app, 'read')) !== '' && (one.app.cache?.counts.get('read')?.hits ?? 0) > 0
  await until('it is kept', isKept)
  t.equal(textOf(await call(two.app, 'read')), '1')
  t.match(two.app.cache?.counts.get('read'), { hits: 1, misses: 0 })
  await call(two.app, 'write')
  t.strictSame([textOf(await call(one.app, 'read')), textOf(await call(two.app, 'read'))], ['2', '2'])
})

t.test('who calls after another instance has changed something joins no run from before', async (t) => {
  let value = 'old'
  const gates = [deferred(), deferred()]
  let begun = 0
  const [one, two] = await startInstances(t, redis, 2, {
    config: { tools: [{ name: 'read', inputSchema, cache: {} }, { name: 'write', inputSchema, invalidates: ['read'] }] },
    tools: { read: async () => { const read = value; await gates[begun++]?.promise; return read }, write: () => { value = 'new'; return 'written' } }
  })
  if (one === undefined || two === undefined) throw new Error('There are two.')
  const before = call(one.app, 'read')
  await until('it reads', () => begun === 1)
  await call(two.app, 'write')
  const after = call(one.app, 'read')
  await until('it reads again', () => begun === 2)
  gates[1]?.resolve()
  t.equal(textOf(await after), 'new')
  gates[0]?.resolve()
  t.equal(textOf(await before), 'old')
  await until('what is new is kept', async () => textOf(await call(two.app, 'read')) === 'new' && two.app.cache?.counts.get('read')?.hits !== 0)
})

t.test('a tool that was changed is not answered with what another of its name has left', async (t) => {
  const keyPrefix = 'changed:'
  const answers = []
  for (const description of [{ version: '1.0.0' }, { version: '1.0.0' }, { version: '1.0.1' }, { version: '1.0.1', tools: [{ name: 'read', inputSchema: { type: 'object', title: 'new' }, cache: {} }] }]) {
    let runs = 0
    const [instance] = await startInstances(t, redis, 1, { config: { redis: { port: redis.port, keyPrefix }, tools: [{ name: 'read', inputSchema, cache: {} }], ...description }, tools: { read: () => { runs++; return 'read' } } })
    if (instance !== undefined) await call(instance.app, 'read')
    answers.push(runs)
  }
  t.strictSame(answers, [1, 0, 1, 1])
})

t.test('nor is one whose module was changed', async (t) => {
  const folders = t.testdir({ before: { 'read.mjs': 'export default () => "old"' }, after: { 'read.mjs': 'export default () => "new"' } })
  const config = { redis: { port: redis.port, keyPrefix: 'module:' }, tools: [{ name: 'read', inputSchema, cache: {}, handler: { type: 'file', path: 'read.mjs' } }] }
  const answers = []
  for (const folder of ['before', 'after', 'before']) answers.push((await call(await build(t, config, { baseDir: join(folders, folder) }), 'read')).message.result)
  t.match(answers, ['old', 'new', 'old'].map((text) => ({ content: [{ text }] })))
  t.strictSame(answers.map((answer) => (answer?.['_meta'] as Record<string, JsonObject>)['gantry/cache']?.['hit']), [false, false, true])
})

t.test('while Redis stands still, is gone, or comes back empty, calls are misses that take no longer, and one line tells of it', async (t) => {
  const server = await startRedis(t)
  let runs = 0
  const [instance] = await startInstances(t, server, 1, {
    config: { tools: [{ name: 'read', inputSchema, cache: { scope: 'shared' }, timeout: 5_000 }] },
    tools: { read: async () => { runs++; await turn(); return 'read' } }
  })
  if (instance === undefined) throw new Error('There is one.')
  const { app } = instance
  const slowest = async (): Promise<number> => {
    const times = await Promise.all(Array.from({ length: 200 }, async (_, n) => {
      const startedAt = performance.now()
      t.equal(textOf(await call(app, 'read', { n: n % 20 })), 'read')
      return performance.now() - startedAt
    }))
    return Math.max(...times)
  }
  const isKept = async (): Promise<boolean> => {
    await call(app, 'read', { n: 0 })
    return ((await call(app, 'read', { n: 0 })).message.result?.['_meta'] as JsonObject)['gantry/cache'] !== undefined && redisHits() > 0
  }
  let seen = 0
  const redisHits = (): number => {
    const { hits = 0 } = app.cache?.counts.get('read') ?? {}
    const more = hits - seen
    seen = hits
    return more
  }

  await slowest()
  t.equal(await isKept(), true)
  for (const [fault, mend] of [
    [() => { server.pause() }, () => { server.resume() }],
    [() => server.kill(), () => server.restart()]
  ] as const) {
    await fault()
    const before = runs
    t.ok(await slowest() < 2_000)
    t.ok(await slowest() < 2_000)
    t.ok(runs > before, 'they run')
    const { errors = 0 } = app.cache?.counts.get('read') ?? {}
    t.ok(errors > 0)
    await mend()
    const mendedAt = performance.now()
    await until('results are kept again', isKept)
    t.ok(performance.now() - mendedAt < 5_000)
  }
})
