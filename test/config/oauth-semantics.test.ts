import t from 'tap'
import type { JsonObject } from '../../src/core/ports.ts'
import { loadValue, pathsOf } from '../helpers/load-text.ts'

const issuer = { issuer: 'https://id.example.com' }
const withOauth = (oauth: JsonObject, more: JsonObject = {}, root: JsonObject = {}): JsonObject => ({
  ...root, security: { authentication: { oauth: { resource: 'https://mcp.example.com/mcp', issuers: [issuer], ...oauth }, ...more } }
})
const at = '$.security.authentication'
const env = { API_KEY_SALT: 'salt' }

t.test('authentication that nobody could pass is a fault', async (t) => {
  for (const authentication of [{}, { enabled: true }, { apiKeys: [] }, { enabled: true, allowAnonymous: false, apiKeys: [] }]) {
    const { faults } = await loadValue(t, { security: { authentication } }, { env })
    t.strictSame(pathsOf(faults), [at], JSON.stringify(authentication))
    t.match(faults, [{ message: /nothing that they could show/, suggestion: /"allowAnonymous": true/, line: 3 }])
  }
})

t.test('keys, issuers, both, and anonymous callers with each of them, are each enough', async (t) => {
  const apiKeys = [{ name: 'a', key: 'a-key-that-is-long-enough-for-it' }]
  const oauth = { resource: 'https://mcp.example.com/mcp', issuers: [issuer] }
  for (const authentication of [{ apiKeys }, { oauth }, { apiKeys, oauth }, { allowAnonymous: true }, { allowAnonymous: true, apiKeys }, { allowAnonymous: true, oauth }, { allowAnonymous: true, apiKeys, oauth }, { enabled: false }]) {
    t.strictSame((await loadValue(t, { security: { authentication } }, { env })).faults, [], JSON.stringify(authentication))
  }
})

t.test('issuers under a switch that is off are a fault', async (t) => {
  const { faults } = await loadValue(t, withOauth({}, { enabled: false }))
  t.match(faults, [{ path: ['security', 'authentication', 'oauth'], message: 'Authentication is off, so nothing checks tokens.' }])
})

const addresses: readonly [promise: string, oauth: JsonObject, path: string, message: RegExp][] = [
  ['a resource over plain http', { resource: 'http://mcp.example.com/mcp' }, '.oauth.resource', /Expected an https: URL/],
  ['an issuer over plain http', { issuers: [{ issuer: 'http://id.example.com' }] }, '.oauth.issuers[0].issuer', /Expected an https: URL/],
  ['keys over plain http', { issuers: [{ ...issuer, jwksUri: 'http://id.example.com/jwks' }] }, '.oauth.issuers[0].jwksUri', /Expected an https: URL/],
  ['a resource with a fragment', { resource: 'https://mcp.example.com/mcp#a' }, '.oauth.resource', /without query and fragment/],
  ['a resource with a query', { resource: 'https://mcp.example.com/mcp?a=b' }, '.oauth.resource', /without query and fragment/],
  ['an issuer with a fragment', { issuers: [{ issuer: 'https://id.example.com#a' }] }, '.oauth.issuers[0].issuer', /without query and fragment/],
  ['an issuer with an empty query', { issuers: [{ issuer: 'https://id.example.com/?' }] }, '.oauth.issuers[0].issuer', /without query and fragment/],
  ['an issuer with credentials', { issuers: [{ issuer: 'https://user:secret-text@id.example.com' }] }, '.oauth.issuers[0].issuer', /without credentials/],
  ['an issuer that is no URL', { issuers: [{ issuer: 'https://:80' }] }, '.oauth.issuers[0].issuer', /Expected a URL/],
  ['an issuer of another scheme', { issuers: [{ issuer: 'ftp://id.example.com' }] }, '.oauth.issuers[0].issuer', /http: or https: URL/],
  ['a resource whose path would be a pattern', { resource: 'https://mcp.example.com/:mcp*' }, '.oauth.resource', /Expected a path/]
]
for (const [promise, oauth, path, message] of addresses) {
  t.test(`${promise} is a fault`, async (t) => {
    const { faults } = await loadValue(t, withOauth(oauth))
    t.strictSame(pathsOf(faults), [`${at}${path}`])
    t.match(faults, [{ message, line: Number }])
    t.notMatch(JSON.stringify(faults), /secret-text/)
  })
}

t.test('on this machine, plain http will do', async (t) => {
  const { faults } = await loadValue(t, withOauth({ resource: 'http://127.0.0.1:3001/mcp', issuers: [{ issuer: 'http://localhost:8080/realms/a', jwksUri: 'http://[::1]:8080/jwks' }] }))
  t.strictSame(faults, [])
})

