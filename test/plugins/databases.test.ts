import t from 'tap'
import { buildStdioApp } from '../../src/app.ts'
import { validateConfig } from '../../src/validate.ts'
import { build, configOf, modern, rest, type JsonObject } from '../helpers/build.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { startPostgres } from '../helpers/postgres.ts'
import { writeConfig } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'

const server = await startPostgres(t)
await server.sql(`CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, tags text[] NOT NULL DEFAULT '{}', facts jsonb);
  INSERT INTO people VALUES (1, 'Ada', '{math,"a b"}', '{"born": 1815}'), (2, 'Grace', '{navy}', NULL)`)

const object = (properties: JsonObject, required: string[] = []): JsonObject => ({ type: 'object', properties, required, additionalProperties: false })
const sql = (query: string, more: JsonObject = {}): JsonObject => ({ type: 'sql', database: 'main', query, ...more })
const config = {
  databases: { main: server.section({ max: 3 }) },
  server: { handlerRoots: ['.'] },
  tools: [
    { name: 'find', inputSchema: object({ name: { type: 'string' }, ids: { type: 'array', items: { type: 'integer' } } }), handler: sql('SELECT id, name, tags, facts FROM people -- not :this\n WHERE (:name::text IS NULL OR name = :name) AND (:ids::int[] IS NULL OR id = ANY(:ids)) ORDER BY id') },
    { name: 'add', inputSchema: object({ id: { type: 'integer' }, name: { type: 'string' }, facts: {} }, ['id', 'name']), handler: sql('INSERT INTO people (id, name, facts) VALUES (:id, :name, :facts::jsonb) RETURNING id', { readOnly: false }) },
    { name: 'sneak', inputSchema: object({ name: { type: 'string' } }), handler: sql('WITH gone AS (DELETE FROM people RETURNING id) SELECT id, :name::text AS name FROM gone') },
    { name: 'many', inputSchema: object({ n: { type: 'integer' } }), handler: sql('SELECT g FROM generate_series(1, :n::int) g', { maxRows: 2 }), outputSchema: { type: 'object', properties: { rows: { type: 'array', items: { type: 'object', properties: { g: { type: 'integer' } }, required: ['g'] } } }, required: ['rows'] } },
    { name: 'sleep', inputSchema: { type: 'object' }, timeout: 100, handler: sql('SELECT pg_sleep(600)') },
    { name: 'broken', inputSchema: { type: 'object' }, handler: sql('SELECT * FROM plans_of_ours') },
    { name: 'elsewhere', inputSchema: { type: 'object' }, handler: { type: 'file', path: './test/tools/isolated/fixtures/database.mjs', isolation: 'worker' } }
  ],
  prompts: [
    { name: 'greet', arguments: [{ name: 'id', required: true }], handler: sql("SELECT 'Greet ' || name AS text FROM people WHERE id = :id::int") },
    { name: 'all', handler: sql('SELECT id FROM people WHERE id < 3 ORDER BY id') }
  ],
  resources: [
    { uriTemplate: 'people://{id}', name: 'p', handler: sql('SELECT name FROM people WHERE id = :id::int') },
    { uri: 'people://all', name: 'a', handler: sql('SELECT id, name FROM people WHERE id < 3 ORDER BY id') },
    { uri: 'people://long', name: 'l', handler: sql('SELECT g FROM generate_series(1, 9) g', { maxRows: 3 }) }
  ]
}
const log = createRecorder()
const tools = {
  db: async ({ name, text, values }: JsonObject, context: { db: (name: string) => { query (text: string, values?: unknown[]): Promise<unknown> } }) => await context.db(String(name)).query(text as string, values as unknown[])
}
const app = await build(t, config, { tools: tools as never, logger: log.logger as never })
const call = async (name: string, args: JsonObject = {}) => (await modern(app, 'tools/call', { name, arguments: args })).message.result
const database = app.databases.get('main')

