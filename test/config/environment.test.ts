import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { loadText, loadValue } from '../helpers/load-text.ts'

t.test('each variable of the table wins over the file', async (t) => {
  const file = { port: 1, host: 'localhost', logging: { level: 'warn', file: 'a.log' }, server: { maxRequestSize: '1mb', requestTimeout: 5 } }
  const env = { PORT: '8080', HOST: '127.0.0.2', LOG_LEVEL: 'debug', LOG_FILE: '/var/log/x.log', MAX_REQUEST_SIZE: '10mb', REQUEST_TIMEOUT: '30000' }
  const { config, faults } = await loadValue(t, file, { env })
  t.strictSame(faults, [])
  t.match(config, { port: 8080, host: '127.0.0.2', logging: { level: 'debug', file: '/var/log/x.log' }, server: { maxRequestSize: 10_485_760, requestTimeout: 30_000 } })
})

t.test('they count where the file says nothing, too', async (t) => {
  const { config } = await loadValue(t, {}, { env: { PORT: '0', LOG_LEVEL: 'silent', MAX_REQUEST_SIZE: '2048' } })
  t.match(config, { port: 0, logging: { level: 'silent' }, server: { maxRequestSize: 2048, path: '/mcp' } })
})

t.test('a variable wins over a value of the file that is wrong', async (t) => {
  const { config, faults } = await loadValue(t, { port: 'many' }, { env: { PORT: '80' } })
  t.strictSame(faults, [])
  t.equal(config?.port, 80)
})

t.test('an empty variable is not set', async (t) => {
  const { config } = await loadValue(t, { port: 5 }, { env: { PORT: '', HOST: '', CONFIG_PATH: '', NODE_ENV: '' } })
  t.match(config, { port: 5, host: '127.0.0.1' })
})

const wrong: readonly [string, string, RegExp, string | undefined][] = [
  ['PORT', 'http', /variable PORT does not fit: expected a whole number from 0 to 65535, found the text "http"/, undefined],
  ['PORT', '70000', /variable PORT does not fit/, undefined],
  ['PORT', '1e3x', /variable PORT does not fit/, undefined],
  ['HOST', 'a b', /variable HOST does not fit: expected a host name or an address/, undefined],
  ['LOG_LEVEL', 'INFO', /variable LOG_LEVEL does not fit/, 'Did you mean "info"?'],
  ['LOG_LEVEL', 'verbose', /variable LOG_LEVEL does not fit/, undefined],
  ['MAX_REQUEST_SIZE', 'big', /variable MAX_REQUEST_SIZE does not fit: expected a size such as "10mb"/, undefined],
  ['REQUEST_TIMEOUT', '30s', /variable REQUEST_TIMEOUT does not fit: expected a whole number of milliseconds/, undefined],
  ['REQUEST_TIMEOUT', '0', /variable REQUEST_TIMEOUT does not fit/, undefined]
]
for (const [variable, value, message, suggestion] of wrong) {
  t.test(`${variable}=${value} is a fault that names the variable and no line of the file`, async (t) => {
    const { config, faults } = await loadValue(t, {}, { env: { [variable]: value } })
    t.equal(config, undefined)
    t.match(faults, [{ message }])
    t.equal(faults.length, 1)
    t.equal(faults[0]?.line, undefined)
    t.equal(faults[0]?.suggestion, suggestion)
  })
}

t.test('Redis is configured by its URL or its host alone', async (t) => {
  t.match((await loadValue(t, {}, { env: { REDIS_URL: 'redis://cache:7000' } })).config, { redis: { url: 'redis://cache:7000', commandTimeout: 1000 } })
  t.match((await loadValue(t, {}, { env: { REDIS_HOST: 'cache', REDIS_PASSWORD: 'p' } })).config, { redis: { host: 'cache', port: 6379, password: 'p' } })
  t.match((await loadValue(t, { redis: { host: 'a', port: 7000, password: 'old' } }, { env: { REDIS_HOST: 'b', REDIS_PASSWORD: 'new' } })).config, { redis: { host: 'b', port: 7000, password: 'new' } })
})

t.test('a password alone asks for no Redis', async (t) => {
  const { config, faults } = await loadValue(t, {}, { env: { REDIS_PASSWORD: 'p' } })
  t.strictSame(faults, [])
  t.equal(config?.redis, undefined)
})

