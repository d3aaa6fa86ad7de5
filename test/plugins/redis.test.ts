import t from 'tap'
import { buildApp, buildStdioApp } from '../../src/app.ts'
import { build, configOf, modern, openSession, post, initialize, textOf } from '../helpers/build.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { startRedis } from '../helpers/redis.ts'
import { fromSources, run } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'

const add = { tools: { add: ({ a, b }: { a?: unknown, b?: unknown }) => Number(a) + Number(b) } }
const call = { name: 'add', arguments: { a: 1, b: 2 } }

t.test('a session that one instance opened is served, and ended, by another', async (t) => {
  const server = await startRedis(t)
  const [here, there] = [await build(t, { redis: { url: server.url } }, add), await build(t, { redis: { port: server.port } }, add)]
  const { headers } = await openSession(here)
  for (const app of [there, here]) t.equal(textOf(await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }, headers)), '3')
  t.equal((await there.inject({ method: 'DELETE', url: '/mcp', headers: { 'mcp-session-id': String(headers['mcp-session-id']) } })).statusCode, 204)
  t.match(await post(here, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers), { status: 404 })
})

t.test('without Redis each instance keeps its own', async (t) => {
  const [here, there] = [await build(t, {}, add), await build(t, {}, add)]
  t.equal(here.redis, undefined)
  const { headers } = await openSession(here)
  t.match(await post(there, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers), { status: 404 })
})

t.test('the caps count the sessions of all instances', async (t) => {
  const server = await startRedis(t)
  const config = { redis: { port: server.port }, server: { maxSessions: 3 } }
  const apps = [await build(t, config), await build(t, config)]
  for (const app of [...apps, ...apps].slice(0, 3)) await openSession(app)
  for (const app of apps) t.match(await post(app, initialize('2025-11-25')), { status: 503, message: { error: { code: -32603, message: /as many sessions as it may/ } } })
})

t.test('while Redis is away, sessions get 503 with Retry-After and everything else works; afterwards all is as before', async (t) => {
  const server = await startRedis(t)
  const log = createRecorder()
  const app = await build(t, { redis: { port: server.port, commandTimeout: 300 } }, { ...add, logger: log.logger as never })
  const session = await openSession(app)
  const refused = { status: 503, headers: { 'retry-after': '2' }, message: { error: { code: -32603, message: /cannot reach the store of its sessions/ } } }

  server.pause()
  t.teardown(() => { server.resume() })
  t.match(await session.call('tools/call', call), refused, 'a call in a session')
  t.match(await post(app, initialize('2025-11-25')), refused, 'a new session')
  t.match(await session.send('GET'), refused)
  t.match(await session.send('DELETE'), refused)
  t.equal(textOf(await modern(app, 'tools/call', call)), '3', 'the 2026 era')
  t.equal((await app.inject({ method: 'POST', url: '/tools/add', payload: { a: 1, b: 2 } })).statusCode, 200)
  t.equal((await app.inject('/health')).statusCode, 200)

  server.resume()
  await until('Redis is found again', () => app.redis?.available === true)
  t.equal(textOf(await session.call('tools/call', call)), '3', 'the session is still there')

  await server.kill()
  t.match(await session.call('tools/call', call), refused)
  t.equal(textOf(await modern(app, 'tools/call', call)), '3')
  await server.restart()
  await until('Redis is found again', () => app.redis?.available === true)
  t.match(await session.call('tools/call', call), { status: 404 }, 'an empty Redis knows no sessions')
  t.equal(textOf(await (await openSession(app)).call('tools/call', call)), '3')
  t.strictSame(log.sentences().filter((sentence) => sentence.startsWith('Redis')), [
    'Redis is connected.', 'Redis is lost: what needs it fails until it is back.', 'Redis is back.', 'Redis is lost: what needs it fails until it is back.', 'Redis is back.'
  ])
  t.strictSame(log.lines.filter(({ level }) => level === 'error'), [])
})

t.test('the server starts without its Redis, and finds it later', async (t) => {
  const server = await startRedis(t)
  await server.kill()
  const app = await build(t, { redis: { port: server.port } }, add)
  t.match(await post(app, initialize('2025-11-25')), { status: 503 })
  t.equal(textOf(await modern(app, 'tools/call', call)), '3')
  await server.restart()
  await until('it is found', () => app.redis?.available === true)
  t.equal(textOf(await (await openSession(app)).call('tools/call', call)), '3')
})

t.test('the app closes within its limit when Redis hangs', async (t) => {
  const server = await startRedis(t)
  const app = await build(t, { redis: { port: server.port } }, add)
  await openSession(app)
  server.pause()
  t.teardown(() => { server.resume() })
  const started = performance.now()
  await app.close()
  t.ok(performance.now() - started < 1_500, `${performance.now() - started} ms`)
})

t.test('an app that could not be built keeps no connection', async (t) => {
  const server = await startRedis(t)
  const config = configOf({ redis: { port: server.port }, tools: [{ name: 'x', handler: { type: 'file', path: './nowhere.js' } }] })
  await t.rejects(buildApp({ config, baseDir: process.cwd() }))
  const client = await server.client()
  t.notMatch(String(await client.client('LIST')), /gantry:/)
})

t.test('stateless mode uses no sessions, with Redis or without', async (t) => {
  const server = await startRedis(t)
  const app = await build(t, { redis: { port: server.port }, server: { protocol: { sessions: 'stateless' } } }, add)
  t.equal(app.sessions, undefined)
  t.equal((await post(app, initialize('2025-11-25'))).headers['mcp-session-id'], undefined)
})

t.test('stdio keeps to itself, whatever the configuration says', async (t) => {
  const app = await buildStdioApp({ config: configOf({ redis: { port: 1 } }), baseDir: process.cwd() })
  t.teardown(() => app.close())
  await app.ready()
  t.notOk(app.hasDecorator('redis'))
  const heard: unknown[] = []
  await app.bus.subscribe('x', (event) => { heard.push(event) })
  await app.bus.publish('x', { n: 1 })
  await until('it is heard', () => heard.length === 1)
})

t.test('the client library is loaded only where a Redis is configured', async (t) => {
  const server = await startRedis(t)
  const loaded = async (redis: object | undefined): Promise<string> => {
    const program = run(t, [fromSources, '--input-type=module', '-e', `
      import { createRequire } from 'node:module'
      import { buildApp } from './src/app.ts'
      import { configFromObject } from './src/config/load.ts'
      const { config } = configFromObject(${JSON.stringify({ redis })})
      const app = await buildApp({ config, baseDir: process.cwd() })
      await app.ready()
      console.log('modules of ioredis:', Object.keys(createRequire(process.cwd() + '/x.js').cache).filter((file) => file.includes('/node_modules/ioredis/')).length)
      await app.close()
    `])
    const line = await program.line(/^modules of ioredis/)
    await program.exited
    return line
  }
  t.equal(await loaded(undefined), 'modules of ioredis: 0')
  t.match(await loaded({ port: server.port }), /: [1-9]/)
})
