import type { AddressInfo } from 'node:net'
import t from 'tap'
import { build, modern, modernHeaders, modernMessage, openSession, post, rest, type GantryApp, type HeaderValues, type JsonObject, type Test } from '../helpers/build.ts'
import { Issuer, makeKey, resource } from '../helpers/issuer.ts'
import { callLive, listen } from '../helpers/live.ts'
import { createRecorder, type Recorder } from '../helpers/log-recorder.ts'
import { deferred, until } from '../helpers/waiting.ts'

const key = 'a-key-that-is-good-and-long-enough'
const metadata = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
const call = { name: 'who', arguments: {} }
const tools = { who: (_args: JsonObject, { principal }: { principal: { name: string } }) => principal.name, secret: () => 'only for some' }

interface Setting { app: GantryApp, issuer: Issuer, clock: { time: number, now (): number }, recorder: Recorder }
interface OpenOptions { oauth?: JsonObject, authentication?: JsonObject, security?: JsonObject, more?: JsonObject, away?: boolean }

async function open (t: Test, { oauth = {}, authentication = {}, security = {}, more = {}, away = false }: OpenOptions = {}): Promise<Setting> {
  const clock = { time: Date.now(), now () { return this.time } }
  const issuer = await Issuer.start(t, { clock })
  if (away) await issuer.stop()
  const recorder = createRecorder()
  const section = { oauth: { resource, issuers: [{ issuer: issuer.url, jwksUri: issuer.jwksUri }], ...oauth }, ...authentication }
  const app = await build(t, { ...more, security: { authentication: section, ...security } }, { tools, clock, logger: recorder.logger as never })
  return { app, issuer, clock, recorder }
}

const bearer = (token: string): HeaderValues => ({ authorization: `Bearer ${token}` })

interface Seen { readonly status: number, readonly challenge: unknown, readonly retryAfter: unknown, readonly text: string }

/** Calls a tool over REST, from an address of one's own. */
async function ask (app: GantryApp, headers: HeaderValues, remoteAddress = '127.0.0.1'): Promise<Seen> {
  const { statusCode, headers: answered, payload } = await app.inject({ method: 'POST', url: '/tools/who', remoteAddress, headers: { 'content-type': 'application/json', ...headers } as Record<string, string>, payload: '{}' })
  return { status: statusCode, challenge: answered['www-authenticate'], retryAfter: answered['retry-after'], text: payload }
}

t.test('callers with a token are named after issuer and subject, in every way in', async (t) => {
  const { app, issuer } = await open(t)
  const headers = bearer(await issuer.token())
  const name = `${issuer.url}#alice`
  t.match(await modern(app, 'tools/call', call, { headers }), { status: 200, message: { result: { content: [{ text: name }] } } })
  t.match(await rest(app, 'who', {}, { headers: { 'content-type': 'application/json', ...headers } as Record<string, string> }), { status: 200, body: { content: [{ text: name }] } })
})