t.test('a host that the URL overrules is said to have no effect', async (t) => {
  const env = { REDIS_HOST: 'b', SESSION_SECRET: 's' }
  t.match((await loadValue(t, {}, { env: { ...env, REDIS_URL: 'redis://a' } })).notices, [{ message: 'REDIS_HOST is set, but the URL of the Redis (REDIS_URL) wins; it has no effect.' }])
  t.match((await loadValue(t, { redis: { url: 'redis://a' } }, { env })).notices, [{ message: 'REDIS_HOST is set, but the URL of the Redis ("redis.url") wins; it has no effect.' }])
  t.strictSame((await loadValue(t, { redis: { host: 'a' } }, { env })).notices, [])
})

t.test('a Redis URL that cannot be used is a fault that does not show it, from the file and from the environment', async (t) => {
  for (const url of ['http://:hunter2@cache', 'redis://:hunter2@cache/name', 'redis://:hunter2@cache?tls=1', 'hunter2']) {
    for (const loaded of [await loadValue(t, { redis: { url } }), await loadValue(t, {}, { env: { REDIS_URL: url } })]) {
      t.equal(loaded.config, undefined, url)
      t.equal(loaded.faults.length, 1, url)
      t.match(loaded.faults, [{ path: ['redis', 'url'], message: /[Ee]xpected .*redis:/ }])
      t.notMatch(JSON.stringify([loaded.faults, loaded.notices]), /hunter2/)
    }
  }
})

t.test('what the Redis section does not have is refused by name', async (t) => {
  const { faults } = await loadValue(t, { redis: { nodes: [], masterName: 'main' } })
  t.match(faults, [{ message: /Unknown key "nodes"/ }, { message: /Unknown key "masterName"/ }])
})

t.test('a section of the file that is no object stays a fault beside a variable', async (t) => {
  const { faults } = await loadValue(t, { logging: 'loud' }, { env: { LOG_LEVEL: 'info' } })
  t.match(faults, [{ path: ['logging'], message: /Expected an object/, line: 2 }])
})

t.test('a public HOST from the environment is told by the name of the variable', async (t) => {
  const { faults } = await loadValue(t, {}, { env: { HOST: '0.0.0.0' } })
  t.match(faults, [{ path: ['host'], message: /^HOST is "0\.0\.0\.0", which can be reached from other machines/ }])
  t.equal(faults[0]?.line, undefined)
})

t.test('CONFIG_PATH names the file when nobody else does', async (t) => {
  const folder = t.testdir({ 'a.json': '{ "name": "a" }', 'b.json': '{ "name": "b" }', 'gantry.json': '{ "name": "usual" }' })
  t.equal((await loadConfig({ env: { CONFIG_PATH: 'b.json' }, cwd: folder })).config?.name, 'b')
  t.equal((await loadConfig({ env: { CONFIG_PATH: join(folder, 'b.json') }, cwd: '/' })).config?.name, 'b')
  t.equal((await loadConfig({ file: 'a.json', env: { CONFIG_PATH: 'b.json' }, cwd: folder })).config?.name, 'a')
})

t.test('.env is read in development only, and what is set wins over it', async (t) => {
  const folder = t.testdir({ 'c.json': '{ "description": "${FROM_DOTENV:-none} ${SET}" }', '.env': '# note\nPORT=4000\nFROM_DOTENV="quoted value"\nSET=file\n' })
  const load = async (env: NodeJS.ProcessEnv) => await loadConfig({ file: 'c.json', cwd: folder, env: { SET: 'real', ...env } })
  for (const mode of [undefined, 'development']) {
    const { config, env } = await load(mode === undefined ? {} : { NODE_ENV: mode })
    t.match(config, { port: 4000, description: 'quoted value real' }, String(mode))
    t.match(env, { PORT: '4000', SET: 'real' })
  }
  t.match((await load({ PORT: '5000' })).config, { port: 5000 })
  for (const mode of ['production', 'test', 'staging']) t.match((await load({ NODE_ENV: mode })).config, { port: 3001, description: 'none real' }, mode)
})

t.test('.env can name the file', async (t) => {
  const folder = t.testdir({ conf: { 'dev.json': '{ "name": "dev" }' }, '.env': 'CONFIG_PATH=./conf/dev.json\n' })
  const { config, baseDir } = await loadConfig({ env: {}, cwd: folder })
  t.equal(config?.name, 'dev')
  t.equal(baseDir, join(folder, 'conf'))
})

