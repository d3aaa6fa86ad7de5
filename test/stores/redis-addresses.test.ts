import t from 'tap'
import { createSessionRedis } from '../../src/stores/session-redis.ts'
import type { RedisConnections } from '../../src/stores/redis-client.ts'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { build } from '../helpers/build.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { connectRedis, redisSection, startRedis } from '../helpers/redis.ts'
import { primaryName, startSentinel } from '../helpers/sentinel.ts'
import { freePort } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { limits, record } from './session-contract.ts'

// Where a Redis is, other than at a host and a port: found by sentinels, and behind TLS.

const connected = 'Redis is connected.'
const unreachable = 'Redis cannot be reached: what needs it fails until it is there.'
const lost = 'Redis is lost: what needs it fails until it is back.'
const back = 'Redis is back.'

const ping = async (redis: RedisConnections): Promise<string> => await redis.run(async (commands) => await commands.ping())
const bySentinels = (ports: readonly number[], more: Partial<RedisSection> = {}): RedisSection => redisSection({ sentinels: ports.map((port) => ({ host: '127.0.0.1', port })), name: primaryName, ...more })

t.test('sentinels lead to the primary, and to the next one when it dies: within seconds, with what was replicated', async (t) => {
  const password = 'for all of them'
  const primary = await startRedis(t, { password, args: ['--masterauth', password, '--repl-diskless-sync-delay', '0'] })
  const replica = await startRedis(t, { password, args: ['--masterauth', password, '--replicaof', '127.0.0.1', String(primary.port)] })
  const admin = await primary.client()
  t.equal(await admin.wait(1, 10_000), 1, 'the replica follows')
  const sentinel = await startSentinel(t, { primary: primary.port, lines: ['requirepass sentinels-have-their-own', `sentinel auth-pass ${primaryName} "${password}"`] })
  await sentinel.knowsReplica()

  // One of the sentinels is away.
  const nobody = await freePort()
  const { redis, log } = await connectRedis(t, bySentinels([nobody, sentinel.port], { password, sentinelPassword: 'sentinels-have-their-own' }))
  t.equal(redis.address, `redis-sentinel://127.0.0.1:${nobody},127.0.0.1:${sentinel.port}/0#${primaryName}`)
  await redis.connect('events').attempted
  const sessions = createSessionRedis({ redis, ...limits })
  const one = record()
  t.equal(await sessions.create(one), true)
  await admin.set('after it', '1')
  t.equal(await admin.wait(1, 10_000), 1, 'the replica has it')

  await primary.kill()
  await t.rejects(async () => sessions.get(one.id), { code: 'MCP_STATE_UNAVAILABLE' })
  const started = performance.now()
  await until('the next primary is found', () => redis.available)
  t.comment(`${Math.round(performance.now() - started)} ms, of which sentinel waits 500`)
  t.ok(await sessions.get(one.id), 'the session is still there')
  t.equal(await sessions.create(record()), true)
  t.match(await (await replica.client()).role(), ['master'])
  t.strictSame(log.sentences(), [connected, lost, back])
})

t.test('without a sentinel that answers, the start goes on, and what is there later is found', async (t) => {
  const server = await startRedis(t)
  const port = await freePort()
  const started = performance.now()
  const { redis, log } = await connectRedis(t, bySentinels([await freePort(), port], { sentinelPassword: 'hunter2-Geheim' }))
  t.ok(performance.now() - started < 2_500)
  await t.rejects(ping(redis), { code: 'MCP_STATE_UNAVAILABLE' })
  await startSentinel(t, { primary: server.port, port, lines: ['requirepass hunter2-Geheim'] })
  await until('it is found', () => redis.available)
  t.equal(await ping(redis), 'PONG')
  t.strictSame(log.sentences(), [unreachable, connected])
  t.match(log.lines[0], { facts: { reason: /All sentinels are unreachable/ } })
})

t.test('sentinels that do not know the name, or are someone else, are said', async (t) => {
  const server = await startRedis(t)
  const sentinel = await startSentinel(t, { primary: server.port })
  for (const [what, section] of [['the name', bySentinels([sentinel.port], { name: 'another' })], ['no sentinel', bySentinels([server.port])]] as const) {
    const { redis, log } = await connectRedis(t, section)
    await t.rejects(ping(redis), { code: 'MCP_STATE_UNAVAILABLE' }, what)
    t.match(log.lines, [{ sentence: unreachable, facts: { reason: /All sentinels are unreachable/ } }], what)
  }
})

t.test('closing does not wait for sentinels', async (t) => {
  const { redis } = await connectRedis(t, bySentinels([await freePort()]))
  const started = performance.now()
  await redis.close()
  t.ok(performance.now() - started < 200)
})

t.test('with TLS, certificates are those of the files, and are checked', async (t) => {
  const { certFile, keyFile } = makeCertificate(t)
  const [tlsPort, strange] = [await freePort(), makeCertificate(t)]
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile]
  await startRedis(t, { args: [...files, '--tls-port', String(tlsPort), '--tls-auth-clients', 'yes'] })
  const ours = { ca: certFile, cert: certFile, key: keyFile }
  const open = async (tlsOptions: RedisSection['tlsOptions'], more: Partial<RedisSection> = { tls: true, port: tlsPort }) => await connectRedis(t, redisSection({ ...more, ...(tlsOptions !== undefined && { tlsOptions }) }))

  const { redis, log } = await open(ours)
  t.equal(await ping(redis), 'PONG')
  t.equal(redis.address, `rediss://127.0.0.1:${tlsPort}/0`)
  t.strictSame(log.sentences(), [connected])
  t.equal(await ping((await open(ours, { url: `rediss://127.0.0.1:${tlsPort}` })).redis), 'PONG')

  const refused: readonly (readonly [what: string, options: RedisSection['tlsOptions'], reason: RegExp])[] = [
    ['an authority that nobody named', undefined, /self-signed certificate/],
    ['another authority', { ...ours, ca: strange.certFile }, /self-signed certificate/],
    ['another name', { ...ours, servername: 'redis.example' }, /not in the cert|does not match/],
    ['no certificate of ours', { ca: certFile }, /./]
  ]
  for (const [what, options, reason] of refused) {
    const refusal = await open(options)
    await t.rejects(ping(refusal.redis), { code: 'MCP_STATE_UNAVAILABLE' }, what)
    t.match(refusal.log.lines[0], { sentence: unreachable, facts: { reason } }, what)
  }

  const sentinel = await startSentinel(t, { primary: tlsPort, tls: true, lines: [...files.join(' ').split(/ ?--/).slice(1), 'tls-auth-clients no', 'tls-replication yes'] })
  const found = await open(ours, bySentinels([sentinel.port], { tls: true }))
  t.equal(await ping(found.redis), 'PONG', 'sentinels speak TLS, too')
  t.match(found.redis.address, /^rediss-sentinel:/)
})

t.test('a file that is not there, or is none, stops the start with its name', async (t) => {
  const folder = t.testdir({ 'ca.pem': 'not in PEM' })
  const open = async (ca: string) => await build(t, { redis: { tls: true, tlsOptions: { ca } } }, { baseDir: folder })
  await t.rejects(open('nowhere.pem'), { code: 'MCP_REFERENCED_FILE', message: /nowhere\.pem" of "redis\.tlsOptions\.ca" cannot be read: ENOENT/ })
  await t.rejects(open('ca.pem'), { code: 'MCP_REFERENCED_FILE', message: /ca\.pem" of "redis\.tlsOptions\.ca" is not in PEM/ })
})
