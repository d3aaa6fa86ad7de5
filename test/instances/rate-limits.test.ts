import { join } from 'node:path'
import t, { type Test } from 'tap'
import { callLive, LiveSession } from '../helpers/live.ts'
import { modern, modernHeaders, modernMessage, openSession, rest, type JsonObject } from '../helpers/build.ts'
import { startInstances, type Instance } from '../helpers/instances.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { root, run, serverProgram, start, writeConfig } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'

const minute = (maxRequests: number) => ({ window: 60_000, maxRequests })
const fixtures = join(root, 'test/instances/fixtures')
const redis = await startRedis(t)

/** Instances that count how often the tool `count` was entered, all together. */
async function startCounting (t: Test, server: RedisServer, security: JsonObject, redisMore: JsonObject = {}) {
  const entered = { times: 0 }
  const count = async () => { entered.times++; await null; return 'done' }
  const config = { security, ...(Object.keys(redisMore).length > 0 && { redis: { port: server.port, keyPrefix: `own-${Math.random()}:`, ...redisMore } }) }
  const instances = await startInstances(t, server, 2, { config, tools: { count } })
  return { entered, instances }
}

/** Calls `count` 200 times at once, over all instances and doors; gives what came back. */
async function crowd (instances: readonly Instance[]): Promise<string[]> {
  const sessions = await Promise.all(instances.map(async ({ address }) => await LiveSession.open(address)))
  return await Promise.all(Array.from({ length: 200 }, async (_, each) => {
    const at = instances[each % instances.length]
    if (at === undefined) throw new Error('There is an instance.')
    switch (each % 3) {
      case 0: return (await rest(at.app, 'count', {})).text
      case 1: return JSON.stringify(await (await callLive(at.address, 'tools/call', { name: 'count' })).rest())
      default: return JSON.stringify(await (await (sessions[each % 2] ?? await LiveSession.open(at.address)).call('tools/call', { name: 'count' }, { at: at.address })).rest())
    }
  }))
}

t.test('of 200 calls at once over two instances, exactly as many are admitted as each kind of limit allows', async (t) => {
  // The two sessions of the crowd are opened first.
  const kinds: [JsonObject, number][] = [
    [{ perTool: { count: minute(10) } }, 10], [{ global: minute(12) }, 10], [{ perAddress: minute(12) }, 10], [{ global: minute(100), perTool: { count: minute(10) }, perAddress: minute(102) }, 10]
  ]
  for (const [rateLimit, expected] of kinds) {
    const { entered, instances } = await startCounting(t, redis, { rateLimit })
    const answers = await crowd(instances)
    t.strictSame([entered.times, answers.filter((text) => text.includes('done')).length], [expected, expected], JSON.stringify(rateLimit))
  }
})

t.test('what one instance counted, the other knows', async (t) => {
  const keys = [{ name: 'ann', key: 'key-of-ann', permissions: ['*'], tier: 'free', rateLimit: minute(3) }]
  const { instances: [here, there] } = await startCounting(t, redis, { authentication: { apiKeys: keys }, rateLimit: { perApiKey: { free: minute(50) } } })
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  const at = async ({ app }: Instance) => await modern(app, 'tools/list', {}, { headers: { 'x-api-key': 'key-of-ann' } })
  t.match(await at(here), { status: 200, headers: { ratelimit: '"tier";r=49;t=60, "key";r=2;t=60' } })
  t.match(await at(there), { status: 200, headers: { ratelimit: '"tier";r=48;t=60, "key";r=1;t=60' } })
  t.match(await at(here), { status: 200, headers: { ratelimit: '"tier";r=47;t=60, "key";r=0;t=60' } })
  t.match(await at(there), { status: 429, headers: { ratelimit: '"tier";r=47;t=60, "key";r=0;t=60' }, message: { error: { data: { limit: 'key' } } } })
  t.match(await at(there), { status: 429, headers: { ratelimit: '"key";r=0;t=60' } }, 'known by now, without Redis')
})

t.test('while Redis is away, open limits are counted by each instance, and what closed ones count is refused', async (t) => {
  const away = await startRedis(t)
  const keys = [{ name: 'ann', key: 'key-of-ann', permissions: ['*'], rateLimit: minute(50) }]
  const { instances: [here, there] } = await startCounting(t, away, { authentication: { allowAnonymous: true, apiKeys: keys }, permissions: { anonymous: ['*'] }, rateLimit: { global: minute(4) } })
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  await away.kill()
  await until('both have noticed', () => [here, there].every(({ app }) => app.redis?.available === false))

  const statuses = async ({ app }: Instance, headers: Record<string, string> = {}) => (await Promise.all(Array.from({ length: 6 }, async () => await rest(app, 'count', undefined, { headers })))).map(({ status }) => status).sort()
  t.strictSame(await statuses(here), [200, 200, 200, 200, 429, 429])
  t.strictSame(await statuses(there), [200, 200, 200, 200, 429, 429])
  t.strictSame(here.app.rateLimits?.failures.closed, 0)
  t.ok((here.app.rateLimits?.failures.open ?? 0) >= 4)
})