t.test('the answers to no token, no credential, a bad token and too little scope are those of RFC 6750', async (t) => {
  const { app, issuer } = await open(t, { oauth: { scopes: { basic: ['tools:call:who'], all: ['basic', 'tools:*'] }, requiredScopes: ['basic'] } })
  t.match(await ask(app, {}), { status: 401, challenge: `Bearer realm="gantry", scope="basic", ${metadata}`, text: /send an access token as \\"Authorization: Bearer …\\"\."/ })
  t.match(await ask(app, { authorization: 'Bearer' }), { status: 400, challenge: `Bearer realm="gantry", error="invalid_request", scope="basic", ${metadata}` })
  t.match(await ask(app, bearer('abc')), { status: 401, challenge: `Bearer realm="gantry", error="invalid_token", scope="basic", ${metadata}` })
  t.match(await ask(app, bearer(await issuer.token({ claims: { scope: 'tools:*' } }))), { status: 403, challenge: `Bearer realm="gantry", error="insufficient_scope", scope="basic", ${metadata}`, text: /MCP_INSUFFICIENT_SCOPE/ })
  t.match(await ask(app, bearer(await issuer.token({ claims: { scope: 'basic' } }))), { status: 200 })
  t.match(await ask(app, bearer(await issuer.token({ claims: { scope: 'all' } }))), { status: 200 }, 'a scope that grants it is as good')
})

t.test('without required scopes, challenges name those that there are', async (t) => {
  const { app } = await open(t, { oauth: { scopes: { basic: ['tools:call:who'], all: ['tools:*'] } } })
  t.match(await ask(app, {}), { challenge: `Bearer realm="gantry", scope="basic all", ${metadata}` })
})

t.test('keys and tokens stand beside each other, each in its place', async (t) => {
  const { app, issuer } = await open(t, { authentication: { apiKeys: [{ name: 'ann', key, permissions: ['*'] }] } })
  const token = await issuer.token()
  t.match(await ask(app, bearer(token)), { status: 200, text: /#alice/ })
  t.match(await ask(app, bearer(key)), { status: 200, text: /"ann"/ })
  t.match(await ask(app, { 'x-api-key': key }), { status: 200, text: /"ann"/ })
  t.equal((await ask(app, { 'x-api-key': token })).status, 401, 'the header for keys holds keys only')
  t.equal((await ask(app, { 'x-api-key': key, ...bearer(token) })).status, 401)
  t.match(await ask(app, {}), { text: /an access token as .* or a valid key as / })
})

t.test('a key that looks like a token is a key', async (t) => {
  const lookalike = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2ln'
  const { app } = await open(t, { authentication: { apiKeys: [{ name: 'ann', key: lookalike, permissions: ['*'] }] } })
  t.match(await ask(app, bearer(lookalike)), { status: 200, text: /"ann"/ })
})

t.test('where there are tokens only, the header for keys may hold anything', async (t) => {
  const { app, issuer } = await open(t)
  t.match(await ask(app, { 'x-api-key': 'of-the-gateway', ...bearer(await issuer.token()) }), { status: 200 })
  t.match(await ask(app, { 'x-api-key': 'of-the-gateway' }), { status: 401, challenge: `Bearer realm="gantry", ${metadata}` })
})

t.test('anonymous callers may be let in beside tokens, and a bad token is still refused', async (t) => {
  for (const apiKeys of [[], [{ name: 'ann', key, permissions: ['*'] }]]) {
    const { app, issuer } = await open(t, { authentication: { allowAnonymous: true, apiKeys }, security: { permissions: { anonymous: ['tools:call:who'] } } })
    t.match(await ask(app, {}), { status: 200, text: /"anonymous"/ })
    t.match(await ask(app, bearer(await issuer.token())), { status: 200, text: /#alice/ })
    t.equal((await ask(app, bearer(await issuer.token({ claims: { exp: 1 } })))).status, 401)
    t.equal((await ask(app, bearer('abc'))).status, 401)
  }
})

t.test('what every authenticated caller may do, holders of tokens may do', async (t) => {
  const { app, issuer } = await open(t, { security: { permissions: { authenticated: ['tools:call:who'] } } })
  t.equal((await ask(app, bearer(await issuer.token({ claims: { scope: undefined } })))).status, 200)
})

t.test('a flood of keys that nobody has makes one fetch for each cool-down, whatever the number of addresses', async (t) => {
  const { app, issuer, clock } = await open(t)
  await ask(app, bearer(await issuer.token()))
  const before = issuer.fetches
  const stranger = await makeKey('ES256')
  for (let round = 1; round <= 2; round++) {
    clock.time += 30_000
    const tokens = await Promise.all(Array.from({ length: 200 }, async (_, index) => await issuer.token({ key: stranger, header: { kid: `made-up-${round}-${index}` } })))
    const answers = await Promise.all(tokens.map(async (token, index) => await ask(app, bearer(token), `10.0.${round}.${index % 250}`)))
    t.ok(answers.every(({ status }) => status === 401))
    t.equal(issuer.fetches, before + round)
  }
  t.equal((await ask(app, bearer(await issuer.token()))).status, 200)
})

t.test('of many bad tokens at once from one address, only as many are verified as it may fail', async (t) => {
  const { app, issuer } = await open(t, { authentication: { failureLimit: { window: 60_000, maxRequests: 5 }, apiKeys: [{ name: 'ann', key, permissions: ['*'] }] } })
  const known = await issuer.token()
  t.equal((await ask(app, bearer(known), '10.0.0.1')).status, 200)
  const stranger = await makeKey('ES256', issuer.key().kid)
  const forged = await Promise.all(Array.from({ length: 100 }, async () => await issuer.token({ key: stranger })))
  const fresh = await issuer.token()
  const statuses = (await Promise.all([...forged, fresh].map(async (token) => await ask(app, bearer(token), '10.0.0.1')))).map(({ status }) => status)
  t.equal(statuses.filter((status) => status === 401).length, 5)
  t.equal(statuses.filter((status) => status === 429).length, 96, 'and the good one behind them was not verified')

  t.match(await ask(app, bearer(fresh), '10.0.0.1'), { status: 429, retryAfter: '60' }, 'nothing new is verified for that address')
  t.equal((await ask(app, bearer(known), '10.0.0.1')).status, 200, 'a token that was verified before passes')
  t.equal((await ask(app, bearer(key), '10.0.0.1')).status, 200, 'and so does a key')
  t.equal((await ask(app, bearer(fresh), '10.0.0.2')).status, 200, 'and elsewhere the token counts')
  t.equal((await ask(app, bearer(fresh), '10.0.0.1')).status, 200, 'from where on it is known here, too')
})

t.test('a token that was verified before passes even when the keys have to be looked at again', async (t) => {
  const { app, issuer, clock } = await open(t, { authentication: { failureLimit: { window: 86_400_000, maxRequests: 1 } } })
  const token = await issuer.token()
  await ask(app, bearer(token))
  t.equal((await ask(app, bearer('bad'))).status, 401)
  t.equal((await ask(app, bearer('bad'))).status, 429)
  clock.time += 600_000
  t.equal((await ask(app, bearer(token))).status, 200)
  t.equal(issuer.fetches, 2)
})

t.test('many good tokens at once from one address are all let in', async (t) => {
  const { app, issuer } = await open(t, { authentication: { failureLimit: { window: 60_000, maxRequests: 2 } } })
  const tokens = await Promise.all(Array.from({ length: 60 }, async (_, index) => await issuer.token({ claims: { sub: `user-${index}` } })))
  const answers = await Promise.all(tokens.map(async (token) => await ask(app, bearer(token))))
  t.strictSame(answers.map(({ status }) => status), tokens.map(() => 200))
  t.strictSame(new Set(answers.map(({ text }) => text)).size, 60, 'each as who it is')
})

t.test('a server whose issuer is away starts, says so, and verifies tokens once it is back', async (t) => {
  const { app, issuer, clock, recorder } = await open(t, { away: true, authentication: { apiKeys: [{ name: 'ann', key, permissions: ['*'] }] } })
  const token = await issuer.token()
  t.match(await ask(app, bearer(token)), { status: 503, retryAfter: '30', text: /MCP_ISSUER_UNAVAILABLE/ })
  t.match(recorder.lines.filter(({ level }) => level === 'warn'), [{ facts: { issuer: issuer.url } }])
  t.equal((await ask(app, bearer(key))).status, 200, 'keys need no issuer')
  t.equal((await ask(app, bearer('abc'))).status, 401)
  await issuer.restart()
  clock.time += 30_000
  t.equal((await ask(app, bearer(token))).status, 200)
})

t.test('a server whose issuer hangs starts at once', async (t) => {
  const issuer = await Issuer.start(t)
  const asked = deferred()
  issuer.handle('/jwks', () => { asked.resolve() })
  const recorder = createRecorder()
  const app = await build(t, { security: { authentication: { apiKeys: [{ name: 'ann', key, permissions: ['*'] }], oauth: { resource, issuers: [{ issuer: issuer.url }] } } } }, { tools, logger: recorder.logger as never })
  await asked.promise
  t.equal((await ask(app, bearer(key))).status, 200)
  t.strictSame(recorder.lines, [], 'while the fetch is still on its way')
})

t.test('why a token is refused stands in the log at level debug, without the token', async (t) => {
  const { app, issuer, recorder } = await open(t)
  const expired = await issuer.token({ claims: { exp: 1 } })
  await ask(app, bearer(expired))
  t.match(recorder.lines.filter(({ level }) => level === 'debug'), [{ facts: { requestId: String, reason: 'It has expired.' }, sentence: 'An access token was refused.' }])
  t.notMatch(recorder.text(), expired)
})

t.test('a session belongs to a subject, and goes on with its next token', async (t) => {
  const { app, issuer } = await open(t)
  const first = await post(app, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } }, bearer(await issuer.token()))
  const session = { 'mcp-session-id': String(first.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  t.equal((await post(app, ping, { ...session, ...bearer(await issuer.token({ claims: { scope: 'tools:list' } })) })).status, 200)
  t.equal((await post(app, ping, { ...session, ...bearer(await issuer.token({ claims: { sub: 'bob' } })) })).status, 404)
  await t.rejects(openSession(app), /401/)
})

t.test('a stream ends when the token does that it relied on', async (t) => {
  const issuer = await Issuer.start(t)
  const app = await build(t, { security: { authentication: { oauth: { resource, issuers: [{ issuer: issuer.url }], clockTolerance: 0 } } } }, { tools })
  const address = await listen(app)
  const token = await issuer.token({ claims: { exp: Math.floor(Date.now() / 1_000) + 2 } })
  const stream = await callLive(address, 'subscriptions/listen', { notifications: { toolsListChanged: true } }, { headers: { authorization: `Bearer ${token}` } })
  t.equal(stream.status, 200)
  await stream.events()
  t.ok((app.server.address() as AddressInfo).port > 0, 'and the server goes on')
  await until('the token has expired', () => Date.now() / 1_000 >= JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp)
  t.equal((await ask(app, bearer(token))).status, 401)
})

const scopes = { basic: ['tools:list', 'tools:call:who'], secrets: ['tools:call:secret'], everything: ['basic', 'secrets', 'prompts:*', 'resources:*'] }
const more = {
  prompts: [{ name: 'hidden', template: 'x' }],
  resources: [{ uri: 'docs://hidden', name: 'hidden', content: 'x' }, { uriTemplate: 'docs://of/{day}', name: 'days', content: 'x', complete: { day: ['monday'] } }]
}
/** What a token of the scope `basic` does not reach: how to ask, and the scope that grants it. */
const unreached: readonly [method: string, params: JsonObject, scope: string][] = [
  ['tools/call', { name: 'secret', arguments: {} }, 'basic secrets'],
  ['prompts/get', { name: 'hidden' }, 'basic everything'],
  ['resources/read', { uri: 'docs://hidden' }, 'basic everything'],
  ['resources/read', { uri: 'docs://of/monday' }, 'basic everything'],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'docs://of/{day}' }, argument: { name: 'day', value: '' } }, 'basic everything'],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'hidden' }, argument: { name: 'x', value: '' } }, 'basic everything']
]

