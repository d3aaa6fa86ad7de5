import t from 'tap'
import { loadValue } from '../helpers/load-text.ts'

const load = async (t: Parameters<typeof loadValue>[0], section: object, env: NodeJS.ProcessEnv = {}) => await loadValue(t, { databases: { main: section } }, { env })

t.test('a URL that cannot be used, or says what would be ignored, is a fault that does not show it', async (t) => {
  for (const url of ['mysql://u:hunter2@h/d', 'postgres://u:hunter2@/d', 'postgres://u:hunter2@h/d?sslmode=prefer', 'postgres://u:hunter2@h/d?channel_binding=require', 'postgres://u:hunter2@h/d#x', 'postgres://u:hunter2@h/a/b', 'postgres://u:hunter2@h/%']) {
    const { faults, config } = await load(t, { url })
    t.equal(config, undefined, url)
    t.match(faults, [{ path: ['databases', 'main', 'url'], line: Number }], url)
    t.notMatch(JSON.stringify(faults), /hunter2/)
  }
  t.strictSame((await load(t, { url: 'postgresql://u:p@localhost:5433/d?sslmode=verify-full' })).faults, [])
})

t.test('a database that is not named is a fault', async (t) => {
  for (const section of [{}, { user: 'u' }, { url: 'postgres://127.0.0.1' }]) t.match((await load(t, section)).faults, [{ path: ['databases', 'main'], message: 'Nothing says which database "main" is.' }])
  t.strictSame((await load(t, { url: 'postgres://127.0.0.1', database: 'd' })).faults, [])
})

t.test('what goes to another machine without protection is told', async (t) => {
  const told = async (section: object) => (await load(t, section)).notices.map(({ message }) => message)
  t.match(await told({ host: 'db.example.com', database: 'd' }), [/on another machine and is spoken to without TLS/])
  t.match(await told({ url: 'postgres://db.example.com/d?sslmode=no-verify' }), [/certificate of the database "main" is not verified/])
  for (const section of [{ host: 'db.example.com', database: 'd', ssl: 'verify-full' }, { url: 'postgres://db.example.com/d?sslmode=require' }, { database: 'd' }, { url: 'postgres://[::1]/d' }, { url: 'postgres://db.example.com/d?sslmode=disable', ssl: 'verify-full' }]) {
    t.strictSame(await told(section), [], JSON.stringify(section))
  }
})