t.test('a limit of a key is closed while Redis is away, unless it says otherwise', async (t) => {
  const away = await startRedis(t)
  const keys = [{ name: 'ann', key: 'key-of-ann', permissions: ['*'], rateLimit: minute(2) }]
  const closed = await startCounting(t, away, { authentication: { apiKeys: keys } })
  const open = await startCounting(t, away, { authentication: { apiKeys: keys }, rateLimit: { onStoreFailure: { perApiKey: 'open' } } })
  await away.kill()
  const headers = { 'x-api-key': 'key-of-ann' }
  const [first] = closed.instances
  const [other] = open.instances
  if (first === undefined || other === undefined) throw new Error('There are instances.')
  t.match(await rest(first.app, 'count', undefined, { headers }), { status: 503, headers: { 'retry-after': '2' }, body: { code: 'MCP_STATE_UNAVAILABLE', detail: /counters of its rate limits/ } })
  t.match(await modern(first.app, 'tools/call', { name: 'count' }, { id: 'x', headers }), { status: 503, message: { id: 'x', error: { code: -32603 } } })
  t.equal(closed.entered.times, 0)
  t.strictSame({ ...first.app.rateLimits?.failures }, { open: 0, closed: 2 })
  const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await rest(other.app, 'count', undefined, { headers })).status))
  t.strictSame(statuses.sort(), [200, 200, 429, 429, 429])
})

t.test('a Redis that hangs holds requests up for its time limit at most, and is used again when it is back', async (t) => {
  const slow = await startRedis(t)
  const { instances: [here] } = await startCounting(t, slow, { rateLimit: { global: minute(1_000) } }, { commandTimeout: 100 })
  if (here === undefined) throw new Error('There is an instance.')
  t.match(await rest(here.app, 'count', {}), { status: 200, headers: { ratelimit: '"global";r=999;t=60' } })
  slow.pause()
  t.teardown(() => { slow.resume() })
  const startedAt = performance.now()
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await rest(here.app, 'count', {})).status))
  t.ok(performance.now() - startedAt < 3_000, `${performance.now() - startedAt} ms`)
  t.strictSame([...new Set(statuses)], [200])
  slow.resume()
  await until('Redis is back', () => here.app.redis?.available === true)
  const { headers } = await rest(here.app, 'count', {})
  const left = Number(/r=(\d+)/.exec(String(headers['ratelimit']))?.[1])
  t.ok(left < 999, `${left} are left: Redis goes on from where it was`)
})

const serverConfig = (port: number, keyPrefix: string) => ({
  name: 'limited',
  redis: { port, keyPrefix },
  server: { pressure: { enabled: false }, handlerRoots: [fixtures] },
  tools: ['say', 'whoami'].map((name) => ({ name, inputSchema: { type: 'object' }, handler: { type: 'file', path: join(fixtures, 'calls.mjs'), export: name } })),
  security: { rateLimit: { perTool: { say: minute(10) } } }
})
const env = { SESSION_SECRET: 'a secret that all instances share' }

/** Calls `say` 200 times at once at the addresses in turn; gives how many were admitted and how many refused. */
async function callAll (...addresses: string[]): Promise<[admitted: number, refused: number]> {
  const params = { name: 'say', arguments: { value: 'said' } }
  const statuses = await Promise.all(Array.from({ length: 200 }, async (_, each) => {
    const response = await fetch(`${addresses[each % addresses.length]}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...modernHeaders('tools/call', params) },
      body: JSON.stringify(modernMessage('tools/call', params))
    })
    await response.text()
    return response.status
  }))
  return [statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length]
}

t.test('of 200 calls at once over two servers, exactly 10 are admitted', async (t) => {
  const config = serverConfig(redis.port, 'servers:')
  const servers = await Promise.all([start(t, { config, env }), start(t, { config, env })])
  t.strictSame(await callAll(...servers.map(({ origin }) => origin)), [10, 190])
})

t.test('of 200 calls at once over two workers of one server, exactly 10 are admitted', async (t) => {
  const file = writeConfig(t, serverConfig(redis.port, 'workers:'))
  const workers = run(t, [join(fixtures, 'workers.mjs'), serverProgram, file], { env: { ...env, PORT: '0' } })
  const listening = /serves MCP at (http:\/\/[^/]+)/
  const address = listening.exec(await workers.line(listening))?.[1] ?? ''
  await until('both listen', () => workers.stdout.filter((line) => listening.test(line)).length === 2)
  t.strictSame(await callAll(address), [10, 190])
  const pids = await Promise.all(Array.from({ length: 20 }, async () => {
    const response = await fetch(`${address}/tools/whoami`, { method: 'POST', headers: { connection: 'close' } })
    return (await response.json() as { content: { text: string }[] }).content[0]?.text
  }))
  t.equal(new Set(pids).size, 2, 'two processes answer')
})

t.test('a session that is opened anew on another instance has no new count', async (t) => {
  const { instances: [here, there] } = await startCounting(t, redis, { rateLimit: { perTool: { count: minute(2) } } })
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  const outcomes = []
  for (const { app } of [here, there, here, there]) {
    const { message } = await (await openSession(app)).call('tools/call', { name: 'count' })
    outcomes.push(message.error === undefined)
  }
  t.strictSame(outcomes, [true, true, false, false])
})
