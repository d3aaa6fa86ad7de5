import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { CompactSign, exportSPKI, SignJWT } from 'jose'
import t from 'tap'
import { AccessTokens, type TokenVerdict } from '../../src/auth/access-tokens.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import { configOf, type Test } from '../helpers/build.ts'
import { handmade, Issuer, type Algorithm, makeKey, resource, type TokenOptions } from '../helpers/issuer.ts'
import { createRecorder, type Recorder } from '../helpers/log-recorder.ts'
import { until } from '../helpers/waiting.ts'

interface Setting { issuer: Issuer, tokens: AccessTokens, clock: { time: number, now (): number }, recorder: Recorder, verdictOn (token: string): Promise<TokenVerdict> }

interface OpenOptions { section?: JsonObject, issuer?: JsonObject, sharedPermissions?: string[], algorithms?: readonly Algorithm[] }

async function open (t: Test, { section = {}, issuer: about = {}, sharedPermissions = [], algorithms = ['ES256'] }: OpenOptions = {}): Promise<Setting> {
  const clock = { time: Date.parse('2026-06-01T00:00:00Z'), now () { return this.time } }
  const issuer = await Issuer.start(t, { clock, algorithms })
  const recorder = createRecorder()
  const { security: { authentication } } = configOf({ security: { authentication: { oauth: { resource, issuers: [{ issuer: issuer.url, ...about }], ...section } } } })
  if (authentication?.oauth === undefined) throw new Error('unreachable')
  const tokens = new AccessTokens({ section: authentication.oauth, sharedPermissions, clock, logger: recorder.logger })
  t.teardown(() => { tokens.close() })
  async function verdictOn (token: string): Promise<TokenVerdict> {
    const read = await tokens.read(token)
    return read.kind === 'unverified' ? await tokens.verify(read) : read
  }
  return { issuer, tokens, clock, recorder, verdictOn }
}

const allAlgorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']
for (const algorithm of allAlgorithms) {
  t.test(`a token that is signed with ${algorithm} says who calls, what it may do and until when`, async (t) => {
    const { issuer, clock, verdictOn } = await open(t, { algorithms: [algorithm], sharedPermissions: ['tools:list'], issuer: { tierFrom: 'plan' } })
    const token = await issuer.token({ key: issuer.key(algorithm), claims: { scope: 'openid tools:call:report-* prompts:*', plan: 'gold' } })
    t.strictSame(await verdictOn(token), {
      kind: 'accepted',
      principal: {
        kind: 'token',
        name: `${issuer.url}#alice`,
        permissions: ['tools:list', 'tools:call:report-*', 'prompts:*'],
        tier: 'gold',
        expiresAtMs: clock.time + 3_600_000 + 5_000
      }
    })
  })
}

t.test('tokens of several issuers are theirs, and equal subjects of two are two callers', async (t) => {
  const other = await Issuer.start(t, { algorithms: ['ES256'], clock: { now: () => Date.parse('2026-06-01T00:00:00Z') } })
  const { issuer, verdictOn } = await open(t)
  const both = configOf({ security: { authentication: { oauth: { resource, issuers: [{ issuer: issuer.url }, { issuer: other.url, audience: 'api', jwksUri: other.jwksUri }] } } } }).security.authentication?.oauth
  if (both === undefined) throw new Error('unreachable')
  const tokens = new AccessTokens({ section: both, sharedPermissions: [], clock: { now: () => Date.parse('2026-06-01T00:00:00Z') }, logger: createRecorder().logger })
  const nameOf = async (token: string): Promise<string> => {
    const read = await tokens.read(token)
    const verdict = read.kind === 'unverified' ? await tokens.verify(read) : read
    return verdict.kind === 'accepted' ? verdict.principal.name : verdict.kind
  }
  t.equal(await nameOf(await issuer.token()), `${issuer.url}#alice`)
  t.equal(await nameOf(await other.token({ claims: { aud: 'api' } })), `${other.url}#alice`)
  t.equal(await nameOf(await other.token()), 'refused', 'each has an audience of its own')
  t.equal(await nameOf(await issuer.token({ claims: { aud: 'api' } })), 'refused')
  t.equal(await nameOf(await other.token({ claims: { iss: issuer.url } })), 'refused', 'and keys of its own')
  t.equal(await nameOf(await issuer.token({ claims: { iss: other.url, aud: 'api' } })), 'refused')
  t.match(await verdictOn(await other.token()), { kind: 'refused', reason: /issuer is not among/ })
})

