import t from 'tap'
import type { Database } from '../../src/core/database.ts'
import { startNetwork } from '../helpers/network.ts'
import { openDatabase, startPostgres } from '../helpers/postgres.ts'
import { until } from '../helpers/waiting.ts'

/** What the caller of one statement saw, and after how long. */
interface Seen { answer: unknown, ms: number }

const unavailable = { code: 'MCP_DATABASE_UNAVAILABLE', status: 503, headers: { 'retry-after': '2' } }
const lines = { lost: 'The database "main" is lost: what needs it fails until it is back.', back: 'The database "main" is back.', connected: 'The database "main" is connected.', never: 'The database "main" cannot be reached: what needs it fails until it is there.' }

async function ask (database: Database, text = 'SELECT 1 AS one'): Promise<Seen> {
  const begun = Date.now()
  const answer = await database.query(text, []).then(({ rows }) => rows, (error: unknown) => error)
  return { answer, ms: Date.now() - begun }
}

const askMany = async (database: Database, count: number): Promise<Seen[]> => await Promise.all(Array.from({ length: count }, async () => await ask(database)))

/** Asks until there is an answer. Resolves with the time that took. */
async function recovered (database: Database): Promise<number> {
  const begun = Date.now()
  while (Date.now() - begun < 10_000) if (Array.isArray((await ask(database)).answer)) return Date.now() - begun
  throw new Error('It was not found again.')
}

const server = await startPostgres(t, { settings: { max_connections: 10, superuser_reserved_connections: 1 } })

t.test('killed, stopped and restarted: calls fail at once while it is away, and work when it is back', async (t) => {
  const { database, log } = openDatabase(t, server.section({ max: 4 }))
  t.equal(database.available, true, 'nothing is known yet')
  t.match(await askMany(database, 8), Array.from({ length: 8 }, () => ({ answer: [{ one: 1 }] })))
  for (const end of [() => server.kill(), () => server.stop()]) {
    const running = [ask(database, 'SELECT pg_sleep(600)'), ask(database, 'SELECT pg_sleep(600)')]
    const sleeping = async () => (await server.sql("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'")).length
    for (let look = 0; look < 500 && await sleeping() < 2; look++);
    t.equal(await sleeping(), 2)
    await end()
    for (const seen of await Promise.all(running)) t.match(seen, { answer: { ...unavailable, message: /may have been carried out, or not/ } })
    for (const { answer, ms } of await askMany(database, 50)) {
      t.match(answer, { ...unavailable, message: /Nothing was done/ })
      t.ok(ms < 1_000)
    }
    t.match([database.available, database.counts], [false, { open: 0, running: 0, waiting: 0 }])
    await server.restart()
    t.ok(await recovered(database) < 5_000)
    t.equal(database.available, true)
  }
  t.strictSame(log.sentences(), [lines.connected, lines.lost, lines.back, lines.lost, lines.back], 'one line a transition, none a call')
})

t.test('paused in the middle of everything: calls end within their time, and all is well afterwards', async (t) => {
  const { database, log } = openDatabase(t, server.section({ max: 4, maxQueue: 20, statementTimeout: 200, connectionTimeoutMillis: 300 }))
  await askMany(database, 2)
  server.pause()
  t.teardown(() => { server.resume() })
  const seen = await askMany(database, 40)
  for (const { answer, ms } of seen) {
    t.match(answer, { code: /^MCP_(?:TOOL_TIMEOUT|DATABASE_BUSY|DATABASE_UNAVAILABLE)$/ })
    t.ok(ms < 200 + 500 + 300 + 200, `${ms} ms`)
  }
  t.equal(seen.filter(({ ms }) => ms < 100).length, 40 - 4 - 20, 'those that find the queue full do not wait')
  t.equal(database.available, false)
  server.resume()
  t.ok(await recovered(database) < 5_000)
  await until('no place is lost', () => database.counts.running === 0)
  t.strictSame(log.sentences(), [lines.connected, lines.lost, lines.back])
})

t.test('cut off by the network, silently or not: calls end within their time, and all is well afterwards', async (t) => {
  const network = await startNetwork(t, server.port)
  const { database, log } = openDatabase(t, server.section({ port: network.port, max: 2, statementTimeout: 200, connectionTimeoutMillis: 300 }))
  for (const cut of [() => { network.drop() }, () => { network.reset() }]) {
    await askMany(database, 2)
    cut()
    for (const { answer, ms } of await askMany(database, 10)) {
      t.match(answer, { code: /^MCP_(?:TOOL_TIMEOUT|DATABASE_BUSY|DATABASE_UNAVAILABLE)$/ })
      t.ok(ms < 2_500, `${ms} ms`)
    }
    t.equal(database.available, false)
    network.mend()
    t.ok(await recovered(database) < 5_000)
    await until('no place is lost', () => database.counts.running === 0)
  }
  t.strictSame(log.sentences(), [lines.connected, lines.lost, lines.back, lines.lost, lines.back])
})

