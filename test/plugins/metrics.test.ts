import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CancelledError } from '../../src/core/call-errors.ts'
import { families } from '../../src/metrics/families.ts'
import { processMetrics } from '../../src/metrics/exposition.ts'
import { build, modern, modernHeaders, modernMessage, openSession, post, rest, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { loadText } from '../helpers/load-text.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { readScrape } from '../helpers/metrics.ts'
import { startRedis } from '../helpers/redis.ts'
import { freePort } from '../helpers/server.ts'
import { fencedBlocks } from '../helpers/shell-example.ts'
import { deferred, until } from '../helpers/waiting.ts'

const on: JsonObject = { metrics: { enabled: true } }

async function scrape (app: GantryApp, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const { statusCode, payload } = await app.inject({ url: '/metrics', headers })
  if (statusCode !== 200) throw new Error(`The scrape was answered with ${statusCode}: ${payload}`)
  return readScrape(payload)
}

/** The series that are not zero, of one metric. */
async function counted (app: GantryApp, metric: string): Promise<Record<string, number>> {
  return Object.fromEntries([...await scrape(app)].filter(([name, value]) => name.startsWith(`${metric}{`) && value !== 0))
}

t.test('the metrics of the deployment guide count calls at every door, by their outcome', async (t) => {
  const app = await build(t, { ...on, tools: [{ name: 'sum', inputSchema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } }, { name: 'slow', inputSchema: { type: 'object' }, timeout: 20 }] }, {
    tools: {
      sum: () => 'fine',
      later: async () => await Promise.resolve('fine'),
      fails: () => { throw new Error('no') },
      reports: async () => await Promise.resolve({ content: [{ type: 'text', text: 'no' }], isError: true }),
      slow: async () => await new Promise(() => {}),
      left: () => { throw new CancelledError() }
    }
  })
  const session = await openSession(app)
  const calls: ((name: string, args: JsonObject) => Promise<unknown>)[] = [
    async (name, args) => await session.call('tools/call', { name, arguments: args }),
    async (name, args) => await modern(app, 'tools/call', { name, arguments: args }),
    async (name, args) => await rest(app, name, args)
  ]
  for (const call of calls) {
    await call('sum', { a: 1 })
    await call('sum', { a: 'one' })
    for (const name of ['later', 'fails', 'reports', 'slow', 'no-such-tool']) await call(name, {})
  }
  await rest(app, 'sum', { a: 2 })

  t.strictSame(await counted(app, 'mcp_tool_executions_total'), {
    'mcp_tool_executions_total{tool="sum",status="ok"}': 4,
    'mcp_tool_executions_total{tool="sum",status="refused"}': 3,
    'mcp_tool_executions_total{tool="slow",status="timeout"}': 3,
    'mcp_tool_executions_total{tool="later",status="ok"}': 3,
    'mcp_tool_executions_total{tool="fails",status="error"}': 3,
    'mcp_tool_executions_total{tool="reports",status="error"}': 3,
    'mcp_tool_executions_total{tool="(unknown)",status="refused"}': 3
  })
  const series = await scrape(app)
  t.equal(series.get('mcp_tool_duration_seconds_count{tool="sum"}'), 7)
  t.equal(series.get('mcp_tool_duration_seconds_bucket{tool="slow",le="0.01"}'), 0)
  t.equal(series.get('mcp_tool_duration_seconds_bucket{tool="slow",le="+Inf"}'), 3)
  const slowSeconds = series.get('mcp_tool_duration_seconds_sum{tool="slow"}') ?? 0
  t.ok(slowSeconds >= 0.06 && slowSeconds < 30, `${slowSeconds} s`)
  for (const tool of ['later', 'reports', 'slow']) t.equal(series.get(`mcp_tool_calls_in_flight{tool="${tool}"}`), 0, tool)
  const requests = Object.fromEntries([...series].filter(([name]) => name.startsWith('mcp_request_duration_seconds_count{')))
  t.strictSame(Object.fromEntries(Object.entries(requests).filter(([name]) => !name.includes('route="/metrics"'))), {
    'mcp_request_duration_seconds_count{method="POST",route="/mcp",status_code="200"}': 1 + 7 + 7,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="200"}': 3,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="400"}': 1,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="404"}': 1,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="500"}': 1,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="422"}': 1,
    'mcp_request_duration_seconds_count{method="POST",route="/tools/:name",status_code="504"}': 1
  })
})

