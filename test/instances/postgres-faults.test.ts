import { monitorEventLoopDelay } from 'node:perf_hooks'
import t, { type Test } from 'tap'
import type { Database } from '../../src/core/database.ts'
import type { HandlerContext } from '../../src/core/ports.ts'
import { build, modern, rest, textOf, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { press, readMatrix, type Ask, type Row } from '../helpers/fault-matrix.ts'
import { createRecorder, type LogLine, type Recorder } from '../helpers/log-recorder.ts'
import { startNetwork } from '../helpers/network.ts'
import { startPostgres } from '../helpers/postgres.ts'
import { until } from '../helpers/waiting.ts'

// What becomes of each feature while its PostgreSQL fails, under load, in each way that a PostgreSQL can. Each fault makes a row, and
// docs/reliability.md has to have that row to the letter. What single statements see is in test/stores/postgres-faults.test.ts.

const connectionTimeoutMs = 600
const statementTimeoutMs = 500
/** How long a statement may take that gets no answer. */
const unansweredMs = statementTimeoutMs + 500
/** What a machine with other work to do may add to each time, beside the time in which this process did nothing at all. */
const leewayMs = 200
/** Enough for all callers, too few for those who try again while the first ones hang. */
const maxConnections = 10
const backMs = 5_000
/** One for each door. */
const clientsPerFeature = 2
const keptSeconds = 1

const server = await startPostgres(t)
await server.sql('CREATE TABLE written (id int PRIMARY KEY); CREATE ROLE caller LOGIN; GRANT ALL ON written TO caller')
const network = await startNetwork(t, server.port)
const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs }
const passTheTimeOfKept = (): void => { clock.aheadMs += keptSeconds * 1_000 + 1 }

interface Load { readonly app: GantryApp, readonly log: Recorder }

const sql = (query: string, more: JsonObject = {}): JsonObject => ({ type: 'sql', database: 'main', query, ...more })
const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
const read = sql('SELECT :n::int AS n')
const insert = (n: string): string => `INSERT INTO written VALUES (${n}) RETURNING id AS n`

async function open (health: JsonObject): Promise<Load> {
  const log = createRecorder()
  const app = await build(t, {
    databases: { main: server.section({ port: network.port, user: 'caller', max: maxConnections, connectionTimeoutMillis: connectionTimeoutMs, statementTimeout: statementTimeoutMs }) },
    tools: [
      { name: 'read', inputSchema, handler: read },
      { name: 'write', inputSchema, handler: sql(insert(':n'), { readOnly: false }) },
      { name: 'code', inputSchema },
      { name: 'kept', inputSchema, handler: read, cache: { ttl: 3_600 } },
      { name: 'stale', inputSchema, handler: read, cache: { ttl: keptSeconds, staleIfError: 3_600 } },
      { name: 'slow', inputSchema, handler: sql('SELECT :n::int AS n, pg_sleep(600)'), cache: { ttl: 3_600 }, timeout: 4 * statementTimeoutMs },
      { name: 'other', inputSchema }
    ],
    // An outcome has to stay young enough when the clock is put forward.
    health: { interval: 100, timeout: 2_000, ...health }
  }, {
    tools: {
      code: async ({ n }: JsonObject, context: HandlerContext) => ({ structuredContent: await context.db('main').query(insert('$1'), [n]) }),
      other: ({ n }: JsonObject) => ({ structuredContent: { rows: [{ n }] } })
    } as never,
    logger: log.logger as never,
    clock
  })
  return { app, log }
}

const plain = await open({})
const strict = await open({ required: ['handlers', 'database'] })
const loads = [plain, strict]

function databaseOf ({ app }: Load): Database {
  const database = app.databases.get('main')
  if (database === undefined) throw new Error('There is no such database.')
  return database
}

interface Told { readonly answer: string, readonly text: string }
/** What came of each write: its number, and what its caller was told. */
interface Write extends Told { readonly name: string, readonly n: number, readonly begunAt: number }

const writes: Write[] = []
let calls = 0

/** A tool that answers with the number that it is given: always this one, or a new one each time. By both doors in turn. */
function tool (name: string, fixed?: number): Ask {
  return async (client) => {
    const n = fixed ?? ++calls
    const begunAt = performance.now()
    const told = await (client % 2 === 0 ? callModern(name, n) : callRest(name, n))
    if (name === 'write' || name === 'code') writes.push({ ...told, name, n, begunAt })
    return told.answer
  }
}

async function callModern (name: string, n: number): Promise<Told> {
  const reply = await modern(plain.app, 'tools/call', { name, arguments: { n } })
  const text = textOf(reply)
  if (reply.message.result?.isError !== true) return { answer: served(reply.message.result ?? {}, n), text }
  return { answer: failures.find(({ words }) => words.test(text))?.answer ?? text, text }
}

async function callRest (name: string, n: number): Promise<Told> {
  const { status, headers, body, text } = await rest(plain.app, name, { n })
  if (status === 200) return { answer: served(body, n), text }
  const known = failures.find((failure) => failure.code === body['code'] && failure.status === status && failure.isRetried === ('retry-after' in headers))
  return { answer: known?.answer ?? `${status} ${text}`, text: String(body['detail']) }
}

