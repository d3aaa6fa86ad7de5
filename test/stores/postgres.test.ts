import t from 'tap'
import type { Statement } from '../../src/core/database.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { openDatabase, startPostgres } from '../helpers/postgres.ts'
import { until } from '../helpers/waiting.ts'

const server = await startPostgres(t, { settings: { log_statement: 'all' } })
await server.sql('CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL); CREATE SEQUENCE counter')
const { database } = openDatabase(t, server.section())

const prepare = (text: string, more: Partial<Statement> = {}) => database.prepare({ text, readOnly: true, maxRows: 1000, ...more })
const read = async (text: string, values: readonly unknown[] = [], more: Partial<Statement> = {}) => await prepare(text, more)(values)
const write = async (text: string, values: readonly unknown[] = []) => await read(text, values, { readOnly: false })
const count = async () => (await server.sql('SELECT count(*)::int AS n FROM items'))[0]?.['n']
/** The server's own view of who is connected. */
const activity = async () => await server.sql("SELECT state, query FROM pg_stat_activity WHERE application_name = 'gantry:test'")

t.test('values come back as JSON has them, none of them changed', async (t) => {
  const columns: readonly (readonly [string, unknown])[] = [
    ['1::int2', 1], ['(-2147483648)::int4', -2147483648], ['9007199254740991::int8', 9007199254740991], ['9007199254740993::int8', '9007199254740993'],
    ['0.1::numeric', '0.1'], ['123456789012345678901234567890.12::numeric', '123456789012345678901234567890.12'], ['1.5::float8', 1.5], ["'NaN'::float8", 'NaN'], ["'-Infinity'::float4", '-Infinity'],
    ['true', true], ['false', false], ['NULL::text', null], ["'é\"\\'", 'é"\\'], ["'2026-01-31'::date", '2026-01-31'],
    ["'2026-01-31 12:00:00.123456+02'::timestamptz AT TIME ZONE 'UTC'", '2026-01-31T10:00:00.123456'], ["'2026-01-31 12:00:00+00'::timestamptz", /^2026-01-31T1?\d:\d\d:00(?:Z|[+-]\d\d:\d\d)$/],
    ["'infinity'::timestamptz", 'infinity'], ["'1 day 2 hours'::interval", 'P1DT2H'], ["'\\x00ff'::bytea", 'AP8='], ["'{\"a\": [1, null]}'::jsonb", { a: [1, null] }], ["'7'::json", 7],
    ['ARRAY[1,NULL,3]', [1, null, 3]], ["ARRAY['a,b','\"','\\','NULL',NULL,'']", ['a,b', '"', '\\', 'NULL', null, '']], ["'[0:1]={1,2}'::int[]", [1, 2]], ['ARRAY[[1,2],[3,4]]', [[1, 2], [3, 4]]], ["'{}'::text[]", []],
    ['ARRAY[9007199254740993]', ['9007199254740993']], ["ARRAY['{\"a\":1}'::jsonb]", [{ a: 1 }]], ["'00000000-0000-0000-0000-000000000001'::uuid", '00000000-0000-0000-0000-000000000001'], ['int4range(1,5)', '[1,5)']
  ]
  const { rows: [row] } = await read(`SELECT ${columns.map(([sql], index) => `${sql} AS c${index}`).join(', ')}`)
  for (const [index, [sql, value]] of columns.entries()) t.match(row?.[`c${index}`], value as never, sql)
  for (const [index, [sql, value]] of columns.entries()) if (!(value instanceof RegExp)) t.strictSame(row?.[`c${index}`], value, sql)
})

t.test('values that are bound arrive as they are, whatever is in them', async (t) => {
  const hostile = "'; DROP TABLE items; COMMIT; --$1 \\ \" \n\u{1f600}"
  t.strictSame((await read('SELECT $1::text AS a, $2::jsonb AS b, $3::text[] AS c, $4::bool AS d, $5::int8 AS e, $6::numeric AS f, $7::bytea AS g, $8::timestamptz = $9::timestamptz AS h', [
    hostile, { a: hostile }, [hostile, null, 'NULL', '{}'], true, 12345678901234567890n % (2n ** 53n), 0.1, Buffer.from([0, 255]), new Date(0), '1970-01-01T00:00:00Z'
  ])).rows, [{ a: hostile, b: { a: hostile }, c: [hostile, null, 'NULL', '{}'], d: true, e: Number(12345678901234567890n % (2n ** 53n)), f: '0.1', g: 'AP8=', h: true }])
  t.strictSame((await read('SELECT array_length($1::int[], 1) AS n, $2::text IS NULL AS missing', [[[1, 2], [3, 4]], undefined])).rows, [{ n: 2, missing: true }])
  await t.rejects(read('SELECT $1::text', [() => 1]), { name: 'TypeError' })
  await t.rejects(read('SELECT $1::text', ['a\0b']), { message: /SQLSTATE 22021/ })
  t.strictSame((await read('SELECT 1 AS one')).rows, [{ one: 1 }], 'the connection is none the worse')
})