t.test('where stepping up is on, callers with a token learn which scopes they lack, in both eras and over REST', async (t) => {
  const { app, issuer } = await open(t, { more, oauth: { scopes, stepUp: true } })
  const headers = bearer(await issuer.token({ claims: { scope: 'basic openid' } }))
  for (const [method, params, scope] of unreached) {
    const challenge = `Bearer realm="gantry", error="insufficient_scope", scope="${scope}", ${metadata}`
    const answers = [await modern(app, method, params, { headers }), await legacy(app, headers, method, params)]
    for (const { status, headers: answered, message } of answers) {
      t.equal(status, 403, `${method} ${scope}`)
      t.equal(answered['www-authenticate'], challenge)
      t.match(message, { jsonrpc: '2.0', id: 1, error: { code: -32600, message: /lacks a scope/ } })
    }
  }
  const plain = await rest(app, 'secret', {}, { headers: { 'content-type': 'application/json', ...headers } as Record<string, string> })
  t.match(plain, { status: 403, body: { code: 'MCP_INSUFFICIENT_SCOPE' }, headers: { 'www-authenticate': `Bearer realm="gantry", error="insufficient_scope", scope="basic secrets", ${metadata}` } })

  const stepped = bearer(await issuer.token({ claims: { scope: 'basic secrets' } }))
  t.match(await modern(app, 'tools/call', { name: 'secret', arguments: {} }, { headers: stepped }), { status: 200, message: { result: { content: [{ text: 'only for some' }] } } })
})

