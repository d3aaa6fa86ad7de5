import { createHmac } from 'node:crypto'
import { exportSPKI, SignJWT } from 'jose'
import t from 'tap'
import { metadataRoot } from '../../src/core/protected-resource.ts'
import type { JsonObject, Test } from '../helpers/build.ts'
import { handmade, Issuer, makeKey, resource } from '../helpers/issuer.ts'
import { doors, goodKey, House, type Door } from './doors.ts'

/** Tokens at every door. What can be wrong with one in detail, test/auth/access-tokens.test.ts knows. */

const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

async function open (t: Test): Promise<{ house: House, issuer: Issuer, evil: Issuer }> {
  const [issuer, evil] = await Promise.all([Issuer.start(t, { algorithms: ['ES256', 'RS256'] }), Issuer.start(t)])
  const security: JsonObject = {
    authentication: {
      apiKeys: [{ name: 'ann', key: goodKey, permissions: ['*'] }],
      oauth: { resource, issuers: [{ issuer: issuer.url }, { issuer: 'https://second.example.com', jwksUri: issuer.jwksUri, audience: 'second' }], jwksCooldown: 3_600_000 },
      failureLimit: { window: 60_000, maxRequests: 1_000_000 }
    }
  }
  return { issuer, evil, house: await House.open(t, security) }
}

type Forge = (issuer: Issuer, evil: Issuer) => string | Promise<string>
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600

const forgeries: readonly [promise: string, forge: Forge][] = [
  ['a token that has expired', async (issuer) => await issuer.token({ claims: { exp: Math.floor(Date.now() / 1_000) - 60 } })],
  ['a token that never expires', async (issuer) => await issuer.token({ claims: { exp: undefined } })],
  ['a token that is not valid yet', async (issuer) => await issuer.token({ claims: { nbf: inAnHour() } })],
  ['a token for another server', async (issuer) => await issuer.token({ claims: { aud: 'https://other.example.com/mcp' } })],
  ['a token of a stranger', async (_issuer, evil) => await evil.token()],
  ['a token that a stranger signed for the issuer', async (issuer, evil) => await evil.token({ claims: { iss: issuer.url } })],
  ['a token of one issuer that names another', async (issuer) => await issuer.token({ claims: { iss: 'https://second.example.com' } })],
  ['a token that nobody signed', (issuer) => handmade({ alg: 'none', typ: 'at+jwt' }, issuer.claims())],
  ['a token that nobody signed, under the name of a key', (issuer) => handmade({ alg: 'ES256', kid: issuer.key().kid, typ: 'at+jwt' }, issuer.claims())],
  ['a token that the public key signed as a secret', async (issuer) => {
    const { kid, publicKey } = issuer.key('RS256')
    const unsigned = handmade({ alg: 'HS256', kid, typ: 'at+jwt' }, issuer.claims()).slice(0, -1)
    return `${unsigned}.${createHmac('sha256', await exportSPKI(publicKey)).update(unsigned).digest('base64url')}`
  }],
  ['a token with an address of keys in it', async (issuer, evil) => await sign(issuer, evil, { jku: evil.jwksUri })],
  ['a token with the address of a certificate in it', async (issuer, evil) => await sign(issuer, evil, { x5u: `${evil.url}/cert` })],
  ['a token with a key in it', async (issuer, evil) => await sign(issuer, evil, { jwk: evil.key().jwk })],
  ['a token whose key has an address for a name', async (issuer, evil) => await sign(issuer, evil, { kid: evil.jwksUri })],
  ['a token under the name of a real key', async (issuer) => await issuer.token({ key: await makeKey('ES256', issuer.key().kid) })],
  ['a token whose claims were changed', async (issuer) => {
    const [header, , signature] = (await issuer.token()).split('.')
    return `${header}.${Buffer.from(JSON.stringify(issuer.claims({ sub: 'admin', scope: '*' }))).toString('base64url')}.${signature}`
  }],
  ['a token of another kind', async (issuer) => await issuer.token({ header: { typ: 'logout+jwt' } })],
  ['what only looks like a token', () => 'eyJ.eyJ.AAAA']
]

async function sign (issuer: Issuer, evil: Issuer, header: Record<string, unknown>): Promise<string> {
  return await new SignJWT(issuer.claims()).setProtectedHeader({ alg: 'ES256', kid: evil.key().kid, typ: 'at+jwt', ...header }).sign(evil.key().privateKey)
}

const guarded = doors.filter(({ isPublic }) => isPublic !== true)
/** Sessions of this table belong to the holder of the key: to anybody else they are unknown. */
const openFor = ({ session, open }: Door): number => session === true ? 404 : open

const { house, issuer, evil } = await open(t)

t.test('a good token opens every door, and no session of somebody else', async (t) => {
  const authorization = `Bearer ${await issuer.token({ claims: { scope: '*' } })}`
  for (const door of guarded) t.equal((await house.knock(door, { authorization })).status, openFor(door), door.name)
})

for (const [promise, forge] of forgeries) {
  t.test(`${promise} is refused at every door, and nothing in it is fetched`, async (t) => {
    const token = await forge(issuer, evil)
    for (const door of guarded) {
      const { status, headers, text } = await house.knock(door, { authorization: `Bearer ${token}` })
      t.equal(status, 401, door.name)
      t.equal(headers['www-authenticate'], `Bearer realm="gantry", error="invalid_token", resource_metadata="${metadata}"`, door.name)
      t.notMatch(text, token)
    }
    t.strictSame(evil.requests, [])
    t.ok(issuer.fetches <= 4, 'two servers with two issuers each: one fetch for each of them, whatever came')
  })
}

t.test('who shows nothing is told at every door where the issuers are found', async (t) => {
  for (const door of guarded) {
    const { status, headers } = await house.knock(door)
    t.equal(status, 401, door.name)
    t.equal(headers['www-authenticate'], `Bearer realm="gantry", resource_metadata="${metadata}"`, door.name)
  }
})

t.test('a good token in the header for keys, in the address or under another scheme is none', async (t) => {
  const token = await issuer.token()
  for (const door of guarded) {
    t.equal((await house.knock(door, { 'x-api-key': token })).status, 401, door.name)
    t.equal((await house.knock(door, { authorization: `DPoP ${token}` })).status, 401, door.name)
    t.equal((await house.knock(door, {}, `access_token=${token}`)).status, 401, door.name)
  }
})

t.test('what issuers add to the routes is the public metadata, and nothing else', async (t) => {
  for (const server of ['stateful', 'stateless'] as const) {
    const known = new Set(doors.filter((door) => door.server === server).map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`))
    const added = house.routes(server).filter((route) => !known.has(route))
    t.ok(added.length > 0)
    t.strictSame(added.filter((route) => !route.includes(` ${metadataRoot}`)), [])
  }
})