t.test('a tool answers with its rows, as structured content and as the same in text', async (t) => {
  const result = await call('find', { ids: [1] })
  const structured = { rows: [{ id: 1, name: 'Ada', tags: ['math', 'a b'], facts: { born: 1815 } }], rowCount: 1 }
  t.match(result, { structuredContent: structured, content: [{ type: 'text', text: JSON.stringify(structured) }] })
  t.equal(result?.content?.length, 1)
  t.match(await call('find'), { structuredContent: { rows: [{ id: 1 }, { id: 2 }], rowCount: 2 } }, 'absent arguments are NULL')
  t.match((await rest(app, 'find', { name: 'Grace' })).body, { structuredContent: { rows: [{ id: 2, name: 'Grace', facts: null }] } })
})

t.test('arguments are values, whatever they hold', async (t) => {
  const hostile = "x'); DELETE FROM people; COMMIT; --"
  t.match(await call('add', { id: 7, name: hostile, facts: [':id', { $1: "'" }] }), { structuredContent: { rows: [{ id: 7 }], rowCount: 1 } })
  t.match(await call('find', { name: hostile }), { structuredContent: { rows: [{ id: 7, name: hostile, facts: [':id', { $1: "'" }] }] } })
  t.match(await call('find', { name: "' OR true --" }), { structuredContent: { rows: [] } })
  t.match(await call('add', { id: 8, name: 'text', facts: 'a text' }), { structuredContent: { rowCount: 1 } })
  t.match(await call('find', { ids: [8] }), { structuredContent: { rows: [{ facts: 'a text' }] } }, 'what is cast to json is sent as JSON')
  t.match(await call('find', { ids: ['1; DELETE FROM people'] }), { isError: true, content: [{ text: /Invalid arguments/ }] }, 'the input schema comes first')
})

t.test('what only reads cannot write', async (t) => {
  t.match(await call('sneak', { name: 'x' }), { isError: true, content: [{ text: 'The database "main" refused the statement: cannot execute SELECT in a read-only transaction (SQLSTATE 25006).' }] })
  t.equal((await server.sql('SELECT * FROM people')).length, 4)
})

t.test('rows that are left out are told of', async (t) => {
  t.match(await call('many', { n: 2 }), { structuredContent: { rows: [{ g: 1 }, { g: 2 }], rowCount: 2 } })
  const cut = await call('many', { n: 3 })
  t.match(cut, { structuredContent: { rows: [{ g: 1 }, { g: 2 }], rowCount: 2, truncated: true }, content: [{}, { text: /^There are more than these 2 rows: the rest was left out\./ }] })
  t.match((await modern(app, 'resources/read', { uri: 'people://long' })).message.error, { message: /people:\/\/long has more than 3 rows/ })
})

t.test('errors tell callers what is theirs to mend, and the log the rest', async (t) => {
  t.match(await call('add', { id: 1, name: 'again' }), { isError: true, content: [{ text: /duplicate key value violates unique constraint "people_pkey" \(SQLSTATE 23505\)\.$/ }] })
  t.match(await rest(app, 'broken'), { status: 500, body: { code: 'MCP_TOOL_FAILED', detail: 'The database "main" refused the statement: the server log has the reason (SQLSTATE 42P01).' } })
  t.match(log.text(), /relation "plans_of_ours" does not exist/)
  const masked = await build(t, { ...config, tools: config.tools.slice(0, 2), server: { ...config.server, maskHandlerErrors: true } })
  t.match(await modern(masked, 'tools/call', { name: 'add', arguments: { id: 1, name: 'x' } }), { message: { result: { isError: true, content: [{ text: /^add failed\. The server log has the reason/ }] } } })
})