async function legacy (app: GantryApp, headers: HeaderValues, method: string, params: JsonObject): ReturnType<typeof modern> {
  const opened = await post(app, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } }, headers)
  return await post(app, { jsonrpc: '2.0', id: 1, method, params }, { ...headers, 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' })
}

t.test('in a batch, what a token does not reach is unknown', async (t) => {
  const { app, issuer } = await open(t, { oauth: { scopes, stepUp: true } })
  const headers = bearer(await issuer.token({ claims: { scope: 'basic' } }))
  const opened = await post(app, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'test', version: '1' } } }, headers)
  const batch = [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'secret', arguments: {} } }, { jsonrpc: '2.0', id: 2, method: 'ping' }]
  const { status, headers: answered, messages } = await post(app, batch, { ...headers, 'mcp-session-id': String(opened.headers['mcp-session-id']) })
  t.equal(status, 200)
  t.equal(answered['www-authenticate'], undefined)
  t.match(messages, [{ id: 1, error: { code: -32602, message: 'Unknown tool: secret' } }, { id: 2, result: {} }])
})

t.test('what there is not is unknown, where stepping up is on and where it is off', async (t) => {
  for (const stepUp of [true, false]) {
    const { app, issuer } = await open(t, { more, oauth: { scopes, stepUp } })
    const headers = bearer(await issuer.token({ claims: { scope: 'basic' } }))
    t.match(await modern(app, 'tools/call', { name: 'missing', arguments: {} }, { headers }), { status: 200, message: { error: { code: -32602, message: 'Unknown tool: missing' } } })
    t.match(await modern(app, 'tools/list', {}, { headers }), { status: 200, message: { result: { tools: [{ name: 'who' }] } } }, 'lists show what the token reaches')
  }
})