t.test('what only reads cannot write, by no way that one statement has', async (t) => {
  await server.sql(`CREATE FUNCTION sneak () RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO items VALUES (1, 'sneaked'); RETURN 1; END $$;
    CREATE FUNCTION unlock () RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('transaction_read_only', 'off', false); INSERT INTO items VALUES (2, 'unlocked'); RETURN 1; END $$;
    CREATE PROCEDURE leave () LANGUAGE plpgsql AS $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO items VALUES (3, 'left'); COMMIT; END $$`)
  for (const statement of [
    "INSERT INTO items VALUES (1, 'x')", "WITH x AS (INSERT INTO items VALUES (1, 'x') RETURNING id) SELECT * FROM x", 'SELECT sneak()', 'SELECT unlock()', 'CALL leave()', "SELECT nextval('counter')",
    "SELECT set_config('transaction_read_only', 'off', false)", "DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO items VALUES (4, 'x'); END $$", 'CREATE TABLE other (id int)', "EXPLAIN ANALYZE INSERT INTO items VALUES (1, 'x')",
    "SELECT 1; INSERT INTO items VALUES (1, 'x')", "COMMIT; INSERT INTO items VALUES (1, 'x')", "ROLLBACK; BEGIN; INSERT INTO items VALUES (1, 'x'); COMMIT"
  ]) await t.rejects(read(statement), { message: /SQLSTATE (25006|25001|2D000|42601)\)/ }, statement)
  // A statement that ends the transaction is the last one of it.
  for (const statement of ['COMMIT', 'SET TRANSACTION READ WRITE', 'SET default_transaction_read_only = off']) await read(statement).catch(() => {})
  await t.rejects(read("INSERT INTO items VALUES (1, 'x')"), { message: /SQLSTATE 25006/ })
  t.equal(await count(), 0)
})

t.test('what a statement that only reads sets is gone when it ends', async (t) => {
  t.strictSame((await read("SELECT set_config('app.who', 'me', false) AS who")).rows, [{ who: 'me' }])
  t.strictSame((await read("SELECT coalesce(current_setting('app.who', true), '') AS who")).rows, [{ who: '' }])
})

t.test('what writes is kept, and told how much it was', async (t) => {
  t.match(await write("INSERT INTO items VALUES (10, 'a'), (11, 'b') RETURNING id"), { rows: [{ id: 10 }, { id: 11 }], rowCount: 2 })
  t.match(await write('UPDATE items SET name = $1', ['c']), { rows: [], rowCount: 2 })
  t.match(await database.query('DELETE FROM items WHERE id = $1', [10]), { rows: [], rowCount: 1 })
  await t.rejects(write("INSERT INTO items VALUES (11, 'x')"), { data: { sqlState: '23505' }, message: 'The database "main" refused the statement: duplicate key value violates unique constraint "items_pkey" (SQLSTATE 23505).' })
  t.equal(await count(), 1)
  await server.sql('DELETE FROM items')
})

t.test('rows beyond what may be are not read, and never are there silently fewer', async (t) => {
  const many = 'SELECT g FROM generate_series(1, $1::int) g'
  t.match(await read(many, [3], { maxRows: 3 }), { rows: [{ g: 1 }, { g: 2 }, { g: 3 }], rowCount: 3, truncated: false })
  t.match(await read(many, [4], { maxRows: 3 }), { rows: [{ g: 1 }, { g: 2 }, { g: 3 }], rowCount: 3, truncated: true })
  t.match(await read(many, [0], { maxRows: 3 }), { rows: [], rowCount: 0, truncated: false })
  // An infinity of rows is as quick as a few.
  t.match(await read('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r', [], { maxRows: 2 }), { rowCount: 2, truncated: true })
  await t.rejects(read("INSERT INTO items SELECT g, 'x' FROM generate_series(1, 5) g RETURNING id", [], { readOnly: false, maxRows: 4 }), { code: 'MCP_TOOL_FAILED', message: /returned more than 4 rows.*Nothing was written/ })
  t.equal(await count(), 0)
  await t.rejects(read("SELECT repeat('x', 1000000) FROM generate_series(1, 100)"), { code: 'MCP_TOOL_FAILED', message: /the answer has more than 67108864 bytes/ })
})

