import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import type { ApiKey } from '../../../schemas/config/security.ts'
import { createKey, hashKey } from '../../../src/auth/key-format.ts'
import { momentText } from '../../../src/cli/moments.ts'
import { gantry, type Outcome } from '../../helpers/command-line.ts'
import { start, type Teardown } from '../../helpers/server.ts'

const dayMs = 86_400_000
const salt = 'the salt of this test'
const env = { API_KEY_SALT: salt }
const inDays = (days: number): string => momentText(Date.now() + days * dayMs)
const hash = (index: number): string => index.toString(16).padStart(64, 'a')

interface Folder { testdir (content: Record<string, string>): string }

async function list (t: Teardown & Folder, apiKeys: object[], args: string[] = [], options: { env?: Record<string, string> } = {}): Promise<Outcome> {
  const cwd = t.testdir({ 'gantry.json': JSON.stringify({ security: { authentication: { apiKeys } } }, null, 2) })
  return await gantry(t, ['keys', 'list', ...args], { cwd, env, ...options })
}

t.test('the list shows age, end and state of each key, and counts what needs attention', async (t) => {
  const { code, stdout, stderr } = await list(t, [
    { name: 'fresh', keyHash: hash(1), tier: 'gold', createdAt: inDays(-3.5), expiresAt: inDays(50) },
    { name: 'unknown-age', keyHash: hash(2) },
    { name: 'ancient', keyHash: hash(3), createdAt: inDays(-200.5) },
    { name: 'ending', keyHash: hash(4), createdAt: inDays(-1.5), expiresAt: inDays(5.5) },
    { name: 'over', keyHash: hash(5), expiresAt: '2020-01-01' },
    { name: 'off', keyHash: hash(6), enabled: false, expiresAt: '2020-01-01' },
    { name: 'later', keyHash: hash(7), notBefore: inDays(2), expiresAt: inDays(400) },
    { name: 'open', key: 'a-key-that-stands-in-the-file' }
  ])
  t.equal(code, 1)
  t.equal(stderr, '')
  t.notMatch(stdout, /aaaa|stands-in/)
  const day = (days: number): string => inDays(days).slice(0, 10)
  t.strictSame(stdout.split('\n').map((line) => line.split(/ {2,}/)), [
    ['NAME', 'TIER', 'CREATED', 'AGE', 'EXPIRES', 'LINE', 'STATE'],
    ['fresh', 'gold', day(-3.5), '3 d', day(50), '5', 'active'],
    ['unknown-age', '-', 'unknown', 'unknown', 'never', '12', 'active'],
    ['ancient', '-', day(-200.5), '200 d', 'never', '16', 'active, older than 90 days'],
    ['ending', '-', day(-1.5), '1 d', day(5.5), '21', 'active, expires within 14 days'],
    ['over', '-', 'unknown', 'unknown', '2020-01-01', '27', 'expired, to be removed'],
    ['off', '-', 'unknown', 'unknown', '2020-01-01', '32', 'disabled'],
    ['later', '-', 'unknown', 'unknown', day(400), '38', 'not valid yet'],
    ['open', '-', 'unknown', 'unknown', 'never', '44', 'active, plain text'],
    [''],
    ['3 of 8 need attention.'],
    ['']
  ])
})

t.test('where nothing is due the exit code says so, and where no key is, too', async (t) => {
  t.match(await list(t, [{ name: 'a', keyHash: hash(1), createdAt: inDays(-3) }]), { code: 0, stdout: /\n\nNo key needs attention\.\n$/ })
  t.match(await gantry(t, ['keys', 'list'], { cwd: t.testdir({ 'gantry.yaml': 'name: x\n' }) }), { code: 0, stdout: 'There are no keys in this file.\n' })
})

t.test('--json lists the same as one document', async (t) => {
  const createdAt = inDays(-100.5)
  const { code, stdout } = await list(t, [{ name: 'a', keyHash: hash(1), tier: 'gold', createdAt }, { name: 'b', key: createKey().slice(0, 20) }], ['--json'])
  t.equal(code, 1)
  t.strictSame(JSON.parse(stdout), {
    file: join(t.testdirName, 'gantry.json'),
    due: 2,
    keys: [
      { name: 'a', tier: 'gold', hidden: [], line: 5, state: 'active', createdAt, ageDays: 100, expiresAt: null, daysLeft: null, concerns: ['old'], isReplaced: false, isPlain: false },
      { name: 'b', tier: null, hidden: [], line: 11, state: 'active', createdAt: null, ageDays: null, expiresAt: null, daysLeft: null, concerns: ['mistyped'], isReplaced: false, isPlain: true }
    ]
  })
})