t.test('what goes on is told while it does', async (t) => {
  const gate = deferred()
  const app = await build(t, { ...on, tools: [{ name: 'one', inputSchema: { type: 'object' }, maxConcurrent: 1, maxQueue: 1 }] }, { tools: { one: async () => { await gate.promise; return 'x' } } })
  const session = await openSession(app)
  const calls = [rest(app, 'one', {}), rest(app, 'one', {})]
  await until('both have come', async () => (await scrape(app)).get('mcp_tool_queue_length{tool="one"}') === 1)
  await rest(app, 'one', {})
  const series = await scrape(app)
  t.equal(series.get('mcp_tool_calls_in_flight{tool="one"}'), 2)
  t.equal(series.get('mcp_tool_places_taken{tool="one"}'), 1)
  t.equal(series.get('mcp_tool_queue_refusals_total{tool="one"}'), 1)
  t.equal(series.get('mcp_tool_executions_total{tool="one",status="error"}'), 1)
  t.equal(series.get('mcp_sessions'), 1)
  t.equal(series.get('mcp_overloaded'), 0)
  t.equal(series.get('mcp_upstreams{circuit="open"}'), 0)
  gate.resolve()
  await Promise.all(calls)
  await session.send('DELETE')
  const after = await scrape(app)
  t.equal(after.get('mcp_tool_calls_in_flight{tool="one"}'), 0)
  t.equal(after.get('mcp_tool_queue_length{tool="one"}'), 0)
  t.equal(after.get('mcp_sessions'), 0)
})

t.test('streams and subscriptions are told of as long as they are open', async (t) => {
  const app = await build(t, on)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const session = await openSession(app)
  const params = { notifications: { toolsListChanged: true } }
  const leaving = new AbortController()
  const { signal } = leaving
  await Promise.all([
    fetch(`${origin}/mcp`, { signal, headers: { accept: 'text/event-stream', ...session.headers as Record<string, string> } }),
    fetch(`${origin}/mcp`, { signal, method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...modernHeaders('subscriptions/listen') }, body: JSON.stringify(modernMessage('subscriptions/listen', params)) })
  ])
  const open = async (): Promise<(number | undefined)[]> => {
    const series = await scrape(app)
    return [series.get('mcp_streams'), series.get('mcp_subscriptions')]
  }
  t.strictSame(await open(), [2, 1])
  leaving.abort()
  await until('both are gone', async () => (await open()).join() === '0,0')
})

const key = 'a-key-that-is-good-and-long-enough'

t.test('who is refused is counted by the reason, at every door', async (t) => {
  const app = await build(t, {
    ...on,
    security: {
      authentication: { apiKeys: [{ name: 'ann', key, permissions: ['tools:call', 'ops:metrics'], rateLimit: { window: 60_000, maxRequests: 2 } }], failureLimit: { window: 60_000, maxRequests: 3 } },
      rateLimit: { enabled: true }
    }
  }, { tools: { echo: () => 'x' } })
  const shown = { authorization: `Bearer ${key}` }
  const send = async (headers: Record<string, string>): Promise<number> => (await app.inject({ method: 'POST', url: '/tools/echo', headers })).statusCode
  t.equal(await send({}), 401)
  t.equal((await post(app, { jsonrpc: '2.0', id: 1, method: 'ping' })).status, 401)
  t.equal(await send({ authorization: 'Bearer a b' }), 400)
  for (const status of [401, 401, 401, 429]) t.equal(await send({ 'x-api-key': 'nobody-has-this-key' }), status)
  for (const status of [200, 200, 429]) t.equal(await send(shown), status)
  t.equal(await send({ ...shown, host: 'evil.example' }), 403)
  const series = await scrape(app, shown)
  for (const [name, value] of Object.entries({
    'mcp_authentication_failures_total{reason="missing"}': 2,
    'mcp_authentication_failures_total{reason="malformed"}': 1,
    'mcp_authentication_failures_total{reason="invalid"}': 3,
    'mcp_authentication_failures_total{reason="limited"}': 1,
    'mcp_rate_limit_refusals_total{limit="key"}': 1,
    'mcp_refusals_total{code="MCP_UNAUTHENTICATED"}': 5,
    'mcp_refusals_total{code="MCP_RATE_LIMITED"}': 2,
    'mcp_refusals_total{code="MCP_HOST_REFUSED"}': 1
  })) t.equal(series.get(name), value, name)
})

