import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { createSessionRedis } from '../../src/stores/session-redis.ts'
import type { RedisConnections } from '../../src/stores/redis-client.ts'
import { connectRedis, redisSection, startRedis } from '../helpers/redis.ts'
import { freePort, fromSources, run } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { limits, record } from './session-contract.ts'

const connected = 'Redis is connected.'
const unreachable = 'Redis cannot be reached: what needs it fails until it is there.'
const lost = 'Redis is lost: what needs it fails until it is back.'
const back = 'Redis is back.'
const refuses = 'Redis refuses commands: what needs them fails until that is mended.'

const ping = (redis: RedisConnections) => redis.run((commands) => commands.ping())

/** How a call ended, and after how many milliseconds. */
async function outcome (call: () => Promise<unknown>): Promise<{ code: unknown, ms: number, error?: unknown }> {
  const started = performance.now()
  const ms = () => performance.now() - started
  try {
    await call()
    return { code: 'ok', ms: ms() }
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? error.code : undefined, ms: ms(), error }
  }
}

t.test('each connection has a name of its own', async (t) => {
  const server = await startRedis(t)
  const { redis } = await connectRedis(t, server.section())
  await redis.connect('events').attempted
  const client = await server.client()
  const names = String(await client.client('LIST')).match(/gantry:\S+/g)
  t.strictSame(names?.sort(), ['gantry:commands', 'gantry:events'])
})

t.test('user, password, database and prefix are those of the section', async (t) => {
  const server = await startRedis(t, { password: 'for the default user' })
  const admin = await server.client()
  await admin.acl('SETUSER', 'ann', 'on', '>p@ss:w/rd', '~*', '&*', '+@all')
  const bySection = await connectRedis(t, redisSection({ port: server.port, username: 'ann', password: 'p@ss:w/rd', db: 3, keyPrefix: 'mine:' }))
  t.equal(await bySection.redis.run((commands) => commands.acl('WHOAMI')), 'ann')
  await bySection.redis.run((commands) => commands.set(`${bySection.redis.keyPrefix('health')}x`, '1'))
  await admin.select(3)
  t.strictSame(await admin.keys('*'), ['mine:gantry:1:x'])
  const byUrl = await connectRedis(t, redisSection({ url: `redis://ann:p%40ss%3Aw%2Frd@127.0.0.1:${server.port}/3`, host: 'elsewhere.invalid', port: 1, password: 'another' }))
  t.equal(await byUrl.redis.run((commands) => commands.acl('WHOAMI')), 'ann')
  t.equal(await byUrl.redis.run((commands) => commands.get('mine:gantry:1:x')), '1')
})

t.test('a Redis that is away at the start fails calls at once and is found when it comes', async (t) => {
  const server = await startRedis(t)
  await server.kill()
  const { redis, log } = await connectRedis(t, server.section())
  t.equal(redis.available, false)
  for (let call = 0; call < 20; call++) t.match(await outcome(() => ping(redis)), { code: 'MCP_STATE_UNAVAILABLE' })
  t.ok((await outcome(() => ping(redis))).ms < 100)
  t.strictSame(log.sentences(), [unreachable])
  t.match(log.lines[0], { level: 'warn', facts: { redis: `redis://127.0.0.1:${server.port}/0`, reason: /ECONNREFUSED/ } })

  await server.restart()
  await until('it is found', () => redis.available)
  t.equal(await ping(redis), 'PONG')
  t.strictSame(log.sentences(), [unreachable, connected])
})

t.test('a Redis that is killed and started again is found within five seconds, with one line for each change', async (t) => {
  const server = await startRedis(t)
  const { redis, log } = await connectRedis(t, server.section())
  await redis.connect('events').attempted
  for (let round = 1; round <= 2; round++) {
    const pending = outcome(() => redis.run((commands) => commands.blpop('nothing', 0)))
    await server.kill()
    t.match(await pending, { code: 'MCP_STATE_UNAVAILABLE' }, 'a call on its way ends')
    for (let call = 0; call < 50; call++) t.equal((await outcome(() => ping(redis))).code, 'MCP_STATE_UNAVAILABLE')
    const { ms } = await outcome(() => ping(redis))
    t.ok(ms < 100, `a call fails in ${ms} ms`)

    await server.restart()
    const started = performance.now()
    await until('it is found', () => redis.available)
    t.ok(performance.now() - started < 5_000)
    t.equal(await ping(redis), 'PONG')
  }
  t.strictSame(log.sentences(), [connected, lost, back, lost, back])
  t.match(log.lines[2], { level: 'info', facts: { awayMs: Number } })
})

