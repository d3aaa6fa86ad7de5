import t from 'tap'
import { build, initialize, modern, openSession, post, rest, type GantryApp, type JsonObject, type Message, type SessionClient } from '../helpers/build.ts'
import { press, readMatrix, type Ask, type Seen } from '../helpers/fault-matrix.ts'
import { createRecorder, type Recorder } from '../helpers/log-recorder.ts'
import { startNetwork } from '../helpers/network.ts'
import { startRedis } from '../helpers/redis.ts'
import { until } from '../helpers/waiting.ts'

// What becomes of each feature while its Redis fails, under load, in each way that a Redis can. Each fault makes a row, and
// docs/reliability.md has to have that row to the letter.

const commandTimeoutMs = 1_000
/** What a machine with other work to do may add to each time. */
const leewayMs = 1_000
const backMs = 5_000
const clientsPerFeature = 4

const server = await startRedis(t)
const network = await startNetwork(t, server.port)
const admin = await server.client()

interface Load { readonly app: GantryApp, readonly log: Recorder }

async function open (security: JsonObject): Promise<Load> {
  const log = createRecorder()
  const app = await build(t, {
    redis: { port: network.port, commandTimeout: commandTimeoutMs },
    tools: [{ name: 'add' }, { name: 'counted' }, { name: 'kept', cache: { ttl: 60 } }, { name: 'long', task: 'required' }],
    health: { interval: 100, timeout: 200 },
    security
  }, { tools: { add: () => 'sum', counted: () => 'sum', kept: () => 'sum', long: () => 'sum' }, logger: log.logger as never })
  return { app, log }
}

const many = { window: 60_000, maxRequests: 1_000_000 }
const plain = await open({})
const limited = await open({ rateLimit: { global: many, perTool: { counted: many } } })
const call = (name: string): JsonObject => ({ name, arguments: {} })
const takesTasks = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }

interface Reply { readonly status: number, readonly headers: object, readonly message?: Message }

let session: SessionClient = await openSession(plain.app)
/** By the heads of their columns. */
const features: Readonly<Record<string, Ask>> = {
  'calls in 2025-era sessions': async () => answerOf(await session.call('tools/call', call('add'))),
  'new sessions': async () => answerOf(await post(plain.app, initialize('2025-11-25'))),
  '2026 era': async () => answerOf(await modern(plain.app, 'tools/call', call('add'))),
  REST: async () => answerOf(await rest(plain.app, 'add', {})),
  'limits that are `closed`': async () => answerOf(await modern(limited.app, 'tools/call', call('counted'))),
  'limits that are `open`': async () => answerOf(await modern(limited.app, 'tools/call', call('add'))),
  'tools with a cache': async () => answerOf(await modern(plain.app, 'tools/call', call('kept'))),
  'new tasks': async () => answerOf(await modern(plain.app, 'tools/call', call('long'), { meta: takesTasks }))
}

function answerOf ({ status, headers, message }: Reply): string {
  if (status === 503 && 'retry-after' in headers) return '503'
  if (status !== 200) return `status ${status}`
  return message?.error === undefined ? 'served' : `error ${message.error.code}`
}

interface Fault {
  begin (): unknown
  end (): unknown
  /** Whether the connections are given up. */
  readonly isCut: boolean
}

/** By the first cell of their rows. */
const faults: Readonly<Record<string, Fault>> = {
  hangs: { begin: () => { server.pause() }, end: () => { server.resume() }, isCut: true },
  'is behind a network that swallows everything': { begin: () => { network.drop() }, end: () => { network.mend() }, isCut: true },
  'is behind a network that resets every connection': { begin: () => { network.reset() }, end: () => { network.mend() }, isCut: true },
  'is full (`OOM`)': { begin: () => admin.config('SET', 'maxmemory', '1'), end: () => admin.config('SET', 'maxmemory', '0'), isCut: false },
  'has become a replica (`READONLY`)': { begin: () => admin.replicaof('127.0.0.1', '1'), end: () => admin.replicaof('NO', 'ONE'), isCut: false },
  'forbids scripts (`NOPERM`)': { begin: () => admin.acl('SETUSER', 'default', '-@scripting'), end: () => admin.acl('SETUSER', 'default', '+@scripting'), isCut: false },
  'is killed, and started again empty': { begin: () => server.kill(), end: () => server.restart(), isCut: true }
}