t.test('of what is configured beside there are series, and of nothing else', async (t) => {
  const server = await startRedis(t)
  const app = await build(t, {
    ...on,
    redis: { port: server.port, commandTimeout: 200 },
    databases: { main: { port: await freePort(), database: 'd' } },
    caching: { store: 'memory', tools: { echo: { enabled: true } } },
    security: { audit: { logFile: join(t.testdir(), 'audit.log') }, rateLimit: { global: { window: 60_000, maxRequests: 100 } } }
  }, { tools: { echo: () => 'x', ask: async (_args, context) => { await context.db('main').query('select 1') } } })
  await rest(app, 'echo', {})
  await rest(app, 'echo', {})
  await rest(app, 'ask', {})
  await modern(app, 'tools/call', { name: 'ask' })
  await post(app, { jsonrpc: '2.0', id: 1, method: 'ping', params: null }, { 'mcp-session-id': (await openSession(app)).id })
  const expected = {
    mcp_redis_up: 1,
    'mcp_database_up{database="main"}': 0,
    'mcp_database_connections{database="main",state="used"}': 0,
    'mcp_database_statements{database="main",state="waiting"}': 0,
    'mcp_cache_results_total{tool="echo",result="miss"}': 1,
    'mcp_cache_results_total{tool="echo",result="hit"}': 1,
    'mcp_tool_executions_total{tool="echo",status="ok"}': 2,
    'mcp_tool_executions_total{tool="ask",status="error"}': 2,
    'mcp_audit_lost_total{what="lines"}': 0,
    'mcp_rate_limit_store_failures_total{decision="open"}': 0,
    'mcp_tolerated_deviations_total{deviation="params-null"}': 1
  }
  const series = await scrape(app)
  for (const [name, value] of Object.entries(expected)) t.equal(series.get(name), value, name)
  t.notOk(series.has('mcp_sessions'), 'they are in Redis')

  await server.kill()
  await until('Redis is away', async () => (await scrape(app)).get('mcp_redis_up') === 0)
  await rest(app, 'echo', {})
  t.ok(((await scrape(app)).get('mcp_rate_limit_store_failures_total{decision="open"}') ?? 0) > 0)

  const bare = await scrape(await build(t, on))
  t.strictSame([...bare.keys()].filter((name) => /redis|database|cache|audit|rate_limit/.test(name)), [])
})

t.test('a hundred thousand invented names and paths add no series', async (t) => {
  const app = await build(t, { ...on, server: { protocol: { sessions: 'stateless' } } }, { tools: { echo: () => 'x' } })
  const batch = 100
  const strike = async (round: string): Promise<void> => {
    const messages = Array.from({ length: batch }, (_, index) => ({ jsonrpc: '2.0', id: index, method: index % 4 === 0 ? `method-${round}-${index}` : 'tools/call', params: { name: `tool-${round}-${index}`, arguments: {} } }))
    const { messages: answers } = await post(app, messages, { 'mcp-protocol-version': '2025-03-26' })
    if (answers.length !== batch) throw new Error(`There are ${answers.length} answers to a batch.`)
    await modern(app, 'tools/call', { name: `modern-${round}` })
    await rest(app, `rest-${round}`, {})
    await app.inject(`/path-${round}/${round}?q=${round}`)
    await app.inject({ method: 'PUT', url: `/mcp?${round}` })
  }
  await strike('first')
  await scrape(app)
  const before = await scrape(app)
  for (let round = 0; round < 999; round++) await strike(String(round))
  const after = await scrape(app)
  t.strictSame([...after.keys()].filter((name) => !before.has(name) && !name.startsWith('nodejs_')), [])
  t.equal(after.get('mcp_tool_executions_total{tool="(unknown)",status="refused"}'), 1_000 * (75 + 2))
  t.equal(after.get('mcp_request_duration_seconds_count{method="GET",route="(unknown)",status_code="404"}'), 1_000)
  t.ok(after.size < 400, `${after.size} series`)
})