t.test('the list needs neither the salt nor the secrets of the server, and shows nothing of them', async (t) => {
  const keys = [{ name: '${WHO}', key: '${CI_KEY}', tier: '${TIER}' }, { name: 'b', keyHash: hash(2) }]
  const without = await list(t, keys, [], { env: { WHO: 'hidden-name', TIER: 'hidden-tier' } })
  t.match(without, { code: 0, stderr: /^Note: .*"gantry validate" says why\.\n$/ })
  t.match(without.stdout, /^\(placeholder\) +\(placeholder\) +unknown +unknown +never +5 +active$/m)
  const all = await list(t, keys, [], { env: { ...env, WHO: 'hidden-name', TIER: 'hidden-tier', CI_KEY: 'hidden-key-that-is-long-enough' } })
  t.match(all, { code: 0, stderr: '' })
  for (const { stdout, stderr } of [without, all]) t.notMatch(stdout + stderr, 'hidden')
})

t.test('faults elsewhere in the file do not hide its keys; faults of the keys do', async (t) => {
  const cwd = t.testdir({
    'other.yaml': 'tools: [{ name: x }]\nsecurity: { authentication: { apiKeys: [{ name: a, keyHash: ' + hash(1) + ' }] } }\n',
    'keys.yaml': 'security: { authentication: { apiKeys: [{ nmae: a, keyHash: ' + hash(1) + ' }] } }\n',
    'date.yaml': 'security: { authentication: { apiKeys: [{ name: a, createdAt: "2026-99-01", keyHash: ' + hash(1) + ' }] } }\n',
    'broken.yaml': 'security: { authentication: { apiKeys: [',
    'list.yaml': '- 1\n'
  })
  t.match(await gantry(t, ['keys', 'list', 'other.yaml'], { cwd, env }), { code: 0, stdout: /^a /m, stderr: /^Note: / })
  for (const [file, text] of [['keys.yaml', 'nmae'], ['date.yaml', 'There is no such moment: "2026-99-01"'], ['broken.yaml', 'broken.yaml:1'], ['list.yaml', 'Expected an object'], ['gone.yaml', 'There is no such file']] as const) {
    const { code, stdout, stderr } = await gantry(t, ['keys', 'list', file], { cwd, env })
    t.equal(code, 78, file)
    t.equal(stdout, '')
    t.match(stderr, text)
  }
})

t.test('a name that would act on a terminal is spelt out', async (t) => {
  const { stdout } = await list(t, [{ name: 'a\u001B[2Jb', keyHash: hash(1) }])
  t.match(stdout, 'a\\u{1b}[2Jb')
})

const yaml = `# the keys
security:
  authentication:
    apiKeys:
      - name: ci # of the build
        keyHash: ${hashKey('the-old-key-of-ci', salt)}
        permissions: [tools:call, "tools:list"]
        tier: \${TIER:-gold}
        createdAt: "2025-01-01"
      - { name: other, keyHash: ${hash(9)} }
tools:
  - name: now
    handler: { type: registry, name: gantry.time }
`