t.test('calls to a Redis that hangs end within the command timeout, later ones at once, and none after it goes on', async (t) => {
  const server = await startRedis(t)
  const { redis, log } = await connectRedis(t, server.section({ commandTimeout: 300 }))
  const sessions = createSessionRedis({ redis, ...limits })
  const one = record()
  await sessions.create(one)
  server.pause()
  t.teardown(() => { server.resume() })
  const calls = await Promise.all(Array.from({ length: 50 }, () => outcome(async () => sessions.get(one.id))))
  t.ok(calls.every(({ code }) => code === 'MCP_STATE_UNAVAILABLE'))
  const slowest = Math.max(...calls.map(({ ms }) => ms))
  t.ok(slowest >= 250 && slowest < 600, `the slowest took ${slowest} ms`)
  await until('the connection is given up', () => !redis.available)
  const after = await outcome(async () => sessions.get(one.id))
  t.match(after, { code: 'MCP_STATE_UNAVAILABLE' })
  t.ok(after.ms < 100, `it took ${after.ms} ms`)

  server.resume()
  const started = performance.now()
  await until('it is found again', () => redis.available)
  t.ok(performance.now() - started < 5_000)
  t.ok(await sessions.get(one.id), 'the session is still there')
  t.strictSame(log.sentences(), [connected, lost, back])
})

t.test('a Redis that hangs is noticed when nobody asks anything, too', async (t) => {
  const server = await startRedis(t)
  const { redis, log } = await connectRedis(t, server.section({ commandTimeout: 100 }))
  server.pause()
  t.teardown(() => { server.resume() })
  await until('the heartbeat finds out', () => !redis.available)
  t.strictSame(log.sentences(), [connected, lost])
})

t.test('closing takes its limit and no longer, whatever Redis does', async (t) => {
  const server = await startRedis(t)
  const fine = await connectRedis(t, server.section())
  await fine.redis.connect('events').attempted
  t.ok((await outcome(() => fine.redis.close())).ms < 400, 'with a Redis that answers')
  const client = await server.client()
  await until('its connections are gone', async () => !/gantry:/.test(String(await client.client('LIST'))))
  t.match(await outcome(() => ping(fine.redis)), { code: 'MCP_STATE_UNAVAILABLE' })
  t.throws(() => fine.redis.connect('events'), { code: 'MCP_STATE_UNAVAILABLE' })
  t.strictSame(fine.log.sentences(), [connected], 'an end that was asked for is no loss')

  const hanging = await connectRedis(t, server.section())
  await hanging.redis.connect('events').attempted
  server.pause()
  t.teardown(() => { server.resume() })
  const { ms } = await outcome(() => hanging.redis.close())
  t.ok(ms < 1_000, `with one that hangs: ${ms} ms`)
  server.resume()

  await server.kill()
  const away = await connectRedis(t, server.section())
  t.ok((await outcome(() => away.redis.close())).ms < 100, 'with one that is away')
})

for (const fault of ['kill', 'pause'] as const) {
  t.test(`after closing, nothing goes on in the background: the process can end (${fault})`, async (t) => {
    const server = await startRedis(t)
    const program = run(t, [fromSources, '--input-type=module', '-e', `
      import { openRedis } from './src/stores/redis-client.ts'
      import { redisSettings } from './src/stores/redis-settings.ts'
      const nothing = () => {}
      const logger = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing }
      const redis = await openRedis({ settings: redisSettings(${JSON.stringify(server.section())}), logger, clock: Date })
      await redis.connect('events').attempted
      console.log('open')
      process.stdin.once('data', async () => {
        process.stdin.destroy()
        await redis.close()
        console.log('closed')
      })
    `])
    await program.line(/^open$/)
    await server[fault]()
    program.write('go\n')
    await program.line(/^closed$/)
    t.match(await program.exited, { code: 0 })
    server.resume()
  })
}

t.test('an address where nobody answers at all does not hold up the start', async (t) => {
  const { port } = await listener(t, () => {})
  const { ms, code } = await outcome(async () => {
    const { redis } = await connectRedis(t, redisSection({ port, commandTimeout: 60_000 }))
    await ping(redis)
  })
  t.equal(code, 'MCP_STATE_UNAVAILABLE')
  t.ok(ms < 3_000, `${ms} ms`)
})

t.test('commands that Redis refuses are told once a minute, not once a request', async (t) => {
  const server = await startRedis(t)
  const admin = await server.client()
  const { redis, log } = await connectRedis(t, server.section())
  const sessions = createSessionRedis({ redis, ...limits })
  const one = record()
  await sessions.create(one)
  await admin.config('SET', 'maxmemory', '1')
  for (let call = 0; call < 20; call++) await t.rejects(async () => sessions.create(record()), { code: 'MCP_STATE_UNAVAILABLE', cause: { message: /OOM/ } })
  t.strictSame(log.sentences(), [connected, refuses])
  t.match(log.lines[1], { level: 'warn', facts: { reason: /^OOM/ } })
  await admin.config('SET', 'maxmemory', '0')
  t.equal(await sessions.create(record()), true, 'and work again when that is mended')
})