/** What makes the claims of a good token not count. */
const claims: readonly [promise: string, changes: Record<string, unknown>, reason: RegExp][] = [
  ['has expired', { exp: Date.parse('2026-06-01T00:00:00Z') / 1_000 - 5 }, /expired/],
  ['expired long ago', { exp: 1 }, /expired/],
  ['expired before the epoch', { exp: -1 }, /expired/],
  ['never expires', { exp: undefined }, /"exp"/],
  ['expires at no number', { exp: '4000000000' }, /"exp"/],
  ['expires at nothing', { exp: null }, /"exp"/],
  ['is not valid yet', { nbf: Date.parse('2026-06-01T00:00:00Z') / 1_000 + 6 }, /"nbf"/],
  ['is valid from no number on', { nbf: 'now' }, /"nbf"/],
  ['was issued at no number', { iat: 'now' }, /"iat"/],
  ['is for nobody', { aud: undefined }, /"aud"/],
  ['is for another server', { aud: 'https://other.example.com/mcp' }, /"aud"/],
  ['is for the host without the path', { aud: 'https://mcp.example.com' }, /"aud"/],
  ['is for a path below', { aud: `${resource}/` }, /"aud"/],
  ['is for another letter case', { aud: resource.toUpperCase() }, /"aud"/],
  ['is for several others', { aud: ['https://a.example', 'https://b.example'] }, /"aud"/],
  ['is for an empty list', { aud: [] }, /"aud"/],
  ['is for a list in a list', { aud: [[resource]] }, /"aud"/],
  ['is for an object', { aud: { 0: resource } }, /"aud"/],
  ['has no subject', { sub: undefined }, /"sub"/],
  ['has an empty subject', { sub: '' }, /subject/],
  ['has a subject that is no text', { sub: 7 }, /subject/],
  ['has a subject that is too long', { sub: 'x'.repeat(256) }, /subject/],
  ['has a subject with a line break', { sub: 'alice\nbob' }, /subject/],
  ['names no issuer', { iss: undefined }, /issuer/],
  ['names another issuer', { iss: 'https://evil.example' }, /issuer/],
  ['names a list of issuers', { iss: ['http://127.0.0.1'] }, /issuer/],
  ['names what every object has as its issuer', { iss: 'constructor' }, /issuer/]
]
for (const [promise, changes, reason] of claims) {
  t.test(`a token that ${promise} is refused, and it is not remembered`, async (t) => {
    const { issuer, tokens, verdictOn } = await open(t)
    const token = await signed(issuer, changes)
    t.match(await verdictOn(token), { kind: 'refused', reason })
    t.equal(tokens.recall(token), undefined)
  })
}

/** Signs whatever the claims are; the library would not write some of these. */
async function signed (issuer: Issuer, changes: Record<string, unknown>): Promise<string> {
  const { alg, kid, privateKey } = issuer.key('ES256')
  return await new CompactSign(Buffer.from(JSON.stringify(issuer.claims(changes)))).setProtectedHeader({ alg, kid, typ: 'at+jwt' }).sign(privateKey)
}