t.test('an issuer that stands there twice is a fault', async (t) => {
  const { faults } = await loadValue(t, withOauth({ issuers: [issuer, { issuer: 'https://id.example.com/' }, { ...issuer, audience: 'other' }] }))
  t.match(faults, [{ path: ['security', 'authentication', 'oauth', 'issuers', 2, 'issuer'], message: /is that of \$\.security\.authentication\.oauth\.issuers\[0\], too/ }])
  t.equal(faults.length, 1, 'a slash more is another issuer')
})

const grants: readonly [promise: string, oauth: JsonObject, path: string, message: RegExp][] = [
  ['a scope that grants what there is not', { scopes: { a: ['tools:eat'] } }, '.oauth.scopes.a[0]', /neither a scope of this list nor a permission/],
  ['a scope that grants a misspelt scope', { scopes: { reports: ['tools:list'], all: ['report'] } }, '.oauth.scopes.all[0]', /"report" is neither/],
  ['a scope that no token could have', { scopes: { 'a b': ['tools:list'] } }, '.oauth.scopes["a b"]', /is no scope/],
  ['a required scope that no token could have', { requiredScopes: ['a"b'] }, '.oauth.requiredScopes[0]', /expected a scope|Expected a scope/],
  ['a scope that keeps tokens alive', { scopes: { offline_access: [] } }, '.oauth.scopes.offline_access', /between clients and issuers/],
  ['a required scope that keeps tokens alive', { requiredScopes: ['offline_access'] }, '.oauth.requiredScopes[0]', /between clients and issuers/],
  ['an algorithm that a shared secret signs with', { issuers: [{ ...issuer, algorithms: ['HS256'] }] }, '.oauth.issuers[0].algorithms[0]', /"RS256"/],
  ['no algorithm', { issuers: [{ ...issuer, algorithms: [] }] }, '.oauth.issuers[0].algorithms', /at least|1/],
  ['no algorithm by name', { issuers: [{ ...issuer, algorithms: ['none'] }] }, '.oauth.issuers[0].algorithms[0]', /"RS256"/],
  ['no issuer', { issuers: [] }, '.oauth.issuers', /at least|1/]
]
for (const [promise, oauth, path, message] of grants) {
  t.test(`${promise} is a fault`, async (t) => {
    const { faults } = await loadValue(t, withOauth(oauth))
    t.strictSame(pathsOf(faults), [`${at}${path}`])
    t.match(faults, [{ message }])
  })
}

t.test('a misspelt scope is answered with the one that was meant', async (t) => {
  const { faults } = await loadValue(t, withOauth({ scopes: { reports: ['tools:list'], all: ['report'] } }))
  t.match(faults, [{ suggestion: 'Did you mean "reports"?' }])
})

t.test('a key may not be named like a caller with a token', async (t) => {
  const named = (name: string): JsonObject => withOauth({}, { apiKeys: [{ name, key: 'a-key-that-is-long-enough-for-it' }] })
  t.match((await loadValue(t, named('https://id.example.com#alice'), { env })).faults, [{ path: ['security', 'authentication', 'apiKeys', 0, 'name'], message: /no key may be named so/ }])
  t.strictSame((await loadValue(t, named('https://id.example.com'), { env })).faults, [])
})

t.test('MCP cannot be served where the metadata is', async (t) => {
  for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
    const { faults } = await loadValue(t, withOauth({}, {}, { server: { path } }))
    t.strictSame(pathsOf(faults), ['$.server.path'])
  }
})

t.test('a resource at another path than MCP is worth a word', async (t) => {
  const { notices, faults } = await loadValue(t, withOauth({ resource: 'https://mcp.example.com/behind/a/proxy' }))
  t.strictSame(faults, [])
  t.match(notices.map(({ message }) => message), [/path of "security\.authentication\.oauth\.resource" \("\/behind\/a\/proxy"\)/])
  t.strictSame((await loadValue(t, withOauth({ resource: 'https://mcp.example.com/mcp/' }))).notices, [])
})

t.test('what comes from a variable is not shown', async (t) => {
  const { faults } = await loadValue(t, withOauth({ resource: '${RESOURCE}', issuers: [{ issuer: '${ISSUER}' }] }), { env: { RESOURCE: 'http://hidden.example', ISSUER: 'http://hidden.example' } })
  t.equal(faults.length, 2)
  t.notMatch(JSON.stringify(faults), /hidden/)
})