t.test('two apps in one process count for themselves, and the process is there once', async (t) => {
  const [first, second] = [await build(t, on, { tools: { echo: () => 'x' } }), await build(t, on, { tools: { echo: () => 'x' } })]
  await rest(first, 'echo', {})
  const name = 'mcp_tool_executions_total{tool="echo",status="ok"}'
  t.equal((await scrape(first)).get(name), 1)
  t.equal((await scrape(second)).get(name), 0)
  await second.close()
  t.equal((await scrape(first)).get(name), 1)
  t.ok((await scrape(first)).has('process_cpu_seconds_total'))
  t.ok((await scrape(first)).has('nodejs_eventloop_lag_p99_seconds'))
})

type Row = [who: string, security: JsonObject, headers: Record<string, string>, status: number, remoteAddress?: string]
const keys = (permissions: string[], more: JsonObject = {}): JsonObject => ({ authentication: { apiKeys: [{ name: 'ann', key, permissions }], ...more } })
const shown = { authorization: `Bearer ${key}` }
const callers: readonly Row[] = [
  ['this machine, where nothing is declared', {}, {}, 200],
  ['this machine over IPv6, where nothing is declared', {}, {}, 200, '::1'],
  ['another machine, where nothing is declared', {}, {}, 404, '192.0.2.7'],
  ['a proxy on this machine, for whomever', {}, { 'x-forwarded-for': '192.0.2.7' }, 404],
  ['a proxy on this machine that says so otherwise', {}, { forwarded: 'for=192.0.2.7' }, 404],
  ['anyone, where permissions do not say so', { permissions: { anonymous: ['tools:*', 'ops:health'] } }, {}, 404],
  ['another machine, where permissions say so', { permissions: { anonymous: ['ops:metrics'] } }, {}, 200, '192.0.2.7'],
  ['nobody in particular, where a proof is needed', keys(['*']), {}, 401],
  ['a key that may', keys(['ops:metrics']), shown, 200, '192.0.2.7'],
  ['a key that may ops:*', keys(['ops:*']), shown, 200],
  ['a key that may see health', keys(['ops:health', 'tools:*']), shown, 404],
  ['the anonymous, where they may', { ...keys([], { allowAnonymous: true }), permissions: { anonymous: ['ops:metrics'] } }, {}, 200],
  ['the anonymous, where they may not', { ...keys([], { allowAnonymous: true }), permissions: { anonymous: ['tools:*'] } }, {}, 404],
  ['a good key from an address that is not listed', { ...keys(['*']), ipWhitelist: ['127.0.0.1'] }, shown, 403, '192.0.2.7'],
  ['a good key for a host that is not served', keys(['*']), { ...shown, host: 'evil.example' }, 403],
  ['a page of another site on this machine', {}, { origin: 'https://evil.example' }, 403]
]

