import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { exportJWK } from 'jose'
import t from 'tap'
import { IssuerKeys, type IssuerKeysOptions } from '../../src/auth/issuer-keys.ts'
import type { Test } from '../helpers/build.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { Issuer, makeKey, type SigningKey } from '../helpers/issuer.ts'
import { createRecorder, type Recorder } from '../helpers/log-recorder.ts'
import { deferred, until } from '../helpers/waiting.ts'

interface Setting { issuer: Issuer, keys: IssuerKeys, clock: { time: number, now (): number }, recorder: Recorder }

/** An issuer and what reads its keys; it knows where they are unless a test wants it to find out. */
async function open (t: Test, changes: Partial<IssuerKeysOptions> & { path?: string } = {}): Promise<Setting> {
  const issuer = await Issuer.start(t, { path: changes.path ?? '' })
  const clock = { time: 1_800_000_000_000, now () { return this.time } }
  const recorder = createRecorder()
  const keys = new IssuerKeys({ issuer: issuer.url, jwksUri: issuer.jwksUri, maxAgeMs: 600_000, cooldownMs: 30_000, timeoutMs: 20_000, clock, logger: recorder.logger, ...changes })
  t.teardown(() => { keys.close() })
  return { issuer, keys, clock, recorder }
}

const headerOf = ({ alg, kid }: SigningKey) => ({ alg, kid })
const unknown = (kid: string) => ({ alg: 'ES256', kid })

t.test('the keys are fetched once, by the first of many who need them', async (t) => {
  const { issuer, keys } = await open(t)
  t.equal(keys.isFresh, false)
  const header = headerOf(issuer.key())
  const found = await Promise.all(Array.from({ length: 50 }, async () => await keys.freshen() && (await keys.candidates(header)).length === 1))
  t.ok(found.every(Boolean))
  t.equal(issuer.fetches, 1)
  t.equal(keys.isFresh, true)
})

t.test('keys that have grown old are fetched anew before they count again, once for all who ask', async (t) => {
  const { issuer, keys, clock } = await open(t)
  await keys.freshen()
  const first = issuer.key()
  clock.time += 599_999
  t.equal(keys.isFresh, true)
  issuer.withdraw(first)
  clock.time += 1
  t.equal(keys.isFresh, false)
  await Promise.all(Array.from({ length: 20 }, async () => await keys.freshen()))
  t.equal(issuer.fetches, 2)
  t.strictSame(await keys.candidates(headerOf(first)), [], 'a key that was withdrawn counts no more')
})

t.test('a key that came later is found by one more fetch', async (t) => {
  const { issuer, keys, clock } = await open(t)
  await keys.freshen()
  const added = await issuer.rotate()
  t.strictSame(await keys.candidates(headerOf(added)), [], 'not within the cool-down')
  t.equal(issuer.fetches, 1)
  clock.time += 30_000
  t.equal((await keys.candidates(headerOf(added))).length, 1)
  t.equal(issuer.fetches, 2)
})

t.test('of many who come with a new key at once, all wait for the one fetch that finds it', async (t) => {
  const { issuer, keys, clock } = await open(t)
  await keys.freshen()
  const added = await issuer.rotate()
  clock.time += 30_000
  const found = await Promise.all(Array.from({ length: 50 }, async () => (await keys.candidates(headerOf(added))).length))
  t.strictSame(new Set(found), new Set([1]))
  t.equal(issuer.fetches, 2)
})

t.test('a flood of keys that nobody has is one fetch for each cool-down', async (t) => {
  const { issuer, keys, clock } = await open(t)
  await keys.freshen()
  for (let round = 1; round <= 3; round++) {
    clock.time += 30_000
    await Promise.all(Array.from({ length: 300 }, async (_, index) => await keys.candidates(unknown(`made-up-${round}-${index}`))))
    t.equal(issuer.fetches, 1 + round)
  }
})

t.test('an issuer that is away at first is found later, and asked once for each cool-down until then', async (t) => {
  const { issuer, keys, clock, recorder } = await open(t)
  await issuer.stop()
  t.equal(await keys.freshen(), false)
  t.match(recorder.lines, [{ level: 'warn', facts: { issuer: issuer.url, reason: /cannot be reached \(ECONNREFUSED\)/ }, sentence: /cannot be verified until they are/ }])
  await issuer.restart()
  t.equal(await keys.freshen(), false, 'it is not asked again at once')
  t.equal(keys.cooldownLeftMs, 30_000)
  t.equal(issuer.fetches, 0)
  clock.time += 30_000
  t.equal(await keys.freshen(), true)
  t.equal(issuer.fetches, 1)
  t.strictSame(recorder.lines.map(({ level }) => level), ['warn', 'info'], 'that it is back is told, too')
})