t.test('where stepping up is off, what a token does not reach is unknown', async (t) => {
  const { app, issuer } = await open(t, { more, oauth: { scopes } })
  const headers = bearer(await issuer.token({ claims: { scope: 'basic' } }))
  for (const [method, params] of unreached) {
    const forbidden = await modern(app, method, params, { headers })
    t.equal(forbidden.status, 200)
    t.equal(forbidden.headers['www-authenticate'], undefined)
    t.ok(forbidden.message.error !== undefined)
    t.notMatch(forbidden.text, /scope/)
  }
})

t.test('no scope helps a caller without a token, nor with what no scope grants', async (t) => {
  const { app, issuer } = await open(t, {
    more,
    oauth: { scopes: { basic: ['tools:call:who', 'prompts:*'], secrets: ['tools:call:secret'] }, stepUp: true },
    authentication: { allowAnonymous: true, apiKeys: [{ name: 'ann', key }] },
    security: { permissions: { anonymous: [] } }
  })
  const reading = { uri: 'docs://hidden' }
  const answer = await post(app, modernMessage('resources/read', reading), { ...modernHeaders('resources/read', reading), ...bearer(await issuer.token({ claims: { scope: 'basic' } })) })
  t.match(answer, { status: 200, message: { error: { message: 'Resource not found: docs://hidden' } } }, 'no scope grants it')
  for (const headers of [{}, bearer(key), { 'x-api-key': key }]) {
    const secret = { name: 'secret', arguments: {} }
    const answer = await post(app, modernMessage('tools/call', secret), { ...modernHeaders('tools/call', secret), ...headers })
    t.match(answer, { status: 200, message: { error: { message: 'Unknown tool: secret' } } })
    t.equal(answer.headers['www-authenticate'], undefined)
  }
})