t.test('metrics are for who may see them, and for nobody else there is nothing', async (t) => {
  for (const [who, security, headers, status, remoteAddress = '127.0.0.1'] of callers) {
    const app = await build(t, { ...on, security })
    const { statusCode, headers: answered, payload } = await app.inject({ url: '/metrics', headers, remoteAddress })
    t.equal(statusCode, status, who)
    t.equal(payload.includes('mcp_tool_'), status === 200, who)
    if (status === 200) t.match(answered, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' })
  }
})

t.test('without metrics there are none, and nothing counts', async (t) => {
  for (const config of [{}, { metrics: { enabled: false } }]) {
    const app = await build(t, config)
    t.equal((await app.inject('/metrics')).statusCode, 404)
    t.equal(app.meter, undefined)
  }
  const moved = await build(t, { metrics: { path: '/ops/numbers' } })
  t.equal((await moved.inject('/ops/numbers')).statusCode, 200)
  t.equal((await moved.inject({ method: 'HEAD', url: '/ops/numbers' })).statusCode, 200)
  t.equal((await moved.inject({ method: 'POST', url: '/ops/numbers' })).statusCode, 405)
})

t.test('while the server ends, metrics at a port of their own tell how it goes', async (t) => {
  const gate = deferred()
  const log = createRecorder()
  const app = await build(t, { metrics: { port: 0 } }, { logger: log.logger as never, tools: { slow: async () => { await gate.promise; return 'x' } } })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const place = /http:\S+/.exec(log.sentences().find((sentence) => sentence.startsWith('Metrics')) ?? '')?.[0] ?? ''
  const read = async (): Promise<Map<string, number>> => readScrape(await (await fetch(place)).text())
  const call = fetch(`${origin}/tools/slow`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  const running = 'mcp_tool_calls_in_flight{tool="slow"}'
  await until('the call is running', async () => (await read()).get(running) === 1)
  const closed = app.close()
  await until('no connection is taken any more', () => !app.server.listening)
  t.equal((await read()).get(running), 1)
  gate.resolve()
  t.equal((await call).status, 200)
  await closed
  await t.rejects(fetch(place))
})

t.test('who may not scrape is recorded with the permission that is missing', async (t) => {
  const file = join(t.testdir(), 'audit.log')
  const app = await build(t, { ...on, security: { ...keys(['tools:*']), audit: { logFile: file } } })
  t.equal((await app.inject({ url: '/metrics', headers: shown })).statusCode, 404)
  const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as JsonObject)
  t.match(lines.at(-1), { event: 'permission.refused', principal: 'ann', permission: 'ops:metrics', path: '/metrics' })
})

t.test('the examples on the page load', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  const blocks = [...fencedBlocks(page, 'yaml'), ...fencedBlocks(page, 'json')]
  t.equal(blocks.length, 2)
  for (const block of blocks) t.match(await loadText(t, block, { name: 'gantry.yaml', env: { PROMETHEUS_KEY: key, API_KEY_SALT: 'salt' } }), { faults: [], notices: [] }, block)
})

t.test('the page on metrics lists each one with its labels, and no other', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `((?:mcp|process|nodejs)_[a-z0-9_]+)` \| (\w+) \|(.*?)\|/gm)].map(([, name, type, labels = '']) => ({ name, type, labels: [...labels.matchAll(/`([^`]+)`/g)].map(([, label]) => label) }))
  t.strictSame(rows.filter(({ name }) => name?.startsWith('mcp_')), families.map(({ name, type, labels }) => ({ name, type, labels: [...labels] })))
  const ofProcess = (await processMetrics().getMetricsAsJSON()).map(({ name, type }) => ({ name, type }))
  t.strictSame(rows.filter(({ name }) => !name?.startsWith('mcp_')).map(({ name, type }) => ({ name, type })), ofProcess)
})

t.test('each metric is named as Prometheus names them, and has the labels that it says', async (t) => {
  const app = await build(t, on, { tools: { echo: () => 'x' } })
  await rest(app, 'echo', {})
  const series = [...(await scrape(app)).keys()]
  for (const { name, type, labels } of families) {
    t.match(name, /^mcp_[a-z]+(_[a-z]+)*$/)
    t.equal(name.endsWith('_total'), type === 'counter', name)
    const own = series.filter((each) => each.replace(/_(bucket|sum|count)?(?=\{)/, '{').startsWith(`${name}{`))
    for (const each of own) t.strictSame([...each.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le'), labels, each)
  }
  t.ok(series.length > 100)
})