t.test('what was written when the connection is lost is written wholly or not at all', async (t) => {
  const { database } = openDatabase(t, server.section())
  await server.sql('CREATE TABLE pairs (id int PRIMARY KEY)')
  const pair = database.prepare({ text: 'INSERT INTO pairs SELECT $1 * 2 + g FROM generate_series(0, 1) g, pg_sleep(0.02)', readOnly: false, maxRows: 1 })
  const outcomes: string[] = []
  const load = Promise.all(Array.from({ length: 10 }, async (_each, worker) => {
    for (let n = 0; n < 20; n++) outcomes.push(await pair([worker * 100 + n]).then(() => 'written', ({ message }: Error) => /Nothing was done/.test(message) ? 'nothing' : 'unknown'))
  }))
  await until('some are written', () => outcomes.length > 20)
  await server.kill()
  await load
  await server.restart()
  const tally = (what: string): number => outcomes.filter((outcome) => outcome === what).length
  const [{ n, odd } = {}] = await server.sql('SELECT count(*)::int AS n, sum(id % 2)::int AS odd FROM pairs')
  t.equal(Number(n), 2 * Number(odd), 'no half of a pair')
  t.ok(Number(odd) >= tally('written'), 'all of which was said that it is written')
  t.ok(Number(odd) <= tally('written') + tally('unknown'), 'nothing of which was said that it was not done')
  t.ok(tally('nothing') > 0)
})

t.test('when the connection is lost while a statement is being committed, nobody is told that nothing was done', async (t) => {
  const { database } = openDatabase(t, server.section())
  await server.sql(`CREATE TABLE slow (id int); CREATE FUNCTION hold () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()`)
  const lost = database.prepare({ text: 'INSERT INTO slow VALUES (1)', readOnly: false, maxRows: 1 })([]).catch((error: unknown) => error)
  const committing = async () => (await server.sql("SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'")).length
  for (let look = 0; look < 500 && await committing() < 1; look++);
  await server.kill()
  t.match(await lost, { ...unavailable, message: /may have been carried out, or not/ })
  await server.restart()
})

t.test('more connections than the server takes: what has none is busy, the others work, and it is said once', async (t) => {
  const { database, log } = openDatabase(t, server.section({ max: 30 }))
  await ask(database)
  const seen = await Promise.all(Array.from({ length: 30 }, async () => await ask(database, 'SELECT pg_sleep(0.2)')))
  t.ok(seen.some(({ answer }) => Array.isArray(answer)))
  t.match(seen.find(({ answer }) => !Array.isArray(answer)), { answer: { code: 'MCP_DATABASE_BUSY' } })
  t.equal(database.available, true)
  t.match((await ask(database)).answer, [{ one: 1 }])
  t.strictSame(log.sentences(), [lines.connected, 'The database "main" takes no further connections.'])
})

t.test('a server that is not there when Gantry starts is found when it is', async (t) => {
  await server.stop()
  const { database, log } = openDatabase(t, server.section())
  t.match(await ask(database), { answer: unavailable })
  t.match(await ask(database), { answer: { ...unavailable, cause: { code: 'ECONNREFUSED' } } })
  await server.restart()
  t.ok(await recovered(database) < 5_000)
  t.strictSame(log.sentences(), [lines.never, lines.connected])
})

t.test('an idle connection that is cut disturbs nobody', async (t) => {
  const { database, log } = openDatabase(t, server.section({ max: 2 }))
  await askMany(database, 2)
  await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gantry:test'")
  await until('the connections are gone', () => database.counts.open === 0)
  t.match((await ask(database)).answer, [{ one: 1 }])
  t.strictSame(log.sentences(), [lines.connected, lines.lost, lines.back])
})

t.test('a connection that the server ends with the answer to a statement is lost as any other', async (t) => {
  const { database, log } = openDatabase(t, server.section({ max: 2 }))
  t.match((await ask(database)).answer, [{ one: 1 }])
  t.match((await ask(database, 'SELECT pg_terminate_backend(pg_backend_pid())')).answer, unavailable)
  t.strictSame(log.sentences(), [lines.connected, lines.lost])
  t.match((await ask(database)).answer, [{ one: 1 }])
  t.strictSame(log.sentences(), [lines.connected, lines.lost, lines.back])
})
