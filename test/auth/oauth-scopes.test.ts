import t from 'tap'
import { OAuthScopes } from '../../src/auth/oauth-scopes.ts'

const scopes = new OAuthScopes({
  scopes: {
    reports: ['reports:write', 'prompts:*'],
    'reports:write': ['reports:read', 'tools:call:publish-*'],
    'reports:read': ['tools:list', 'tools:call:report-*'],
    'tools:list': ['tools:list'],
    member: [],
    one: ['other'],
    other: ['one', 'resources:list']
  },
  requiredScopes: ['reports:read', 'tools:call:report-daily']
})

t.test('a scope grants its permissions and those of the scopes that it grants', async (t) => {
  t.strictSame(scopes.permissionsOf(['reports:read']).sort(), ['tools:call:report-*', 'tools:list'])
  t.strictSame(scopes.permissionsOf(['reports']).sort(), ['prompts:*', 'tools:call:publish-*', 'tools:call:report-*', 'tools:list'])
  t.strictSame(scopes.permissionsOf(['reports', 'reports:read']).length, 4, 'each once')
  t.strictSame(scopes.permissionsOf(['one']), ['resources:list'], 'two that grant each other are one')
  t.strictSame(scopes.permissionsOf(['member']), [])
})

t.test('a scope that has the form of a permission is that permission, unless the configuration says what it is', async (t) => {
  t.strictSame(scopes.permissionsOf(['tools:call:a', 'resources:*', '*']), ['tools:call:a', 'resources:*', '*'])
  t.strictSame(scopes.permissionsOf(['tools:list']), ['tools:list'])
  const narrowed = new OAuthScopes({ scopes: { 'tools:call': ['tools:call:safe-*'] }, requiredScopes: [] })
  t.strictSame(narrowed.permissionsOf(['tools:call']), ['tools:call:safe-*'])
})

t.test('what is neither grants nothing', async (t) => {
  t.strictSame(scopes.permissionsOf(['openid', 'profile', 'offline_access', 'tool:call', 'tools', 't*', 'tools:', ':call', '', '**', 'constructor', '__proto__', 'tools:call:a b', 'tools:eat']), [])
})

t.test('required scopes may be had by another scope, or by a wider permission', async (t) => {
  t.equal(scopes.suffice([]), false)
  t.equal(scopes.suffice(['reports:read']), true)
  t.equal(scopes.suffice(['reports:write']), true)
  t.equal(scopes.suffice(['reports']), true)
  t.equal(scopes.suffice(['tools:*']), false, 'what grants all that a scope grants is not that scope')
  t.equal(scopes.suffice(['member', 'openid']), false)
  t.equal(scopes.suffice(['Reports']), false)
  const plain = new OAuthScopes({ scopes: {}, requiredScopes: ['tools:call:a', 'openid'] })
  t.equal(plain.suffice(['tools:*', 'openid']), true)
  t.equal(plain.suffice(['*']), false, 'no permission is a scope of another kind')
  t.equal(plain.suffice(['tools:call:b', 'openid']), false)
  t.equal(new OAuthScopes({ scopes: {}, requiredScopes: [] }).suffice([]), true)
})

t.test('to reach something, the scope is asked for that grants least, beside what is held and what is required', async (t) => {
  const required = ['reports:read', 'tools:call:report-daily']
  t.strictSame(scopes.toReach('tools:call:publish-daily', []), [...required, 'reports:write'])
  t.strictSame(scopes.toReach('prompts:get:daily', ['reports:write', 'openid', 'tools:list']), [...required, 'reports:write', 'tools:list', 'reports'])
  t.equal(scopes.toReach('tools:call:other', ['reports']), undefined, 'no scope grants it')
})

t.test('without a list of scopes, the permission itself is asked for, if it can stand in a scope', async (t) => {
  const plain = new OAuthScopes({ scopes: {}, requiredScopes: [] })
  t.strictSame(plain.toReach('tools:call:a', ['tools:list', 'openid']), ['tools:list', 'tools:call:a'])
  t.equal(plain.toReach('resources:read:docs://a"b', []), undefined)
  t.equal(plain.toReach('prompts:get:two words', []), undefined)
})