const good: readonly [promise: string, options: TokenOptions][] = [
  ['for several servers, this one among them', { claims: { aud: ['https://a.example', resource] } }],
  ['within the tolerance after it has expired', { claims: { exp: Date.parse('2026-06-01T00:00:00Z') / 1_000 - 4 } }],
  ['within the tolerance before it is valid', { claims: { nbf: Date.parse('2026-06-01T00:00:00Z') / 1_000 + 5 } }],
  ['of a subject of 255 characters', { claims: { sub: 'ü'.repeat(255) } }],
  ['of the type application/at+jwt', { header: { typ: 'application/at+jwt' } }],
  ['of the type AT+JWT', { header: { typ: 'AT+JWT' } }],
  ['of the type JWT', { header: { typ: 'JWT' } }],
  ['of no type', { header: { typ: undefined } }],
  ['without the id of its key', { header: { kid: undefined } }],
  ['that expires in a thousand years', { claims: { exp: 33_000_000_000 } }]
]
for (const [promise, options] of good) {
  t.test(`a token ${promise} counts`, async (t) => {
    const { issuer, verdictOn } = await open(t)
    t.match(await verdictOn(await issuer.token(options)), { kind: 'accepted' })
  })
}

t.test('where only access tokens count, plain ones do not', async (t) => {
  const { issuer, verdictOn } = await open(t, { issuer: { plainJwt: false } })
  t.match(await verdictOn(await issuer.token()), { kind: 'accepted' })
  for (const typ of ['JWT', 'jwt', undefined]) t.match(await verdictOn(await issuer.token({ header: { typ } })), { kind: 'refused', reason: /type/ })
})

t.test('tokens of other kinds never count', async (t) => {
  const { issuer, verdictOn } = await open(t)
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JOSE', 'at+jwt ', '', 7, null, ['at+jwt']]) {
    const token = await signedHeader(issuer, { typ })
    t.match(await verdictOn(token), { kind: 'refused' }, JSON.stringify(typ))
  }
})

async function signedHeader (issuer: Issuer, header: Record<string, unknown>): Promise<string> {
  const { alg, kid, privateKey } = issuer.key('ES256')
  return await new CompactSign(Buffer.from(JSON.stringify(issuer.claims()))).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(privateKey)
}

t.test('only the algorithms of the issuer count', async (t) => {
  const { issuer, verdictOn } = await open(t, { algorithms: allAlgorithms, issuer: { algorithms: ['ES256'] } })
  t.match(await verdictOn(await issuer.token({ key: issuer.key('ES256') })), { kind: 'accepted' })
  for (const algorithm of ['RS256', 'EdDSA'] as const) t.match(await verdictOn(await issuer.token({ key: issuer.key(algorithm) })), { kind: 'refused', reason: /algorithm/ })
})

t.test('a signature that the public key made as a secret is none', async (t) => {
  const { issuer, verdictOn } = await open(t, { algorithms: allAlgorithms })
  for (const algorithm of allAlgorithms) {
    const { kid, publicKey, jwk } = issuer.key(algorithm)
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(jwk), String(jwk.n ?? jwk.x)]) {
      const unsigned = handmade({ alg: 'HS256', kid, typ: 'at+jwt' }, issuer.claims()).slice(0, -1)
      const token = `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`
      t.match(await verdictOn(token), { kind: 'refused', reason: /algorithm/ })
    }
  }
})

t.test('no spelling of no algorithm counts', async (t) => {
  const { issuer, verdictOn } = await open(t)
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, 0, ['ES256'], 'es256', 'ES256K', 'ES256 ']) {
    const { kid } = issuer.key()
    for (const signature of ['', 'AAAA', 'A'.repeat(86)]) t.match(await verdictOn(handmade({ alg, kid, typ: 'at+jwt' }, issuer.claims(), signature)), { kind: 'refused' }, JSON.stringify(alg))
  }
})

t.test('what a token says of where its key is, is not looked at', async (t) => {
  const { issuer, verdictOn } = await open(t)
  const evil = await Issuer.start(t)
  const [mine, theirs] = [issuer.key('ES256'), evil.key('ES256')]
  for (const header of [{ jku: evil.jwksUri }, { x5u: `${evil.url}/cert` }, { jwk: theirs.jwk }, { x5c: ['MIIB'] }, { x5t: 'x' }, { kid: evil.jwksUri }, { kid: '../../jwks' }, { kid: theirs.kid, jku: evil.jwksUri, jwk: theirs.jwk }]) {
    for (const kid of [mine.kid, theirs.kid]) {
      const token = await new SignJWT(issuer.claims()).setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header }).sign(theirs.privateKey)
      t.match(await verdictOn(token), { kind: 'refused' }, JSON.stringify(header))
    }
  }
  t.strictSame(evil.requests, [])
  t.match(await verdictOn(await issuer.token({ header: { jku: evil.jwksUri, jwk: theirs.jwk } })), { kind: 'accepted' }, 'a good token is none the worse for it')
  t.strictSame(evil.requests, [])
})