t.test('columns of one name are refused rather than lost', async (t) => {
  await t.rejects(read('SELECT 1 AS a, 2 AS a'), { message: /two columns of its result are called "a"/ })
  await t.rejects(read('SELECT 1 AS "__proto__"'), { message: /"__proto__"/ })
  await t.rejects(database.query('COPY items FROM STDIN', []), { message: /COPY cannot be run from here/ })
  await t.rejects(database.query('COPY (SELECT 1) TO STDOUT', []), { message: /COPY cannot be run from here/ })
  t.strictSame((await read('SELECT 1 AS a')).rows, [{ a: 1 }])
})

t.test('what the server says of its insides is for the log', async (t) => {
  await t.rejects(read('SELECT * FROM secret_plans'), { data: { sqlState: '42P01' }, message: 'The database "main" refused the statement: the server log has the reason (SQLSTATE 42P01).', cause: { message: 'relation "secret_plans" does not exist' } })
  await t.rejects(read("SELECT 'abc'::int"), { data: { sqlState: '22P02' }, message: /invalid input syntax for type integer: "abc"/ })
})

t.test('a statement whose plan the server has forgotten, or that returns something else now, is sent anew', async (t) => {
  const { database: own } = openDatabase(t, server.section({ max: 1 }))
  const all = own.prepare({ text: 'SELECT * FROM shifting', readOnly: true, maxRows: 5 })
  const add = own.prepare({ text: 'INSERT INTO shifting DEFAULT VALUES RETURNING *', readOnly: false, maxRows: 5 })
  await server.sql('CREATE TABLE shifting (a int DEFAULT 1); INSERT INTO shifting DEFAULT VALUES')
  t.strictSame((await all([])).rows, [{ a: 1 }])
  t.strictSame((await add([])).rows, [{ a: 1 }])
  await server.sql("ALTER TABLE shifting ADD COLUMN b text DEFAULT 'x'")
  t.strictSame((await all([])).rows, [{ a: 1, b: 'x' }, { a: 1, b: 'x' }])
  t.strictSame((await add([])).rows, [{ a: 1, b: 'x' }])
  await own.query('DEALLOCATE ALL', [])
  t.equal((await all([])).rowCount, 3)
  t.equal((await all([])).rowCount, 3)
})

t.test('a statement that is given up is cancelled on the server, and its connection closed', async (t) => {
  const { database: own } = openDatabase(t, server.section({ max: 1 }))
  const stop = new AbortController()
  const reason = new Error('enough')
  const sleeping = own.prepare({ text: 'SELECT pg_sleep(600)', readOnly: true, maxRows: 5 })([], { signal: stop.signal })
  const runs = async () => (await activity()).some(({ state, query }) => state === 'active' && String(query).includes('pg_sleep(600)'))
  for (let look = 0; look < 500 && !await runs(); look++);
  t.equal(await runs(), true)
  stop.abort(reason)
  t.equal(await sleeping.catch((error: unknown) => error), reason)
  await until('its place is free', () => own.counts.running === 0)
  t.equal(await runs(), false)
  t.match(own.counts, { open: 0, idle: 0, running: 0, waiting: 0 })
  t.strictSame((await own.query('SELECT 1 AS one', [])).rows, [{ one: 1 }])
  await t.rejects(own.query('SELECT pg_sleep(600)', [], { signal: AbortSignal.abort(reason) }), reason)
})

t.test('a statement that takes too long is ended by the server', async (t) => {
  const { database: own, log } = openDatabase(t, server.section({ statementTimeout: 50 }))
  await t.rejects(own.query('SELECT pg_sleep(600)', []), { code: 'MCP_TOOL_TIMEOUT', message: 'A statement on the database "main" did not finish within 50 ms.' })
  t.match(own.counts, { open: 1, idle: 1, running: 0 }, 'the connection is good')
  t.strictSame(log.sentences(), ['The database "main" is connected.'])
})