t.test('a call whose time is up is answered then, and its statement cancelled', async (t) => {
  const begun = Date.now()
  t.match(await call('sleep'), { isError: true, content: [{ text: 'sleep did not finish within 100 ms.' }] })
  t.ok(Date.now() - begun < 1_000)
  await until('its place is free', () => database?.counts.running === 0)
  t.strictSame(await server.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"), [])
})

t.test('prompts and resources are made of rows, too', async (t) => {
  t.match((await modern(app, 'prompts/get', { name: 'greet', arguments: { id: '1' } })).message.result, { messages: [{ role: 'user', content: { type: 'text', text: 'Greet Ada' } }] })
  t.match((await modern(app, 'prompts/get', { name: 'all' })).message.result, { messages: [{ content: { text: '[{"id":1},{"id":2}]' } }] })
  t.match((await modern(app, 'resources/read', { uri: 'people://2' })).message.result, { contents: [{ uri: 'people://2', mimeType: 'text/plain', text: 'Grace' }] })
  t.match((await modern(app, 'resources/read', { uri: 'people://all' })).message.result, { contents: [{ mimeType: 'application/json', text: '[{"id":1,"name":"Ada"},{"id":2,"name":"Grace"}]' }] })
  t.match(await modern(app, 'resources/read', { uri: 'people://99' }), { message: { error: { message: /Resource not found/ } } }, 'no row is no resource')
  t.match((await modern(app, 'resources/read', { uri: 'people://x' })).message.error, { message: /invalid input syntax for type integer/ })
})

t.test('handlers of other kinds have context.db, in threads of their own, too', async (t) => {
  t.match(await call('db', { name: 'main', text: 'SELECT $1::int + 1 AS n', values: [1] }), { structuredContent: { rows: [{ n: 2 }], rowCount: 1 } })
  t.match(await call('db', { name: 'mian', text: 'SELECT 1' }), { isError: true, content: [{ text: 'context.db("mian") is not available: the configuration has no database of this name. It has: main.' }] })
  t.match(await call('db', { name: 'main', text: 5 }), { isError: true, content: [{ text: /takes a text and/ }] })
  t.match(await call('db', { name: 'main', text: 'SELECT 1; SELECT 2' }), { isError: true, content: [{ text: /SQLSTATE 42601/ }] })
  t.match(await call('elsewhere', { text: 'SELECT $1::text AS x', values: ['y'] }), { structuredContent: { rows: [{ x: 'y' }], rowCount: 1 } })
  t.match(await call('elsewhere', { text: 'SELECT 1/0' }), { isError: true, content: [{ text: /division by zero \(SQLSTATE 22012\)/ }] })
  const without = await build(t, {}, { tools: tools as never })
  t.match(await modern(without, 'tools/call', { name: 'db', arguments: { name: 'main' } }), { message: { result: { isError: true, content: [{ text: 'context.db("main") is not available: the configuration has no "databases".' }] } } })
  t.equal(without.databases.size, 0)
})

t.test('it is the same over stdio', async (t) => {
  const stdio = await buildStdioApp({ config: configOf(config), baseDir: process.cwd() })
  t.teardown(() => stdio.close())
  await stdio.ready()
  await stdio.databases.get('main')?.ping()
  t.match(stdio.databases.get('main'), { available: true, counts: { open: 1 } })
})

const handler = (query: string, more: JsonObject = {}) => ({ databases: { main: { database: 'd' } }, tools: [{ name: 'x', inputSchema: object({ userId: {}, limit: {} }), handler: sql(query, more) }] })
const faults: readonly (readonly [string, object, RegExp])[] = [
  ['a parameter that is no argument', handler('SELECT\n :userid'), /^The parameter :userid is not an argument of the input schema\. Did you mean :userId\? \(line 2, column 2 of the query\)\.$/],
  ['one that is like none', handler('SELECT :zzz'), /is not an argument of the input schema\. There are: userId, limit \(line 1, column 8/],
  ['a second statement', handler('SELECT 1; DELETE FROM t'), /^Only one statement can be run/],
  ['writing where only reading is allowed', handler('DELETE FROM t WHERE id = :userId'), /^DELETE writes, and this handler only reads: set "readOnly" to false/],
  ['a transaction of its own', handler('commit', { readOnly: false }), /^COMMIT cannot be run by a handler: each call is a transaction of its own/],
  ['what works on the session', handler('SET role x', { readOnly: false }), /^SET cannot be run by a handler: it works on a session/],
  ['a prompt without that argument', { databases: { main: { database: 'd' } }, prompts: [{ name: 'p', handler: sql('SELECT :a') }] }, /The parameter :a is not an argument of the prompt: there are none/],
  ['a template without that variable', { databases: { main: { database: 'd' } }, resources: [{ uriTemplate: 'a://{b}', name: 'r', handler: sql('SELECT :a') }] }, /The parameter :a is not a variable of the URI template\. Did you mean :b\?/]
]
for (const [what, value, message] of faults) {
  t.test(`${what} is a fault of the file, and no database is asked for that`, async (t) => {
    const { faults } = await validateConfig({ file: writeConfig(t, value), env: {} })
    t.match(faults, [{ message, line: Number }])
    t.equal(faults.length, 1)
  })
}