t.test('a header that has to be understood and is not, is not passed over', async (t) => {
  const { issuer, verdictOn } = await open(t)
  for (const header of [{ crit: ['exp'], exp: 1 }, { crit: ['b64'], b64: false }, { crit: [] }, { crit: 'exp' }]) {
    const claims = issuer.claims()
    const { kid } = issuer.key('ES256')
    t.match(await verdictOn(handmade({ alg: 'ES256', kid, typ: 'at+jwt', ...header }, claims, 'A'.repeat(86))), { kind: 'refused' }, JSON.stringify(header))
  }
})

t.test('a good token with any part of it changed is refused', async (t) => {
  const { issuer, verdictOn } = await open(t)
  const token = await issuer.token()
  const [header = '', payload = '', signature = ''] = token.split('.')
  const other = (await issuer.token({ claims: { sub: 'admin', scope: '*' } })).split('.')
  const bad = [
    `${header}.${other[1]}.${signature}`, `${header}.${payload}.${other[2]}`, `${header}.${payload}.`, `${header}.${payload}`, `${header}..${signature}`, `.${payload}.${signature}`,
    `${token}.`, `${token}.x`, `${token}=`, ` ${token}`, `${token}x`, `${header}.${payload}.${signature.slice(0, -4)}`, `${header}.${payload}.${'A'.repeat(signature.length)}`,
    `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`, token.replaceAll('.', '..'), `${header}.${payload}.${signature}.${signature}.${signature}`
  ]
  for (const text of bad) t.match(await verdictOn(text), { kind: 'refused' }, text.slice(-40))
  t.match(await verdictOn(token), { kind: 'accepted' })
})

t.test('what is no JSON inside is refused', async (t) => {
  const { issuer, verdictOn } = await open(t)
  const { kid } = issuer.key()
  const header = { alg: 'ES256', kid }
  for (const [head, claims] of [[header, '['.repeat(5_000)], [header, 'null'], [header, '[]'], [header, '"text"'], [header, '{'], ['{', '{}'], ['null', '{}'], ['[]', '{}'], ['\xff\xfe', '{}'], [header, '{"__proto__":{"iss":"x"}}']] as const) {
    t.match(await verdictOn(handmade(head, claims, 'AAAA')), { kind: 'refused' }, JSON.stringify([head, claims]).slice(0, 80))
  }
})

