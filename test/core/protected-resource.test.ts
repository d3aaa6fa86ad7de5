import t from 'tap'
import { metadataPaths, metadataText, metadataUrl } from '../../src/core/protected-resource.ts'
import { configOf } from '../helpers/build.ts'

const places: readonly [resource: string, url: string, paths: string[]][] = [
  ['https://a.example/mcp', 'https://a.example/.well-known/oauth-protected-resource/mcp', ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']],
  ['https://a.example:8443/one/two/mcp', 'https://a.example:8443/.well-known/oauth-protected-resource/one/two/mcp', ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/one/two/mcp']],
  ['https://a.example/mcp/', 'https://a.example/.well-known/oauth-protected-resource/mcp/', ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp/']],
  ['https://a.example', 'https://a.example/.well-known/oauth-protected-resource', ['/.well-known/oauth-protected-resource']],
  ['https://a.example/', 'https://a.example/.well-known/oauth-protected-resource', ['/.well-known/oauth-protected-resource']]
]
for (const [resource, url, paths] of places) {
  t.test(`the document of ${resource} is where RFC 9728 looks for it`, async (t) => {
    t.equal(metadataUrl(resource), url)
    t.strictSame(metadataPaths(resource), paths)
  })
}

t.test('the document says what stands in the configuration, as it stands there', async (t) => {
  const oauth = configOf({
    security: {
      authentication: {
        oauth: {
          resource: 'https://a.example/mcp',
          issuers: [{ issuer: 'https://id.example.com/' }, { issuer: 'https://other.example.com/tenant' }],
          scopes: { 'reports:read': ['tools:list'], reports: ['reports:read'] },
          requiredScopes: ['mcp', 'reports:read']
        }
      }
    }
  }).security.authentication?.oauth
  if (oauth === undefined) throw new Error('unreachable')
  t.strictSame(JSON.parse(metadataText(oauth, 'my server')), {
    resource: 'https://a.example/mcp',
    authorization_servers: ['https://id.example.com/', 'https://other.example.com/tenant'],
    scopes_supported: ['mcp', 'reports:read', 'reports'],
    bearer_methods_supported: ['header'],
    resource_name: 'my server'
  })
  t.notOk('scopes_supported' in JSON.parse(metadataText({ ...oauth, scopes: {}, requiredScopes: [] }, 'x')), 'none is not an empty list')
})
