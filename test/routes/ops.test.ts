import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { createRedactor } from '../../src/core/redaction.ts'
import { build, configOf, modern, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { Issuer, resource } from '../helpers/issuer.ts'
import { startPostgres } from '../helpers/postgres.ts'
import { startRedis } from '../helpers/redis.ts'
import { freePort } from '../helpers/server.ts'
import { deferred, until } from '../helpers/waiting.ts'

interface Told { code: number, body: JsonObject, checks: Record<string, JsonObject> }

async function ask (app: GantryApp, url = '/health', headers: Record<string, string> = {}, remoteAddress = '127.0.0.1'): Promise<Told> {
  const { statusCode, payload } = await app.inject({ url, headers, remoteAddress })
  const body = JSON.parse(payload) as JsonObject
  return { code: statusCode, body, checks: body['checks'] as Record<string, JsonObject> }
}

/** Who may see all without showing anything. */
const open: JsonObject = { permissions: { anonymous: ['*'] } }
const fast: JsonObject = { interval: 50, timeout: 200 }

t.test('a stranger learns the state, how old it is, and nothing else', async (t) => {
  const app = await build(t)
  const { statusCode, headers, payload } = await app.inject('/health')
  t.equal(statusCode, 200)
  t.match(headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store' })
  t.strictSame(Object.keys(JSON.parse(payload) as object), ['status', 'timestamp', 'uptime'])
  t.match((await ask(app)).body, { status: 'healthy', timestamp: /^\d{4}-.*Z$/, uptime: Number })
  t.strictSame(Object.keys((await ask(app, '/health/ready')).body), ['status', 'timestamp'])
  t.match((await ask(app, '/health/ready')).body, { status: 'ready' })
  t.match((await ask(app, '/health/live')).body, { status: 'alive', uptime: Number })
  for (const url of ['/health', '/health/live', '/health/ready']) t.match(await app.inject({ method: 'HEAD', url }), { statusCode: 200, payload: '' })
})

t.test('who may see it gets the shape of the deployment guide', async (t) => {
  const app = await build(t, { security: open }, { tools: { echo: () => 'x' } })
  const { body } = await ask(app)
  t.strictSame(Object.keys(body), ['status', 'timestamp', 'uptime', 'memory', 'checks'])
  t.match(body, {
    memory: { rss: Number, heapTotal: Number, heapUsed: Number, external: Number },
    checks: {
      handlers: { status: 'healthy', checkedAt: /Z$/, durationMs: Number, tools: 1, prompts: 0, resources: 0, queues: { running: 0, waiting: 0, refused: 0 }, threads: { running: 0, waiting: 0, failedStarts: 0 } },
      upstreams: { status: 'healthy', known: 0, broken: 0 }
    }
  })
  t.strictSame(Object.keys(body['checks'] as object), ['handlers', 'upstreams'], 'what is not configured is not there')
})

const key = (permissions: string[]): JsonObject => ({ name: 'ann', key: 'a-key-that-is-good-and-long-enough', permissions })
const shown = { authorization: 'Bearer a-key-that-is-good-and-long-enough' }
const wrong = { 'x-api-key': 'a-key-that-nobody-has-at-all' }
const keys = (permissions: string[], more: JsonObject = {}): JsonObject => ({ authentication: { apiKeys: [key(permissions)], ...more } })

type Result = 'detail' | 'state' | number
const callers: readonly [who: string, security: JsonObject, headers: Record<string, string>, result: Result, remoteAddress?: string][] = [
  ['anyone, where nobody is asked and nothing is permitted', {}, {}, 'state'],
  ['anyone, where everything else is permitted', { permissions: { anonymous: ['tools:*', 'prompts:*', 'resources:*', '*:list'] } }, {}, 'state'],
  ['anyone, where that is permitted', { permissions: { anonymous: ['ops:health'] } }, {}, 'detail'],
  ['anyone with some credential, where nobody is asked', {}, wrong, 'state'],
  ['a probe, where a proof is needed', keys(['*']), {}, 'state'],
  ['a probe, where a proof is needed and the anonymous would have the permission', { ...keys(['*']), permissions: { anonymous: ['*'] } }, {}, 'state'],
  ['a probe, where the anonymous are let in with the permission', { ...keys([], { allowAnonymous: true }), permissions: { anonymous: ['ops:*'] } }, {}, 'detail'],
  ['a key that may do everything', keys(['*']), shown, 'detail'],
  ['a key that may ops:*', keys(['ops:*']), shown, 'detail'],
  ['a key that may ops:health', keys(['ops:health']), shown, 'detail'],
  ['a key that may what every key may', { ...keys([]), permissions: { authenticated: ['ops:health'] } }, shown, 'detail'],
  ['a key that may all tools', keys(['tools:*', '*:list', '*:read']), shown, 'state'],
  ['a key that nobody has', keys(['*']), wrong, 401],
  ['a credential of another scheme', keys(['*']), { authorization: 'Basic YTpi' }, 401],
  ['a good key from an address that is not listed', { ...keys(['*']), ipWhitelist: ['127.0.0.1'] }, shown, 'state', '192.0.2.7'],
  ['a wrong key from an address that is not listed', { ...keys(['*']), ipWhitelist: ['127.0.0.1'] }, wrong, 'state', '192.0.2.7'],
  ['the anonymous from an address that is not listed', { permissions: { anonymous: ['*'] }, ipWhitelist: ['127.0.0.1'] }, {}, 'state', '192.0.2.7'],
  ['a good key from a listed address', { ...keys(['*']), ipWhitelist: ['192.0.2.0/24'] }, shown, 'detail', '192.0.2.7'],
  ['a good key for a host that is not served', keys(['*']), { ...shown, host: 'evil.example' }, 'state'],
  ['a page of another site', open, { origin: 'https://evil.example' }, 'state']
]

t.test('the detail is for who may see it, and strange places learn nothing of credentials', async (t) => {
  for (const [who, security, headers, result, remoteAddress] of callers) {
    const { code, checks } = await ask(await build(t, { security }), '/health', headers, remoteAddress)
    t.equal(code === 200 ? checks === undefined ? 'state' : 'detail' : code, result, who)
  }
})

t.test('refused credentials are limited here, too, and whoever shows none is not held up', async (t) => {
  const app = await build(t, { security: keys(['*'], { failureLimit: { window: 60_000, maxRequests: 2 } }) })
  const codes: number[] = []
  for (let attempt = 0; attempt < 4; attempt++) codes.push((await ask(app, '/health', wrong)).code)
  t.strictSame(codes, [401, 401, 429, 429])
  t.equal((await ask(app)).code, 200)
  t.equal((await ask(app, '/health', shown)).code, 200)
})

t.test('an access token shows the detail to who has the scope, and its issuer is asked for its keys once for all routes', async (t) => {
  const issuer = await Issuer.start(t)
  const app = await build(t, { security: { authentication: { oauth: { resource, issuers: [{ issuer: issuer.url }] } } } })
  await until('the guarded routes have their keys', () => issuer.fetches === 1)
  for (const [scope, detail] of [['ops:health', true], ['tools:call', false]] as const) {
    const { code, checks } = await ask(app, '/health', { authorization: `Bearer ${await issuer.token({ claims: { scope } })}` })
    t.equal(code, 200)
    t.equal(checks !== undefined, detail, scope)
  }
  t.equal(issuer.fetches, 1)
  t.equal((await ask(app, '/health', { authorization: 'Bearer eyJ.eyJ.AAAA' })).code, 401)
})

t.test('credentials that are refused count together, wherever they are shown', async (t) => {
  const app = await build(t, { security: { authentication: { apiKeys: [{ name: 'ops', key: 'k'.repeat(40), permissions: ['*'] }], failureLimit: { window: 60_000, maxRequests: 3 } } } })
  const wrong = { authorization: `Bearer ${'w'.repeat(40)}` }
  for (const url of ['/health', '/tools', '/health/ready']) t.equal((await app.inject({ url, headers: wrong })).statusCode, 401, url)
  for (const url of ['/health', '/tools']) t.equal((await app.inject({ url, headers: wrong })).statusCode, 429, url)
})

t.test('a Redis that is away, hangs or refuses is told of without waiting for it, and back when it is back', async (t) => {
  const server = await startRedis(t)
  const admin = await server.client()
  const redis = { port: server.port, commandTimeout: 200 }
  const app = await build(t, { redis, security: open, health: fast })
  const strict = await build(t, { redis, security: open, health: { ...fast, required: ['handlers', 'redis'] } })

  async function reach (what: string, status: string, message?: RegExp): Promise<void> {
    const isThere = (each: GantryApp): boolean => each.health.report().checks.get('redis')?.status === status
    await until(`${what}: ${status}`, () => isThere(app) && isThere(strict))
    const started = performance.now()
    const [told, ready] = [await ask(app), await ask(app, '/health/ready')]
    const [toldStrictly, readyStrictly] = [await ask(strict), await ask(strict, '/health/ready')]
    t.ok(performance.now() - started < 150, `${what}: nobody waits`)
    const isWell = status === 'healthy'
    t.match([told.code, told.body['status'], ready.code], [200, isWell ? 'healthy' : 'degraded', 200], what)
    t.match([toldStrictly.code, toldStrictly.body['status'], readyStrictly.code, readyStrictly.body['status']], isWell ? [200, 'healthy', 200, 'ready'] : [503, 'unhealthy', 503, 'unhealthy'], `${what}, where it is required`)
    t.equal((await ask(strict, '/health/live')).code, 200)
    if (message !== undefined) t.match(told.checks['redis'], { message })
  }

  await reach('at first', 'healthy')
  t.match((await ask(app)).checks['redis'], { address: `redis://127.0.0.1:${server.port}/0` })
  server.pause()
  t.teardown(() => { server.resume() })
  await reach('paused', 'unhealthy')
  server.resume()
  await reach('resumed', 'healthy')
  await admin.config('SET', 'maxmemory', '1')
  await reach('full', 'unhealthy', /OOM/)
  await admin.config('SET', 'maxmemory', '0')
  await reach('with room again', 'healthy')
  await server.kill()
  await reach('killed', 'unhealthy')
  await server.restart()
  await reach('restarted', 'healthy')
})

t.test('databases are one check that names those that do not answer', async (t) => {
  const server = await startPostgres(t)
  const databases = { main: server.section(), old: { ...server.section(), port: await freePort() } }
  const app = await build(t, { databases, security: open, health: { ...fast, required: ['handlers', 'database'] } })
  await until('both were asked', () => app.health.isKnown)
  t.match(await ask(app), {
    code: 503,
    body: { status: 'unhealthy' },
    checks: { database: { status: 'unhealthy', message: /^old: [^;]+$/, databases: { main: { status: 'healthy', open: Number }, old: { status: 'unhealthy', address: String } } } }
  })
  const sound = await build(t, { databases: { main: server.section() }, security: open, health: fast })
  const status = () => sound.health.report().checks.get('database')?.status
  await until('it answers', () => status() === 'healthy')
  server.pause()
  t.teardown(() => { server.resume() })
  await until('it hangs', () => status() === 'unhealthy')
  const started = performance.now()
  t.match(await ask(sound), { code: 200, body: { status: 'degraded' } })
  t.ok(performance.now() - started < 150, 'nobody waits')
  server.resume()
  await until('it answers again', () => status() === 'healthy')
})

t.test('secrets are taken out of what a peer said', async (t) => {
  const config = { redis: { port: await freePort() }, security: open }
  const app = await build(t, config, { redactor: createRedactor(['connection']) })
  await until('it is looked at', () => app.health.isKnown)
  t.match((await ask(app)).checks['redis'], { status: 'unhealthy', message: /\[redacted\]/ })
})

t.test('it is not ready before everything was looked at, nor when it closes', async (t) => {
  const server = await startRedis(t)
  const app = await buildApp({ config: configOf({ redis: { port: server.port }, health: { interval: 50, timeout: 5_000 } }), baseDir: process.cwd() })
  t.teardown(() => app.close())
  const found: unknown[] = []
  app.addHook('preClose', async function look () {
    for (const path of ['', '/live', '/ready']) {
      const answer = await fetch(`${origin}/health${path}`)
      found.push(answer.status, ((await answer.json()) as JsonObject)['status'])
    }
  })
  server.pause()
  t.teardown(() => { server.resume() })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  t.match(await ask(app, '/health/ready'), { code: 503, body: { status: 'starting' } })
  server.resume()
  await until('all is well', () => app.health.report().status === 'healthy')
  t.match(await ask(app, '/health/ready'), { code: 200, body: { status: 'ready' } })
  await app.close()
  t.strictSame(found, [200, 'healthy', 200, 'alive', 503, 'closing'])
})

t.test('a queue that is full and an upstream that fails are no reason to send all callers away', async (t) => {
  const { promise, resolve } = deferred()
  const url = `http://127.0.0.1:${await freePort()}`
  const app = await build(t, {
    security: open,
    health: fast,
    server: { upstreams: { allowPrivate: ['127.0.0.0/8'], circuitBreaker: { failures: 1 } } },
    tools: [{ name: 'slow', maxConcurrent: 1, maxQueue: 0 }, { name: 'far', handler: { type: 'http', url } }]
  }, { handlers: { slow: async () => { await promise } } })
  const status = (name: string) => app.health.report().checks.get(name)?.status
  const call = modern(app, 'tools/call', { name: 'slow', arguments: {} })
  await modern(app, 'tools/call', { name: 'far', arguments: {} })
  await until('both are noticed', () => status('handlers') === 'degraded' && status('upstreams') === 'degraded')
  t.match(await ask(app), {
    code: 200,
    body: { status: 'degraded' },
    checks: { handlers: { message: 'No more calls may wait for slow.', queues: { running: 1 } }, upstreams: { message: `${url} failed too often: the circuit is open.`, broken: 1 } }
  })
  t.equal((await ask(app, '/health/ready')).code, 200)
  resolve()
  await call
  await until('there is room again', () => status('handlers') === 'healthy')
})

t.test('it is served where the configuration says, or not at all', async (t) => {
  const moved = await build(t, { health: { path: '/-/status/' } })
  t.equal((await moved.inject('/-/status/')).statusCode, 200)
  t.equal((await moved.inject('/-/status/ready')).statusCode, 200)
  t.equal((await moved.inject('/health')).statusCode, 404)
  const root = await build(t, { health: { path: '/' } })
  for (const url of ['/', '/live', '/ready']) t.equal((await root.inject(url)).statusCode, 200)
  const off = await build(t, { health: { enabled: false } })
  for (const url of ['/health', '/health/live', '/health/ready']) t.equal((await off.inject(url)).statusCode, 404)
})

function faultsOf (config: JsonObject): string {
  try {
    return String(configOf(config).name)
  } catch (error) {
    return (error as Error).message
  }
}

t.test('a path that is taken, and a required check of nothing, are faults', async (t) => {
  const cases: readonly [JsonObject, RegExp][] = [
    [{ server: { path: '/health' } }, /server\.path: The path "\/health" is taken by the health check\./],
    [{ server: { path: '/health/live/' } }, /The path "\/health\/live\/" is taken by the health check\./],
    [{ health: { path: '/tools' } }, /health\.path: The path "\/tools" is taken by the tools\./],
    [{ health: { path: '/tools/x' } }, /health\.path: The path "\/tools\/x" is taken by the tools\./],
    [{ health: { path: '/mcp' } }, /server\.path: The path "\/mcp" is taken by the health check\./],
    [{ health: { required: ['redis'] } }, /health\.required\.0: The check "redis" is required, and there is no "redis" to check\./],
    [{ health: { required: ['database'] }, databases: {} }, /The check "database" is required, and there is no "databases" to check\./],
    [{ health: { required: ['redis', 'handlers'] }, redis: {} }, /^gantry$/],
    [{ health: { path: '/mcp', enabled: false } }, /^gantry$/],
    [{ security: { permissions: { anonymous: ['ops:health:x'] } } }, /"ops:health:x" permits nothing that there is\./],
    [{ security: { permissions: { anonymous: ['ops:helth'] } } }, /"ops:helth" permits nothing that there is\./]
  ]
  for (const [config, message] of cases) t.match(faultsOf(config), message, JSON.stringify(config))
})