t.test('a key that is too short for its algorithm verifies nothing', async (t) => {
  const { issuer, verdictOn } = await open(t)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  issuer.published.push({ ...publicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256', use: 'sig' } as never)
  const unsigned = handmade({ alg: 'RS256', kid: 'short', typ: 'at+jwt' }, issuer.claims()).slice(0, -1)
  const token = `${unsigned}.${createSign('sha256').update(unsigned).sign(privateKey, 'base64url')}`
  t.match(await verdictOn(token), { kind: 'refused' })
})

t.test('what counts is remembered until it expires', async (t) => {
  const { issuer, tokens, clock, verdictOn } = await open(t, { section: { clockTolerance: 1_000, jwksMaxAge: 86_400_000 } })
  const token = await issuer.token()
  t.equal(tokens.recall(token), undefined)
  const verdict = await verdictOn(token)
  t.equal(tokens.recall(token), verdict, 'the very same principal, so that nothing is compiled anew')
  clock.time += 3_600_999
  t.equal(tokens.recall(token), verdict)
  clock.time += 1
  t.equal(tokens.recall(token), undefined)
  t.match(await verdictOn(token), { kind: 'refused', reason: /expired/ })
})

t.test('a token that was verified before counts while its issuer is away, and not after its key was withdrawn', async (t) => {
  const { issuer, tokens, clock, recorder, verdictOn } = await open(t)
  const token = await issuer.token()
  const verdict = await verdictOn(token)
  clock.time += 600_000
  t.equal(tokens.recall(token), undefined, 'not before the keys were looked at again')
  t.equal(await tokens.renew(token), verdict)
  t.equal(tokens.recall(token), verdict)
  await issuer.stop()
  clock.time += 600_000
  t.equal(await tokens.renew(token), verdict)
  await issuer.restart()
  issuer.withdraw(issuer.key('ES256'))
  clock.time += 600_000
  await tokens.renew(token)
  await until('the issuer is back', () => recorder.lines.length === 2)
  t.equal(tokens.recall(token), undefined)
  t.equal(await tokens.renew(token), undefined)
  t.match(await verdictOn(token), { kind: 'refused', reason: /key/ })
})

t.test('an issuer that was never reached leaves the question open', async (t) => {
  const { issuer, clock, verdictOn } = await open(t)
  const [token, evil] = [await issuer.token(), await makeKey('ES256')]
  const forged = await issuer.token({ key: evil })
  await issuer.stop()
  t.strictSame(await verdictOn(token), { kind: 'undecidable', retryAfterSeconds: 30 })
  clock.time += 29_001
  t.match(await verdictOn(forged), { kind: 'undecidable', retryAfterSeconds: 1 })
  t.match(await verdictOn(handmade({ alg: 'none' }, issuer.claims())), { kind: 'refused' }, 'what could never count is refused all the same')
  await issuer.restart()
  clock.time += 999
  t.match(await verdictOn(token), { kind: 'accepted' })
  t.match(await verdictOn(forged), { kind: 'refused' })
})

t.test('a token without the scopes that every caller needs counts and does not suffice', async (t) => {
  const { issuer, tokens, verdictOn } = await open(t, { section: { scopes: { basic: ['tools:list'], all: ['basic', 'tools:*'] }, requiredScopes: ['basic'] } })
  for (const scope of [undefined, '', 'openid', 'tools:*', 'Basic', 7, ['basic openid']]) {
    const token = await signed(issuer, { scope })
    t.strictSame(await verdictOn(token), { kind: 'insufficient' }, JSON.stringify(scope))
    t.strictSame(tokens.recall(token), { kind: 'insufficient' })
  }
  for (const scope of ['basic', 'openid all', ['basic']]) t.match(await verdictOn(await signed(issuer, { scope })), { kind: 'accepted' }, JSON.stringify(scope))
})

t.test('permissions come from the claim that the configuration names, and required scopes from scope as well', async (t) => {
  const { issuer, tokens, verdictOn } = await open(t, { issuer: { permissionsFrom: 'realm_access.roles' }, section: { scopes: { analyst: ['tools:call:report-*'] }, requiredScopes: ['mcp'] } })
  const verdict = await verdictOn(await issuer.token({ claims: { scope: 'mcp tools:*', realm_access: { roles: ['analyst', 'offline_access', 'prompts:get'] } } }))
  t.match(verdict, { kind: 'accepted', principal: { permissions: ['tools:call:report-*', 'prompts:get'] } })
  if (verdict.kind === 'accepted') t.strictSame(tokens.scopesToReach('tools:call:report-x', verdict.principal), ['mcp', 'analyst', 'prompts:get', 'tools:*'])
})

t.test('a tier that is no short text is none', async (t) => {
  const { issuer, verdictOn } = await open(t, { issuer: { tierFrom: 'plan' } })
  for (const plan of [undefined, 7, ['gold'], '', 'x'.repeat(129)]) t.match(await verdictOn(await signed(issuer, { plan })), { kind: 'accepted', principal: { tier: undefined } })
})

t.test('nothing of a token or its claims is logged', async (t) => {
  const { issuer, tokens, recorder } = await open(t)
  const token = await issuer.token({ claims: { secret: 'only-in-the-claims' } })
  const read = await tokens.read(token)
  if (read.kind === 'unverified') await tokens.verify(read)
  await issuer.stop()
  t.notMatch(recorder.text(), /only-in-the-claims|eyJ/)
})