t.test('a Redis that became a replica is left for the one that its name leads to now, but not with every call', async (t) => {
  const [server, primary] = [await startRedis(t), await startRedis(t)]
  const admin = await server.client()
  const { redis, log } = await connectRedis(t, server.section())
  const sessions = createSessionRedis({ redis, ...limits })
  await admin.replicaof('127.0.0.1', primary.port)
  for (let call = 0; call < 20; call++) await t.rejects(async () => sessions.create(record()), { code: 'MCP_STATE_UNAVAILABLE' })
  await admin.replicaof('NO', 'ONE')
  await until('it is found again', () => log.sentences().includes(back))
  t.equal(await sessions.create(record()), true)
  t.strictSame(log.sentences().filter((sentence) => sentence !== refuses), [connected, lost, back])
})

t.test('what is wrong in our own code is not taken for a fault of Redis', async (t) => {
  const server = await startRedis(t)
  const { redis, log } = await connectRedis(t, server.section())
  await t.rejects(redis.run(async () => { throw new TypeError('ours') }), { message: 'ours' })
  t.strictSame(log.sentences(), [connected])
})

const secret = 'hunter2-Geheim'

t.test('a password that Redis does not take is said without the password', async (t) => {
  const server = await startRedis(t, { password: 'the right one' })
  for (const section of [{ password: secret }, { username: 'ann', password: secret }, { url: `redis://ann:${secret}@127.0.0.1:${server.port}` }]) {
    const { redis, log } = await connectRedis(t, redisSection({ port: server.port, ...section }))
    const { code, error } = await outcome(() => ping(redis))
    t.equal(code, 'MCP_STATE_UNAVAILABLE')
    t.match(log.lines, [{ facts: { reason: /WRONGPASS/ }, sentence: unreachable }])
    t.notMatch(`${log.text()} ${inspect(error, { depth: 20, showHidden: true })}`, new RegExp(secret, 'i'))
  }
})

t.test('a missing password is said', async (t) => {
  const server = await startRedis(t, { password: secret })
  const { redis, log } = await connectRedis(t, redisSection({ port: server.port }))
  t.match(await outcome(() => ping(redis)), { code: 'MCP_STATE_UNAVAILABLE' })
  t.match(log.lines, [{ facts: { reason: /NOAUTH/ } }])
})

t.test('a peer that answers with the arguments it was sent does not bring the password into a log', async (t) => {
  const { port } = await listener(t, (socket) => {
    socket.on('data', (data) => {
      for (const command of data.toString().split(/^\*\d+\r\n/m).slice(1)) socket.write(`-ERR unknown command, with args beginning with: ${command.replaceAll('\r\n', ' ')}\r\n`)
    })
  })
  const { redis, log } = await connectRedis(t, redisSection({ port, password: secret }))
  const { code, error } = await outcome(() => ping(redis))
  t.equal(code, 'MCP_STATE_UNAVAILABLE')
  t.match(log.lines, [{ facts: { reason: /with args beginning with.*\[redacted\]/ } }])
  t.notMatch(`${log.text()} ${inspect(error, { depth: 20, showHidden: true })}`, new RegExp(secret, 'i'))
})

for (const [name, section] of [['rediss:', { url: `rediss://:${secret}@127.0.0.1` }], ['"tls"', { tls: true, password: secret }], ['"tls" beside a redis: URL', { tls: true, url: `redis://:${secret}@127.0.0.1` }]] as const) {
  t.test(`with ${name} nothing is sent in the clear`, async (t) => {
    const seen: Buffer[] = []
    const { port } = await listener(t, (socket) => { socket.on('data', (data: Buffer) => { seen.push(data); socket.destroy() }) })
    const { redis } = await connectRedis(t, redisSection({ port, ...section }))
    t.equal(redis.address, `rediss://127.0.0.1:${port}/0`)
    const [first] = seen
    // RFC 8446 section 5.1: a handshake record, then its version.
    t.strictSame([first?.[0], first?.[1]], [0x16, 0x03])
    t.notMatch(Buffer.concat(seen).toString('latin1'), new RegExp(secret))
  })
}

t.test('a URL that is none is refused without being shown', async (t) => {
  const port = await freePort()
  const { error } = await outcome(async () => connectRedis(t, redisSection({ port, url: `http://:${secret}@127.0.0.1` })))
  t.match(error, { message: /^"redis\.url" cannot be used/ })
  t.notMatch(inspect(error, { depth: 20 }), new RegExp(secret))
})

/** A peer that is no Redis. */
async function listener (t: Test, serve: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    serve(socket)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port }
}