const matrix = readMatrix('Redis …')

t.test('the published table has a row for each fault and a column for each feature, and no other', async (t) => {
  t.strictSame([...matrix.rows.keys()], Object.keys(faults))
  t.strictSame(matrix.columns, Object.keys(features))
})

const lost = 'Redis is lost: what needs it fails until it is back.'
const refuses = 'Redis refuses commands: what needs them fails until that is mended.'

for (const [name, { begin, end, isCut }] of Object.entries(faults)) {
  t.test(`Redis ${name}: what callers see is what the table says`, async (t) => {
    const row = matrix.rows.get(name)
    if (row === undefined) throw new Error('There is no such row.')
    session = await openSession(plain.app)
    const logged = [plain, limited].map(({ log }) => log.lines.length)
    const { seen, stop } = press(features, clientsPerFeature)
    const since = (moment: number): readonly Seen[] => seen.filter(({ begunAt }) => begunAt >= moment)
    const everyFeature = (check: (feature: string) => boolean): boolean => Object.keys(features).every(check)
    await until('all is served', () => everyFeature((feature) => seen.some((one) => one.feature === feature && one.answer === 'served')))

    await begin()
    const begunAt = performance.now()
    await until('it is noticed, and every feature has been asked', () => {
      const during = since(begunAt)
      return everyFeature((feature) => during.filter((one) => one.feature === feature).length > 20) && (!isCut || [plain, limited].every(({ app }) => app.redis?.available === false))
    })
    const waiting = [plain, limited].map(({ app }) => (app.redis?.commands as unknown as { commandQueue: { length: number } }).commandQueue.length)
    const endingAt = performance.now()

    await end()
    const endedAt = performance.now()
    const good = row.lost === 'nothing' ? ['served'] : ['served', 'status 404']
    await until('all is served again', () => everyFeature((feature) => since(endedAt).some((one) => one.feature === feature && good.includes(one.answer))))
    t.ok(performance.now() - endedAt < backMs, 'it is back in time')
    await until('all connections are back', () => [plain, limited].every(({ app }) => app.redis?.available === true))
    await stop()

    const during = since(begunAt).filter((one) => one.endedAt <= endingAt)
    for (const [feature, allowed] of Object.entries(row.cells)) {
      const answers = new Set(during.filter((one) => one.feature === feature).map(({ answer }) => answer))
      t.ok(answers.size > 0 && [...answers].every((answer) => allowed.includes(answer)), `${feature}: ${[...answers].join(' or ')}`)
    }
    // Those that were under way when it happened wait, too.
    const slowestMs = Math.max(...seen.filter(({ endedAt: at }) => at >= begunAt && at <= endingAt).map((one) => one.endedAt - one.begunAt))
    t.equal(slowestMs > 0.8 * commandTimeoutMs ? '`commandTimeout`' : 'none', row.wait, `the slowest took ${Math.round(slowestMs)} ms`)
    t.ok(slowestMs < commandTimeoutMs + leewayMs)
    t.ok(Math.max(...waiting) <= clientsPerFeature * Object.keys(features).length, 'no more wait for an answer than there are callers')
    t.equal((await session.call('tools/call', call('add'))).status, row.lost === 'nothing' ? 200 : 404, `lost: ${row.lost}`)

    for (const [index, { log }] of [plain, limited].entries()) {
      const told = log.lines.slice(logged[index]).filter(({ level }) => level !== 'debug' && level !== 'info').map(({ sentence }) => sentence)
      t.ok(told.length <= 4, `${told.length} lines for ${during.length} requests`)
      t.ok(told.includes(isCut ? lost : refuses), 'it is said')
    }
  })
}