t.test('rotate says what to write, and both keys count until the old one ends', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': yaml })
  const { code, stdout, stderr } = await gantry(t, ['keys', 'rotate', 'ci', '--grace', '2d'], { cwd, env })
  t.equal(code, 0)
  t.equal(stderr, '')
  const keys = stdout.match(/gantry_[0-9A-Za-z]+/g) ?? []
  t.equal(keys.length, 1)
  const [key = ''] = keys
  t.equal(readFileSync(join(cwd, 'gantry.yaml'), 'utf8'), yaml, 'the file is left alone')
  t.match(stdout, /^1\. .* of gantry\.yaml:\n\n {2}- name: "ci"\n {4}keyHash: "[0-9a-f]{64}"\n/m)
  t.match(stdout, /^2\. Copy "tier" from the old entry/m)
  t.match(stdout, /^3\. The old entry, on line 5, has to end\. Write into it:\n\n {2}expiresAt: "[^"]+"$/m)
  const ending = /^ {2}(expiresAt: "([^"]+)")$/m.exec(stdout)
  t.ok(Math.abs(Date.parse(ending?.[2] ?? '') - Date.now() - 2 * dayMs) < 60_000)

  // As a person would paste it.
  const entryLines = /^ {2}- name: "ci"\n(?: {4}.*\n)+/m.exec(stdout)?.[0] ?? ''
  const [entry] = parseYaml(entryLines) as ApiKey[]
  t.match(entry, { name: 'ci', keyHash: hashKey(key, salt), permissions: ['tools:call', 'tools:list'] })
  t.notOk('tier' in (entry ?? {}))
  const pasted = yaml
    .replace('        createdAt', `        ${ending?.[1] ?? ''}\n        createdAt`)
    .replace('      - { name: other', `${entryLines.replace(/^/gm, '    ').trimEnd()}\n        tier: \${TIER:-gold}\n      - { name: other`)
  const file = join(cwd, 'pasted.yaml')
  writeFileSync(file, pasted)
  const server = await start(t, { file, env })
  for (const credential of ['the-old-key-of-ci', key]) {
    const { status } = await fetch(`${server.origin}/tools/now`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` }, body: '{}' })
    t.equal(status, 200)
  }
  const after = await gantry(t, ['keys', 'list', 'pasted.yaml', '--json'], { cwd, env })
  t.match(after, { code: 0 })
  t.match(JSON.parse(after.stdout), { due: 0, keys: [{ isReplaced: true }, { isReplaced: false, ageDays: 0 }, { name: 'other' }] })
})

t.test('--json gives the new key, its entry and the ends of the old ones', async (t) => {
  const expiresAt = inDays(3)
  const apiKeys = [
    { name: 'ci', keyHash: hash(1), permissions: ['tools:list'], createdAt: inDays(-200) },
    { name: 'ci', keyHash: hash(2), permissions: ['tools:call'], createdAt: inDays(-100), expiresAt },
    { name: 'ci', keyHash: hash(3), expiresAt: '2020-01-01' },
    { name: 'ci', keyHash: hash(4), enabled: false }
  ]
  const cwd = t.testdir({ 'gantry.json': JSON.stringify({ security: { authentication: { apiKeys } } }, null, 2) })
  const { code, stdout } = await gantry(t, ['keys', 'rotate', 'ci', 'gantry.json', '--json', '--expires', '90d'], { cwd, env })
  t.equal(code, 0)
  const { file, key, entry, copy, old } = JSON.parse(stdout) as { file: string, key: string, entry: ApiKey, copy: string[], old: { line: number, expiresAt: string, endsAnyway: boolean }[] }
  t.equal(file, join(cwd, 'gantry.json'))
  t.match(entry, { name: 'ci', keyHash: hashKey(key, salt), permissions: ['tools:call'] }, 'what it may do is what the newest may do')
  t.equal(Date.parse(entry.expiresAt ?? '') - Date.parse(entry.createdAt ?? ''), 90 * dayMs)
  t.strictSame(copy, [])
  t.match(old, [{ line: 5, endsAnyway: false }, { line: 13, expiresAt, endsAnyway: true }])
  t.equal(old.length, 2, 'what is over already needs no end')
  t.ok(Math.abs(Date.parse(old[0]?.expiresAt ?? '') - Date.now() - 7 * dayMs) < 60_000, 'seven days if nothing is said')
})

t.test('in a JSON file, what to write is JSON', async (t) => {
  const cwd = t.testdir({ 'gantry.json': JSON.stringify({ security: { authentication: { apiKeys: [{ name: 'ci', keyHash: hash(1) }] } } }) })
  const { stdout } = await gantry(t, ['keys', 'rotate', 'ci'], { cwd, env })
  t.match(stdout, /^ {2}\{\n {4}"name": "ci",\n[^]*^ {2}\}$/m)
  t.match(stdout, /^ {2}"expiresAt": "[^"]+"$/m)
})

t.test('what cannot be replaced, or is asked for in a wrong way, makes no key', async (t) => {
  const apiKeys = [{ name: 'ci', keyHash: hash(1), expiresAt: inDays(30) }, { name: 'gone', keyHash: hash(2), enabled: false }, { name: 'over', keyHash: hash(3), expiresAt: '2020-01-01' }, { name: 'open', keyHash: hash(4) }]
  const cwd = t.testdir({ 'gantry.json': JSON.stringify({ security: { authentication: { apiKeys } } }) })
  const rows: [args: string[], text: RegExp][] = [
    [[], /Say what to do: list or rotate\./],
    [['lst'], /"lst" is neither "list" nor "rotate"\./],
    [['list', 'a', 'b'], /"b" is one argument too many/],
    [['list', '--grace', '7d'], /--grace belongs to "gantry keys rotate"/],
    [['list', '--expires=7d'], /--expires belongs to "gantry keys rotate"/],
    [['rotate'], /Say whose key is to be replaced/],
    [['rotate', 'cl'], /There is no key of the name "cl"\. Did you mean "ci"\?/],
    [['rotate', 'ci'], /The old key has an end, so the new one needs one too: --expires 90d, or --expires never/],
    [['rotate', 'gone'], /No key of "gone" is accepted any more/],
    [['rotate', 'over'], /No key of "over" is accepted any more/],
    [['rotate', 'open', '--grace', 'soon'], /--grace: expected a time such as 7d or 12h, found "soon"/],
    [['rotate', 'open', '--expires', 'soon'], /--expires: Expected a date/],
    [['rotate', 'open', '--expires', '2020-01-01'], /--expires: this moment is over already/]
  ]
  for (const [args, text] of rows) {
    const { code, stdout, stderr } = await gantry(t, ['keys', ...args], { cwd, env })
    t.equal(code, 2, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.match(stderr, text)
    t.match(stderr, '"gantry help keys" says more.')
  }
  t.match(await gantry(t, ['keys', 'rotate', 'open'], { cwd }), { code: 78, stdout: '', stderr: /^API_KEY_SALT is not set/ })
  t.match(await gantry(t, ['keys', 'rotate', 'open', 'gone.json'], { cwd, env }), { code: 78, stdout: '', stderr: /There is no such file/ })
})