t.test('while the issuer is away, known keys go on counting, and its absence is logged once', async (t) => {
  const { issuer, keys, clock, recorder } = await open(t)
  await keys.freshen()
  await issuer.stop()
  for (let round = 0; round < 5; round++) {
    clock.time += 600_000
    t.equal(await keys.freshen(), true)
    t.equal((await keys.candidates(headerOf(issuer.key()))).length, 1)
    await until('the fetch has failed', () => keys.isFresh)
  }
  t.strictSame(recorder.lines.map(({ level, sentence }) => [level, /known go on/.test(sentence)]), [['warn', true]])
  await issuer.restart()
  clock.time += 30_000
  await keys.freshen()
  await until('the issuer is back', () => recorder.lines.length === 2)
  t.equal(issuer.fetches, 2)
})

t.test('an issuer that hangs is waited for once, and then no more by those who have keys', async (t) => {
  const { issuer, keys, clock, recorder } = await open(t, { timeoutMs: 50 })
  await keys.freshen()
  const hung = deferred()
  issuer.handle('/jwks', () => { hung.resolve() })
  clock.time += 600_000
  t.equal(await keys.freshen(), true)
  await hung.promise
  t.match(recorder.lines, [{ level: 'warn', facts: { reason: 'it did not answer within 50 ms' } }])
  clock.time += 30_000
  const again = deferred()
  issuer.handle('/jwks', () => { again.resolve() })
  await keys.freshen()
  t.equal(keys.isFresh, false, 'the second fetch is still on its way')
  t.equal((await keys.candidates(headerOf(issuer.key()))).length, 1)
  await again.promise
})

t.test('the end of the server ends what is on its way, without a word', async (t) => {
  const { issuer, keys, recorder } = await open(t)
  const asked = deferred()
  issuer.handle('/jwks', () => { asked.resolve() })
  const fetched = keys.freshen()
  await asked.promise
  keys.close()
  t.equal(await fetched, false)
  t.strictSame(recorder.lines, [])
})

const oversize = JSON.stringify({ keys: [], filler: 'x'.repeat(600_000) })
const wrong: readonly [promise: string, answer: Parameters<Issuer['handle']>[1], reason: RegExp][] = [
  ['text that is no JSON', (_request, response) => { response.end('<html>') }, /not JSON/],
  ['JSON that is no set of keys', (_request, response) => { response.end('{"keys":"none"}') }, /no set of keys/],
  ['a list', (_request, response) => { response.end('[]') }, /no set of keys/],
  ['null', (_request, response) => { response.end('null') }, /no set of keys/],
  ['keys that are no objects', (_request, response) => { response.end('{"keys":[1,null]}') }, /no set of keys/],
  ['too many keys', (_request, response) => { response.end(JSON.stringify({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) })) }, /more than 100 keys/],
  ['an error', (_request, response) => { response.writeHead(500).end('{"keys":[]}') }, /status 500/],
  ['a redirect to its own keys', (_request, response) => { response.writeHead(302, { location: '/elsewhere' }).end() }, /redirects/],
  ['more than it may', (_request, response) => { response.end(oversize) }, /more than 524288 bytes/],
  ['more than it may, compressed', (_request, response) => { response.setHeader('content-encoding', 'gzip').end(gzipSync(oversize)) }, /more than 524288 bytes/],
  ['half of what it announced', (_request, response) => { response.writeHead(200, { 'content-length': '1000' }).write('{"keys":'); response.destroy() }, /cannot be reached/],
  ['very deep JSON', (_request, response) => { response.end('['.repeat(100_000)) }, /not JSON/]
]
for (const [promise, answer, reason] of wrong) {
  t.test(`an issuer that sends ${promise} is as good as away`, async (t) => {
    const { issuer, keys, clock, recorder } = await open(t)
    issuer.serve('/elsewhere', { keys: [] })
    const good = issuer.key()
    issuer.handle('/jwks', answer)
    t.equal(await keys.freshen(), false)
    t.match(recorder.lines, [{ level: 'warn', facts: { reason } }])
    t.notOk(issuer.requests.includes('/elsewhere'))
    // And it is no reason to forget what it said before.
    issuer.serve('/jwks', { keys: [good.jwk] })
    clock.time += 30_000
    t.equal(await keys.freshen(), true)
    issuer.handle('/jwks', answer)
    clock.time += 600_000
    t.equal(await keys.freshen(), true)
    t.equal((await keys.candidates(headerOf(good))).length, 1)
  })
}