function served ({ structuredContent, _meta }: JsonObject, n: number): string {
  const { rows: [row] } = structuredContent as { rows: { n: number }[] }
  if (row?.n !== n) return 'a wrong answer'
  return (_meta as { 'gantry/cache'?: { stale?: boolean } } | undefined)?.['gantry/cache']?.stale === true ? 'stale' : 'served'
}

const failures = [
  { answer: 'unavailable', code: 'MCP_DATABASE_UNAVAILABLE', status: 503, isRetried: true, words: /^The database "main" cannot be reached at the moment\./ },
  { answer: 'busy', code: 'MCP_DATABASE_BUSY', status: 503, isRetried: true, words: /^The database "main" is busy: / },
  { answer: 'timeout', code: 'MCP_TOOL_TIMEOUT', status: 504, isRetried: false, words: /^A statement on the database "main" did not finish within 500 ms\.$/ },
  { answer: 'refused', code: 'MCP_TOOL_FAILED', status: 500, isRetried: false, words: /^The database "main" refused the statement: cannot execute INSERT in a read-only transaction \(SQLSTATE 25006\)\.$/ }
]

const probe = ({ app }: Load): Ask => async () => {
  const replies = await Promise.all(['/health', '/health/ready'].map(async (url) => await app.inject(url)))
  return replies.map((reply) => `${reply.statusCode} ${reply.json<{ status: string }>().status}`).join(', ')
}

/** By the heads of their columns: what needs the database now, what does not, and what tells of it. */
const needing: Readonly<Record<string, Ask>> = {
  'sql tools that read': tool('read'),
  'sql tools that write': tool('write'),
  '`context.db`': tool('code'),
  'sql tools with `staleIfError`': tool('stale', 1)
}
const independent: Readonly<Record<string, Ask>> = {
  'sql tools whose result is kept': tool('kept', 1),
  'other tools': tool('other')
}
const probes: Readonly<Record<string, Ask>> = {
  '`/health`, `/health/ready`': probe(plain),
  'the same where `database` is required': probe(strict)
}
const features = { ...needing, ...independent, ...probes }
const isWell = (answer: string): boolean => answer === 'served' || answer === '200 healthy, 200 ready'

interface Fault {
  begin (): unknown
  end? (): unknown
  /** Whether the connections are given up. */
  readonly isCut: boolean
}

const setReadOnly = async (value: 'on' | 'off'): Promise<void> => {
  await server.sql(`ALTER SYSTEM SET default_transaction_read_only = ${value}`)
  await server.sql('SELECT pg_reload_conf()')
}

/** By the first cell of their rows. One without an end is over when it has begun, and is looked at from before that. */
const faults: Readonly<Record<string, Fault>> = {
  hangs: { begin: () => { server.pause() }, end: () => { server.resume() }, isCut: true },
  'is behind a network that swallows everything': { begin: () => { network.drop() }, end: () => { network.mend() }, isCut: true },
  'is behind a network that resets every connection': { begin: () => { network.reset() }, end: () => { network.mend() }, isCut: true },
  'is killed (`SIGKILL`)': { begin: () => server.kill(), end: () => server.restart(), isCut: true },
  'is shut down': { begin: () => server.stop(), end: () => server.restart(), isCut: true },
  'is restarted': {
    begin: async () => {
      await server.stop()
      passTheTimeOfKept()
      await callModern('stale', 1)
      await server.restart()
    },
    isCut: true
  },
  'takes no connections (`53300`)': {
    begin: async () => {
      await server.sql('ALTER ROLE caller CONNECTION LIMIT 0')
      await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'caller'")
      await until('all connections are gone', () => loads.every((load) => !databaseOf(load).available))
    },
    end: () => server.sql('ALTER ROLE caller CONNECTION LIMIT -1'),
    isCut: true
  },
  'only reads (`25006`)': { begin: () => setReadOnly('on'), end: () => setReadOnly('off'), isCut: false }
}

const transitions = ['The database "main" is lost: what needs it fails until it is back.', 'The database "main" is back.']
/** While it shuts down, it refuses new connections and still has old ones. */
const refusal = 'The database "main" takes no further connections.'

const matrix = readMatrix('PostgreSQL …')

t.test('the published table has a row for each fault and a column for each feature, and no other', async (t) => {
  t.strictSame([...matrix.rows.keys()], Object.keys(faults))
  t.strictSame(matrix.columns, Object.keys(features))
})

t.test('a statement that takes too long is not run again for a result that would be kept', async (t) => {
  t.match(await callModern('slow', 1), { answer: 'timeout' })
  t.equal(plain.app.cache?.counts.get('slow')?.misses, 1)
})

type Answers = ReadonlyMap<string, readonly string[]>

const isAllWell = (answers: Answers): boolean => [...answers.values()].every((seen) => seen.some(isWell))

