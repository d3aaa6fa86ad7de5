import t from 'tap'
import { hashKey, isMistyped } from '../../../src/auth/key-format.ts'
import type { ApiKey } from '../../../schemas/config/security.ts'
import { gantry } from '../../helpers/command-line.ts'
import { start } from '../../helpers/server.ts'

const salt = 'the salt of this test'
const env = { API_KEY_SALT: salt }

interface Made { key: string, entry: ApiKey }

t.test('the key is printed once, with an entry that a server accepts', async (t) => {
  const { code, stdout, stderr } = await gantry(t, ['keygen', '--name', 'ci', '--permissions', 'tools:call:now, tools:list', '--tier', 'gold', '--expires', '90d'], { env })
  t.equal(code, 0)
  t.equal(stderr, '')
  const keys = stdout.match(/gantry_[0-9A-Za-z]+/g) ?? []
  t.equal(keys.length, 1)
  const [key = ''] = keys
  t.notOk(isMistyped(key))
  const entry = JSON.parse(/^ {2}\{$[^]*^ {2}\}$/m.exec(stdout)?.[0] ?? '') as ApiKey
  t.match(entry, { name: 'ci', permissions: ['tools:call:now', 'tools:list'], tier: 'gold', keyHash: hashKey(key, salt) })
  t.strictSame(Object.keys(entry), ['name', 'keyHash', 'permissions', 'tier', 'createdAt', 'expiresAt'])
  t.ok(Math.abs(Date.parse(entry.createdAt ?? '') - Date.now()) < 60_000)
  t.equal(Date.parse(entry.expiresAt ?? '') - Date.parse(entry.createdAt ?? ''), 90 * 86_400_000)

  const { tier: _tier, ...plain } = entry
  const server = await start(t, { config: { tools: [{ name: 'now', handler: { type: 'registry', name: 'gantry.time' } }], security: { authentication: { apiKeys: [plain] } } }, env })
  const call = async (credential: string): Promise<number> => (await fetch(`${server.origin}/tools/now`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` }, body: '{}' })).status
  t.equal(await call(key), 200)
  t.equal(await call(`${key.slice(0, -1)}_`), 401)
  t.equal(await call(entry.keyHash ?? ''), 401, 'the hash is no key')
})

t.test('--json prints the key and its entry as one document', async (t) => {
  const { code, stdout, stderr } = await gantry(t, ['keygen', '--json', '--name=me'], { env })
  t.equal(code, 0)
  t.equal(stderr, '')
  const { key, entry } = JSON.parse(stdout) as Made
  t.strictSame(Object.keys(JSON.parse(stdout) as object), ['key', 'entry'])
  t.strictSame(entry, { name: 'me', keyHash: hashKey(key, salt), createdAt: entry.createdAt })
})

t.test('the salt may stand in .env in development, and in production it may not', async (t) => {
  const cwd = t.testdir({ '.env': 'API_KEY_SALT=from the file\n' })
  const { key, entry } = JSON.parse((await gantry(t, ['keygen', '--json', '--name', 'me'], { cwd })).stdout) as Made
  t.equal(entry.keyHash, hashKey(key, 'from the file'))
  t.match(await gantry(t, ['keygen', '--name', 'me'], { cwd, env: { NODE_ENV: 'production' } }), { code: 78, stdout: '' })
})

t.test('without a salt nothing is made, and how to make one is said', async (t) => {
  for (const missing of [{}, { API_KEY_SALT: '' }]) {
    const { code, stdout, stderr } = await gantry(t, ['keygen', '--name', 'me'], { env: missing, cwd: t.testdir() })
    t.equal(code, 78)
    t.equal(stdout, '')
    t.match(stderr, /^API_KEY_SALT is not set\.[^]*openssl rand -base64 32/)
  }
})

t.test('an end may be a date, and never is the same as none', async (t) => {
  const endOf = async (when: string): Promise<string | undefined> => (JSON.parse((await gantry(t, ['keygen', '--json', '--name', 'me', '--expires', when], { env })).stdout) as Made).entry.expiresAt
  t.equal(await endOf('2999-12-31'), '2999-12-31')
  t.equal(await endOf('2999-12-31T12:00:00+02:00'), '2999-12-31T12:00:00+02:00')
  t.equal(await endOf('never'), undefined)
})

t.test('without permissions it is said what the key can do', async (t) => {
  t.match((await gantry(t, ['keygen', '--name', 'me'], { env })).stdout, 'Without permissions')
  t.notMatch((await gantry(t, ['keygen', '--name', 'me', '--permissions', '*'], { env })).stdout, 'Without permissions')
})

t.test('what no configuration would take makes no key', async (t) => {
  const rows: [args: string[], text: RegExp][] = [
    [[], /A key needs a name: --name NAME/],
    [['--name'], /--name needs a value/],
    [['--name', 'x'.repeat(200)], /--name: Expected a text of 1 to 128 characters/],
    [['--name', 'anonymous'], /--name: "anonymous" is the name of callers without a key/],
    [['--name', '${HOME}'], /--name: /],
    [['--name', 'a', '--permissions', 'tool:call'], /--permissions: "tool:call" permits nothing that there is\. Did you mean "tools:call"\?/],
    [['--name', 'a', '--permissions', 'tools:list,tools:cal:x'], /Did you mean "tools:call:x"\?/],
    [['--name', 'a', '--permissions', 'everything'], /--permissions: Expected a permission such as/],
    [['--name', 'a', '--tier', 'x'.repeat(200)], /--tier: Expected/],
    [['--name', 'a', '--expires', 'tomorrow'], /--expires: Expected a date/],
    [['--name', 'a', '--expires', '2027-13-01'], /--expires: There is no such moment/],
    [['--name', 'a', '--expires', '2020-01-01'], /--expires: this moment is over already/],
    [['--name', 'a', '--expires', '0d'], /--expires: this moment is over already/],
    [['a'], /"a" is one argument too many/],
    [['--nmae', 'a'], /There is no option --nmae here\. Did you mean "--name"\?/]
  ]
  for (const [args, text] of rows) {
    const { code, stdout, stderr } = await gantry(t, ['keygen', ...args], { env })
    t.equal(code, 2, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.match(stderr, text)
    t.match(stderr, '"gantry help keygen" says more.')
  }
})