t.test('a body that never ends is cut off', async (t) => {
  const { issuer, keys, recorder } = await open(t)
  let sent = 0
  issuer.handle('/jwks', (_request, response) => {
    const part = Buffer.alloc(64 * 1024, ' ')
    const more = (): void => {
      while (!response.destroyed && response.write(part)) sent += part.length
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  t.equal(await keys.freshen(), false)
  t.match(recorder.lines, [{ facts: { reason: /more than 524288 bytes/ } }])
  t.ok(sent < 64 * 1024 * 1024)
})

t.test('keys that cannot verify anything are no candidates', async (t) => {
  const { issuer, keys } = await open(t)
  const secret = await makeKey('ES256', 'secret')
  issuer.serve('/jwks', {
    keys: [
      await exportJWK(secret.privateKey).then((jwk) => ({ ...jwk, kid: 'secret' })),
      { kty: 'oct', kid: 'shared', k: 'c2VjcmV0', alg: 'HS256' },
      { ...issuer.key().jwk, kid: 'encrypts', use: 'enc' },
      { kty: 'EC', crv: 'P-256', kid: 'broken', x: '!', y: '?' }
    ]
  })
  await keys.freshen()
  for (const header of [unknown('secret'), { alg: 'HS256', kid: 'shared' }, unknown('encrypts'), unknown('broken'), { alg: 'none', kid: 'shared' }]) {
    t.strictSame(await keys.candidates(header), [], header.kid)
  }
})

t.test('a token that names no key may have any that fits, of a few', async (t) => {
  const { issuer, keys } = await open(t)
  for (let count = 0; count < 9; count++) await issuer.rotate()
  await keys.freshen()
  t.equal((await keys.candidates({ alg: 'ES256' })).length, 4)
  t.strictSame(await keys.candidates({ alg: 'RS256' }), [])
})

t.test('what was verified before is in doubt when a key is withdrawn, and not when one is added', async (t) => {
  const { issuer, keys, clock } = await open(t)
  await keys.freshen()
  const before = keys.generation
  const first = issuer.key()
  await issuer.rotate()
  clock.time += 600_000
  await keys.freshen()
  t.equal(keys.generation, before)
  issuer.withdraw(first)
  clock.time += 600_000
  await keys.freshen()
  t.equal(keys.generation, before + 1)
  issuer.published.splice(0)
  clock.time += 600_000
  t.equal(await keys.freshen(), true, 'an issuer may have no keys any more')
  t.equal(keys.generation, before + 2)
})

t.test('where the keys are stands in the metadata', async (t) => {
  for (const [path, place] of [['', '/.well-known/oauth-authorization-server'], ['', '/.well-known/openid-configuration'], ['/tenant', '/.well-known/oauth-authorization-server/tenant'], ['/tenant', '/.well-known/openid-configuration/tenant'], ['/tenant', '/tenant/.well-known/openid-configuration']] as const) {
    const { issuer, keys } = await open(t, { jwksUri: undefined, path })
    issuer.forget(`/.well-known/oauth-authorization-server${path}`)
    issuer.serve(place, { issuer: issuer.url, jwks_uri: issuer.jwksUri })
    t.equal(await keys.freshen(), true, place)
    t.strictSame(issuer.requests.slice(-2), [place, '/jwks'])
  }
})

const lies: readonly [promise: string, metadata: (issuer: Issuer) => unknown][] = [
  ['speaks of another issuer', ({ jwksUri }) => ({ issuer: 'https://other.example', jwks_uri: jwksUri })],
  ['differs in a slash', ({ url, jwksUri }) => ({ issuer: `${url}/`, jwks_uri: jwksUri })],
  ['names no issuer', ({ jwksUri }) => ({ jwks_uri: jwksUri })],
  ['names no keys', ({ url }) => ({ issuer: url })],
  ['has its keys behind plain http', ({ url }) => ({ issuer: url, jwks_uri: 'http://192.0.2.1/jwks' })],
  ['has its keys in a file', ({ url }) => ({ issuer: url, jwks_uri: 'file:///etc/passwd' })],
  ['has credentials in the address', ({ url, jwksUri }) => ({ issuer: url, jwks_uri: jwksUri.replace('//', '//user:secret@') })]
]
for (const [promise, metadata] of lies) {
  t.test(`metadata that ${promise} is not believed`, async (t) => {
    const { issuer, recorder, keys } = await open(t, { path: '/of', jwksUri: undefined })
    issuer.serve('/.well-known/oauth-authorization-server/of', metadata(issuer))
    t.equal(await keys.freshen(), false)
    t.equal(issuer.fetches, 0)
    t.match(recorder.lines, [{ level: 'warn', facts: { reason: /no metadata says where they are/ } }])
  })
}

t.test('an issuer behind https has its keys behind https', async (t) => {
  const plain = await Issuer.start(t)
  const certificate = makeCertificate(t)
  let jwksUri = ''
  const server = createServer(certificate, (request, response) => {
    response.end(JSON.stringify(request.url === '/jwks' ? { keys: plain.published } : { issuer: addressOf(server), jwks_uri: jwksUri }))
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const untrusting = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  t.teardown(() => {
    if (untrusting === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = untrusting
  })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0' // The certificate signs itself.
  const fetched = async (): Promise<boolean> => {
    const keys = new IssuerKeys({ issuer: addressOf(server), jwksUri: undefined, maxAgeMs: 1, cooldownMs: 1, timeoutMs: 20_000, clock: { now: () => 0 }, logger: createRecorder().logger })
    return await keys.freshen()
  }
  jwksUri = plain.jwksUri
  t.equal(await fetched(), false)
  t.strictSame(plain.requests, [], 'what is far away has no say in what is asked of this machine')
  jwksUri = `${addressOf(server)}/jwks`
  t.equal(await fetched(), true)
})

function addressOf (server: Server): string { return `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