t.test('a .env that cannot be read is said, and nothing stops', async (t) => {
  const folder = t.testdir({ 'c.json': '{}', '.env': {} })
  const { config, notices } = await loadConfig({ file: 'c.json', env: {}, cwd: folder })
  t.ok(config)
  t.match(notices, [{ message: /\.env .* cannot be read/ }])
})

t.test('the environment that was given is not changed', async (t) => {
  const env = { A: 'x' }
  const folder = t.testdir({ 'c.json': '{}', '.env': 'B=y' })
  await loadConfig({ file: 'c.json', env, cwd: folder })
  t.strictSame(env, { A: 'x' })
})

t.test('a mode that was misspelt is said', async (t) => {
  for (const [mode, meant] of [['prod', 'production'], ['Production', 'production'], ['dev', 'development'], ['prodution', 'production']] as const) {
    const { notices } = await loadValue(t, {}, { env: { NODE_ENV: mode } })
    t.match(notices, [{ message: `NODE_ENV is "${mode}", which means nothing here. Did you mean "${meant}"?` }], mode)
  }
  for (const mode of ['production', 'development', 'test', 'staging', 'qa']) t.strictSame((await loadValue(t, {}, { env: { NODE_ENV: mode } })).notices, [], mode)
})

t.test('variables of features that are not there are said to have no effect', async (t) => {
  const env = { SENTRY_DSN: 's', OTEL_SERVICE_NAME: 'o' }
  const { notices, config } = await loadValue(t, {}, { env })
  t.ok(config)
  t.strictSame(notices.map(({ message }) => /^(\w+) is set, but .+ is not available in this version; it has no effect\.$/.exec(message)?.[1]), Object.keys(env).sort())
})

t.test('such a variable has an effect when the file asks for it, and an empty one is not set', async (t) => {
  const { notices } = await loadText(t, '{ "description": "${SENTRY_DSN}" }', { env: { SENTRY_DSN: 'x', OTEL_SERVICE_NAME: '' } })
  t.strictSame(notices, [])
})

t.test('the variables of a database mean the one called "default", or the only one', async (t) => {
  const env = { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1/d', DB_PORT: '6000', DB_NAME: 'n', DB_USER: 'v', DB_PASSWORD: 'w' }
  const set = { url: env.DATABASE_URL, port: 6000, database: 'n', user: 'v', password: 'w' }
  t.match((await loadValue(t, {}, { env })).config, { databases: { default: { ...set, max: 20, statementTimeout: 10_000 } } })
  t.match((await loadValue(t, { databases: { main: { host: 'a', database: 'm' } } }, { env })).config, { databases: { main: set } })
  t.match((await loadValue(t, { databases: { default: {}, other: { database: 'o' } } }, { env })).config?.databases, { default: set, other: { database: 'o', port: 5432 } })
  t.match((await loadValue(t, { databases: { main: { database: 'm' } } }, { env: { DB_HOST: '::1' } })).config?.databases, { main: { host: '::1', database: 'm' } })
  const unclear = await loadValue(t, { databases: { one: { database: 'o' }, two: { database: 't' } } }, { env })
  t.match(unclear.config?.databases, { one: { port: 5432 }, two: { database: 't' } })
  t.strictSame(unclear.notices.map(({ message }) => message), Object.keys(env).map((name) => `${name} is set, but there are several databases and none is called "default"; it has no effect.`))
  t.equal((await loadValue(t, {}, { env: { DB_HOST: 'x', DB_PASSWORD: 'hunter2' } })).config?.databases, undefined, 'without a database, the parts ask for none')
  const overruled = await loadValue(t, {}, { env: { ...env, DB_HOST: 'x' } })
  t.match(overruled.notices, [{ message: 'DB_HOST is set, but the URL of the database "default" (DATABASE_URL) wins; it has no effect.' }])
  const wrong = await loadValue(t, {}, { env: { DATABASE_URL: 'mysql://u:hunter2@x/d' } })
  t.match(wrong.faults, [{ message: /DATABASE_URL does not fit: expected a postgres: or postgresql: URL, found a value that is not shown/ }])
  t.notMatch(JSON.stringify([overruled.notices, wrong.faults]), /hunter2/)
})

t.test('secrets that nothing needs yet may be missing in production', async (t) => {
  const { config } = await loadValue(t, {}, { env: { NODE_ENV: 'production' } })
  t.ok(config)
})