/** What has to be seen yet: an answer of each caller, each answer of the row, and that health is told as the row says. */
function missingOf ({ cells }: Row, answers: Answers): string[] {
  const known = new Set(Object.keys(needing).flatMap((feature) => answers.get(feature) ?? []))
  return [...answers].flatMap(([feature, seen]) => {
    if (seen.length < clientsPerFeature) return [feature]
    const allowed = cells[feature] ?? []
    if (feature in needing) return allowed.filter((answer) => !known.has(answer))
    return allowed.some((answer) => seen.includes(answer)) ? [] : [feature]
  })
}

for (const [name, { begin, end, isCut }] of Object.entries(faults)) {
  t.test(`PostgreSQL ${name}: what callers see is what the table says`, async (t) => {
    const row = matrix.rows.get(name)
    if (row === undefined) throw new Error('There is no such row.')
    const { seen, answers, stop } = press(features, clientsPerFeature)
    await until('all is served', () => isAllWell(answers(0)))
    const logged = loads.map(({ log }) => log.lines.length)
    const stalls = monitorEventLoopDelay({ resolution: 5 })
    stalls.enable()

    const beginningAt = performance.now()
    await begin()
    passTheTimeOfKept()
    const begunAt = end === undefined ? beginningAt : performance.now()
    await until('all was seen that the table says', () => missingOf(row, answers(begunAt)).length === 0).catch(() => {
      t.strictSame(missingOf(row, answers(begunAt)), [], 'all was seen that the table says')
    })
    const endingAt = performance.now()

    await end?.()
    const endedAt = performance.now()
    await until('all is well again', () => isAllWell(answers(endedAt)))
    t.ok(performance.now() - endedAt < backMs, 'it is back in time')
    await stop()
    stalls.disable()

    for (const [feature, all] of answers(begunAt, endingAt)) {
      const allowed = row.cells[feature] ?? []
      // Before a check has looked, health is as it was.
      const different = new Set(feature in probes ? all.slice(all.findIndex((answer) => allowed.includes(answer))) : all)
      t.ok(different.size > 0 && [...different].every((answer) => allowed.includes(answer)), `${feature}: ${[...different].join(' or ')}`)
    }
    // Those that were under way when it happened wait, too.
    const ended = seen.filter((one) => one.endedAt >= beginningAt)
    const slowestMs = (isMeant: (feature: string) => boolean): number => Math.max(...ended.filter(({ feature }) => isMeant(feature)).map((one) => one.endedAt - one.begunAt))
    const lateMs = leewayMs + stalls.max / 1e6
    const waitedMs = slowestMs((feature) => feature in needing)
    t.equal(waitedMs > 0.8 * unansweredMs ? '`statementTimeout`' : 'none', row.wait, `the slowest took ${Math.round(waitedMs)} ms`)
    t.ok(waitedMs < connectionTimeoutMs + unansweredMs + lateMs, `${Math.round(waitedMs)} ms, with a place to wait for`)
    const othersMs = slowestMs((feature) => !(feature in needing))
    t.ok(othersMs < lateMs, `what needs no database took ${Math.round(othersMs)} ms at most`)
    for (const [index, { log }] of loads.entries()) checkLog(t, log.lines.slice(logged[index]), isCut)
    await until('no place is lost, and no connection is left behind', isAtRest)
    await checkWrites(t, begunAt, endingAt)
    t.equal(row.lost, 'nothing')
  })
}

function checkLog (t: Test, lines: readonly LogLine[], isCut: boolean): void {
  const told = lines.filter(({ level }) => level !== 'debug').map(({ sentence }) => sentence)
  t.strictSame(told.filter((sentence) => sentence.startsWith('The database') && sentence !== refusal), isCut ? transitions : [], 'one line a transition')
  t.ok(!isCut || told.length <= 3, 'none a call')
}

async function isAtRest (): Promise<boolean> {
  const counts = loads.map((load) => databaseOf(load).counts)
  const [{ n } = {}] = await server.sql("SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = 'caller'")
  return counts.every(({ running, waiting }) => running === 0 && waiting === 0) && n === counts.reduce((sum, { open }) => sum + open, 0)
}

/** What callers were told of their writes is so. */
async function checkWrites (t: Test, begunAt: number, endingAt: number): Promise<void> {
  const written = new Set((await server.sql('SELECT id FROM written')).map(({ id }) => id))
  const numbersOf = (check: (write: Write) => boolean): number[] => writes.filter(check).map(({ n }) => n)
  t.strictSame(numbersOf(({ n, answer }) => answer === 'served' && !written.has(n)), [], 'what was written is there')
  t.strictSame(numbersOf(({ n, answer, text }) => (answer === 'refused' || text.includes('Nothing was done')) && written.has(n)), [], 'what was not done is not there')
  const late = ({ name, answer, begunAt: at }: Write): boolean => name === 'write' && answer === 'timeout' && at >= begunAt && at <= endingAt
  t.strictSame(numbersOf((write) => late(write) && written.has(write.n)), [], 'a tool that was given up before its statement was carried out writes nothing later')
}