t.test('who finds all connections taken waits, not for long and not in any number', async (t) => {
  const { database: own } = openDatabase(t, server.section({ max: 1, maxQueue: 1, connectionTimeoutMillis: 500 }))
  const busy = { code: 'MCP_DATABASE_BUSY', status: 503, headers: { 'retry-after': '2' }, message: /is busy: none of its connections was free\. Nothing was done/ }
  const first = own.query('SELECT pg_sleep(0.7)', [])
  const second = own.query('SELECT 1', [])
  await t.rejects(own.query('SELECT 1', []), busy, 'one more than may wait')
  await t.rejects(second, busy, 'one that waited in vain')
  await first
  const stop = new AbortController()
  const long = own.query('SELECT pg_sleep(600)', [], { signal: stop.signal })
  const gone = own.query('SELECT 1', [], { signal: stop.signal })
  t.equal(own.counts.waiting, 1)
  stop.abort(new Error('gone'))
  await t.rejects(gone, { message: 'gone' })
  await t.rejects(long, { message: 'gone' })
  t.equal(own.counts.waiting, 0)
  t.match(await own.query('SELECT 1 AS a', []), { rows: [{ a: 1 }] })
})

t.test('many statements at once share the connections, and each gets its own answer', async (t) => {
  const { database: own } = openDatabase(t, server.section({ max: 5, maxQueue: 1000 }))
  const run = own.prepare({ text: 'SELECT $1::int AS n', readOnly: true, maxRows: 5 })
  const answers = await Promise.all(Array.from({ length: 300 }, async (_each, n) => (await run([n])).rows[0]?.['n']))
  t.strictSame(answers, Array.from({ length: 300 }, (_each, n) => n))
  t.ok(own.counts.open <= 5)
})

t.test('closing waits for what runs, not for long, and nothing is begun afterwards', async (t) => {
  const { database: own } = openDatabase(t, server.section())
  await own.ping()
  const short = own.query('SELECT pg_sleep(0.1), 1 AS a', [])
  const long = own.query('SELECT pg_sleep(600)', []).catch((error: unknown) => error)
  const begun = Date.now()
  await own.close()
  t.ok(Date.now() - begun < 3_000)
  t.match(await short, { rows: [{ a: 1 }] })
  t.match(await long, { code: 'MCP_DATABASE_UNAVAILABLE' })
  await t.rejects(own.ping(), { code: 'MCP_DATABASE_UNAVAILABLE' })
})

t.test('a password is sent, over TLS to the one whose certificate is trusted, and stands in no error', async (t) => {
  const guarded = await startPostgres(t, { password: 'hunter2-Ü', tls: makeCertificate(t) })
  const { database: lax, log } = openDatabase(t, { ...guarded.section(), url: `${guarded.url}?sslmode=no-verify`, host: 'ignored' })
  t.strictSame((await lax.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', [])).rows, [{ ssl: true }])
  const stop = new AbortController()
  const sleeping = lax.query('SELECT pg_sleep(600)', [], { signal: stop.signal })
  setTimeout(() => { stop.abort(new Error('enough')) }, 50)
  await t.rejects(sleeping, { message: 'enough' })
  await until('it is cancelled over TLS, too', () => lax.counts.running === 0)
  t.strictSame(await guarded.sql("SELECT query FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"), [])

  const { database: strict, log: strictLog } = openDatabase(t, guarded.section({ ssl: 'verify-full' }))
  await t.rejects(strict.ping(), { code: 'MCP_DATABASE_UNAVAILABLE' })
  t.match(strictLog.lines, [{ level: 'warn', facts: { reason: /self-signed certificate/ }, sentence: 'The database "main" cannot be reached: what needs it fails until it is there.' }])
  const { database: wrong, log: wrongLog } = openDatabase(t, guarded.section({ ssl: 'no-verify', password: 'hunter3' }))
  const error: unknown = await wrong.ping().catch((error: unknown) => error)
  t.match(error, { code: 'MCP_DATABASE_UNAVAILABLE' })
  t.match(wrongLog.lines, [{ facts: { reason: /password authentication failed/ } }])
  t.notMatch(log.text() + wrongLog.text(), /hunter[23]/)
})
