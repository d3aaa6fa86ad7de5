import t from 'tap'
import { build, type JsonObject } from '../helpers/build.ts'

const issuers = [{ issuer: 'https://id.example.com', jwksUri: 'http://127.0.0.1:9/jwks' }]
const security = (oauth: JsonObject = {}): JsonObject => ({ authentication: { apiKeys: [{ name: 'a', key: 'a-key-that-is-long-enough-for-it' }], oauth: { resource: 'https://mcp.example.com/mcp', issuers, ...oauth } } })
const places = ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']
const expected = { resource: 'https://mcp.example.com/mcp', authorization_servers: ['https://id.example.com'], bearer_methods_supported: ['header'], resource_name: 'gantry' }

t.test('anyone reads the metadata at both places, pages of any site included', async (t) => {
  const app = await build(t, { security: security() })
  for (const url of places) {
    for (const headers of [{}, { origin: 'https://anything.example', host: 'anything.example' }, { authorization: 'Bearer nonsense' }, { authorization: 'Basic x' }]) {
      const { statusCode, headers: answered, body } = await app.inject({ url, headers })
      t.equal(statusCode, 200)
      t.match(answered, { 'content-type': 'application/json; charset=utf-8', 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300', 'x-content-type-options': 'nosniff' })
      t.notOk('access-control-allow-credentials' in answered)
      t.strictSame(JSON.parse(body), expected)
    }
    const head = await app.inject({ method: 'HEAD', url })
    t.equal(head.statusCode, 200)
    t.equal(head.body, '')
    t.equal(Number(head.headers['content-length']), Buffer.byteLength(JSON.stringify(expected)))
  }
})

t.test('nothing that a request says changes it', async (t) => {
  const app = await build(t, { security: security(), server: { trustProxy: true } })
  for (const url of [...places, ...places.map((place) => `${place}?resource=https://evil.example`)]) {
    const { body } = await app.inject({
      url,
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', forwarded: 'host=evil.example;proto=http', 'x-original-url': '/evil', 'x-forwarded-prefix': '/evil' }
    })
    t.strictSame(JSON.parse(body), expected)
  }
  const refused = await app.inject({ method: 'POST', url: '/mcp', headers: { host: 'localhost', 'x-forwarded-host': 'evil.example', 'content-type': 'application/json' }, payload: '{}' })
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Bearer realm="gantry", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"')
})

t.test('browsers that ask first are told that they may read it', async (t) => {
  const app = await build(t, { security: security() })
  for (const url of places) {
    const { statusCode, headers } = await app.inject({ method: 'OPTIONS', url, headers: { origin: 'https://page.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'mcp-protocol-version' } })
    t.equal(statusCode, 204)
    t.match(headers, { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' })
  }
})

t.test('it can be read and nothing else', async (t) => {
  const app = await build(t, { security: security() })
  for (const url of places) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const { statusCode, headers } = await app.inject({ method, url })
      t.equal(statusCode, 405)
      t.equal(headers['allow'], 'GET, HEAD, OPTIONS')
    }
  }
  t.equal((await app.inject({ url: `${places[0]}/other` })).statusCode, 401, 'what is beside it is behind the guard')
  t.equal((await app.inject({ url: '/.well-known' })).statusCode, 401)
})

t.test('the document of another path is there and not at ours', async (t) => {
  const app = await build(t, { security: security({ resource: 'https://mcp.example.com/behind/a/proxy/' }) })
  t.equal((await app.inject({ url: '/.well-known/oauth-protected-resource/behind/a/proxy/' })).statusCode, 200)
  t.equal((await app.inject({ url: '/.well-known/oauth-protected-resource' })).statusCode, 200)
  t.equal((await app.inject({ url: '/.well-known/oauth-protected-resource/mcp' })).statusCode, 401)
})

t.test('a server without issuers has no such document', async (t) => {
  const off = await build(t, {})
  t.equal((await off.inject({ url: places[0] ?? '' })).statusCode, 404)
  const keys = await build(t, { security: { authentication: { apiKeys: [{ name: 'a', key: 'a-key-that-is-long-enough-for-it' }] } } })
  t.equal((await keys.inject({ url: places[0] ?? '' })).statusCode, 401)
})
