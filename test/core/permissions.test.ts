import t from 'tap'
import { matchesGlob } from '../../src/core/glob.ts'
import { Grants, grantsOf, implies, isPermission, scopesOf, type Scope } from '../../src/core/permissions.ts'

const allowed: readonly [permission: string, scope: Scope, name: string][] = [
  ['*', 'tools:call', 'any'],
  ['*:*', 'resources:read', 'docs://a'],
  ['tools:*', 'tools:call', 'any'],
  ['tools:*', 'tools:list', 'any'],
  ['*:list', 'prompts:list', 'any'],
  ['tools:call', 'tools:call', 'any'],
  ['tools:call:*', 'tools:call', 'any'],
  ['tools:*:report-*', 'tools:call', 'report-daily'],
  ['tools:call:report-*', 'tools:call', 'report-daily'],
  ['tools:call:report-*', 'tools:call', 'report-'],
  ['tools:call:*-daily', 'tools:call', 'report-daily'],
  ['tools:c*', 'tools:call', 'any'],
  ['resources:read:docs://team/*', 'resources:read', 'docs://team/a/b'],
  ['resources:read:docs://team:80/*', 'resources:read', 'docs://team:80/a']
]

const refused: readonly [permission: string, scope: Scope, name: string][] = [
  ['tools:list', 'tools:call', 'any'],
  ['tools:*', 'prompts:get', 'any'],
  ['tools:call:report-*', 'tools:call', 'Report-daily'],
  ['tools:call:report-*', 'tools:call', 'a-report-daily'],
  ['tools:call:report', 'tools:call', 'report-daily'],
  ['tools:call:report', 'tools:list', 'report'],
  ['tools:call:', 'tools:call', 'any'],
  ['tools:call:.*', 'tools:call', 'any'],
  ['TOOLS:call', 'tools:call', 'any'],
  ['', 'tools:call', 'any'],
  ['resources:read:docs://team/*', 'resources:read', 'docs://teams/a']
]

for (const [permission, scope, name] of allowed) {
  t.test(`${permission} allows ${scope} of ${name}`, async (t) => { t.ok(new Grants([permission]).allows(scope, name)) })
}
for (const [permission, scope, name] of refused) {
  t.test(`${permission} does not allow ${scope} of ${name}`, async (t) => { t.notOk(new Grants([permission]).allows(scope, name)) })
}

t.test('no permission allows nothing, and several allow what each of them does', async (t) => {
  t.notOk(new Grants([]).allows('tools:call', 'a'))
  const grants = new Grants(['tools:call:a', 'tools:call:b*', 'prompts:get'])
  t.ok(grants.allows('tools:call', 'a') && grants.allows('tools:call', 'bc') && grants.allows('prompts:get', 'any'))
  t.notOk(grants.allows('tools:call', 'c'))
})

t.test('lists that say the same share their grants, others do not', async (t) => {
  t.equal(grantsOf(['tools:call', 'tools:list']), grantsOf(['tools:list', 'tools:call', 'tools:call']))
  t.not(grantsOf(['tools:call']), grantsOf(['tools:list']))
})

t.test('many different lists are each compiled rightly, and take bounded room', async (t) => {
  for (let number = 0; number < 3_000; number++) {
    const grants = grantsOf([`tools:call:t${number}`])
    t.equal(grants.allows('tools:call', `t${number}`) && !grants.allows('tools:call', `t${number + 1}`), true)
  }
})

t.test('a permission says what it is about, or nothing', async (t) => {
  t.strictSame(scopesOf('tools:*'), ['tools:list', 'tools:call'])
  t.strictSame(scopesOf('*:list'), ['tools:list', 'prompts:list', 'resources:list'])
  t.strictSame(scopesOf('tools:run'), [])
  t.strictSame(scopesOf('tool:call'), [])
})

t.test('a text is a permission when it has the form of one and permits something', async (t) => {
  for (const text of ['*', 'tools:*', 'tools:call:report-*', 'resources:read:docs://a/*', '*:list', 't*:call']) t.ok(isPermission(text), text)
  for (const text of ['', 'tools', 't*', '**', 'tools:', ':call', 'tools:run', 'tools:call:', 'tools:call:a b', 'openid', 'https://example.com/scope', 'tools:call\n']) t.notOk(isPermission(text), JSON.stringify(text))
})

t.test('a wider permission has a narrower one in it, never the other way round', async (t) => {
  const pairs = [['*', 'tools:call:a'], ['tools:*', 'tools:call'], ['tools:call', 'tools:call:a'], ['tools:call:a-*', 'tools:call:a-b'], ['tools:call:*', 'tools:call'], ['*:list', 'prompts:list'], ['tools:call:a*c', 'tools:call:ab*c']]
  for (const [wide = '', narrow = ''] of pairs) {
    t.ok(implies(wide, narrow), `${wide} has ${narrow} in it`)
    t.ok(implies(wide, wide))
    if (!['tools:call:*'].includes(wide)) t.notOk(implies(narrow, wide), `${narrow} has no ${wide} in it`)
  }
  t.notOk(implies('tools:call:a', 'tools:call:b'))
  t.notOk(implies('tools:list', 'tools:call'))
})

t.test('a pattern of many stars is decided fast on a text that nearly fits', async (t) => {
  const started = process.cpuUsage()
  t.notOk(matchesGlob(`${'*a'.repeat(50)}*b`, 'a'.repeat(5_000)))
  const { user } = process.cpuUsage(started)
  t.ok(user < 1_000_000, `${user} µs`)
})
