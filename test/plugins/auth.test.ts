import t from 'tap'
import { build, initialize, modernHeaders, modernMessage, type BuildOptions, type GantryApp, type HeaderValues, type JsonObject, type Test } from '../helpers/build.ts'
import { createRecorder } from '../helpers/log-recorder.ts'

const good = 'a-key-that-is-good-and-long-enough'
const bad = {
  unknown: 'a-key-that-nobody-has-been-given-x',
  expired: 'a-key-that-has-expired-long-ago-xx',
  early: 'a-key-that-is-not-valid-yet-xxxxxx',
  off: 'a-key-that-is-switched-off-now-xxx'
}
const apiKeys: JsonObject[] = [
  { name: 'ann', key: good, permissions: ['*'] },
  { name: 'late', key: bad.expired, permissions: ['*'], expiresAt: '2020-01-01' },
  { name: 'early', key: bad.early, permissions: ['*'], notBefore: '2999-01-01' },
  { name: 'off', key: bad.off, permissions: ['*'], enabled: false }
]

interface Answered { readonly status: number, readonly headers: Record<string, unknown>, readonly text: string }
type Door = (app: GantryApp, headers: HeaderValues, address?: string) => Promise<Answered>

const call = { name: 'who', arguments: {} }
const doors: Readonly<Record<string, Door>> = {
  'a 2026 call': knock('POST', '/mcp', modernMessage('tools/call', call), modernHeaders('tools/call', call)),
  initialize: knock('POST', '/mcp', initialize('2025-11-25')),
  'a call over REST': knock('POST', '/tools/who', {}),
  'the list over REST': knock('GET', '/tools'),
  'the GET stream': knock('GET', '/mcp'),
  'the end of a session': knock('DELETE', '/mcp'),
  'what is not there': knock('GET', '/nothing')
}

function knock (method: 'GET' | 'POST' | 'DELETE', url: string, body?: JsonObject, own: HeaderValues = {}): Door {
  return async (app, headers, remoteAddress = '127.0.0.1') => {
    const sent = { accept: 'application/json, text/event-stream', ...(body !== undefined && { 'content-type': 'application/json' }), ...own, ...headers }
    const answer = await app.inject({ method, url, remoteAddress, headers: sent as Record<string, string>, ...(body !== undefined && { payload: JSON.stringify(body) }) })
    const { date, ...kept } = answer.headers
    return { status: answer.statusCode, headers: kept, text: answer.payload }
  }
}

async function open (t: Test, authentication: JsonObject = {}, options: BuildOptions = {}, security: JsonObject = {}): Promise<GantryApp> {
  const section = { apiKeys, failureLimit: { window: 60_000, maxRequests: 1_000_000 }, ...authentication }
  return await build(t, { security: { authentication: section, ...security } }, { tools: { who: (_args, { principal }) => principal.name }, ...options })
}

const ways: readonly [way: string, headers: (key: string) => HeaderValues][] = [
  ['as a bearer credential', (key) => ({ authorization: `Bearer ${key}` })],
  ['in the header for keys', (key) => ({ 'x-api-key': key })],
  ['in both', (key) => ({ authorization: `Bearer ${key}`, 'x-api-key': key })]
]

for (const [way, headers] of ways) {
  t.test(`a good key ${way} lets in, and any other gets one answer, whatever is wrong with it`, async (t) => {
    const app = await open(t)
    for (const [name, door] of Object.entries(doors)) {
      t.not((await door(app, headers(good))).status, 401, name)
      const expected = await door(app, headers(bad.unknown))
      t.match(expected, { status: 401, headers: { 'www-authenticate': 'Bearer realm="gantry", error="invalid_token"' }, text: /This credential is not accepted\./ }, name)
      for (const [kind, key] of Object.entries(bad)) t.strictSame(await door(app, headers(key)), expected, `${name}: ${kind}`)
    }
  })
}

t.test('who shows nothing is told what is accepted, without an error', async (t) => {
  const app = await open(t)
  for (const [name, door] of Object.entries(doors)) {
    t.match(await door(app, {}), { status: 401, headers: { 'www-authenticate': 'Bearer realm="gantry"' }, text: /Show who you are: send a valid key as / }, name)
    t.match(await door(app, { authorization: `Basic ${good}` }), { status: 401, headers: { 'www-authenticate': 'Bearer realm="gantry"' } }, `${name}: another scheme`)
  }
})

t.test('a bearer credential that cannot be one is a bad request', async (t) => {
  const app = await open(t)
  for (const [name, door] of Object.entries(doors)) {
    for (const authorization of ['Bearer', 'bearer ', `Bearer ${good} ${good}`, `Bearer "${good}" x`]) {
      t.match(await door(app, { authorization }), { status: 400, headers: { 'www-authenticate': 'Bearer realm="gantry", error="invalid_request"' }, text: /no single credential behind/ }, `${name}: ${authorization}`)
    }
  }
})

t.test('two credentials that differ are none, whichever of them is good', async (t) => {
  const app = await open(t)
  for (const [name, door] of Object.entries(doors)) {
    t.equal((await door(app, { authorization: `Bearer ${good}`, 'x-api-key': bad.unknown })).status, 401, name)
    t.equal((await door(app, { authorization: `Bearer ${bad.unknown}`, 'x-api-key': good })).status, 401, name)
    t.equal((await door(app, { authorization: `Bearer ${good}`, 'x-api-key': '' })).status, 401, name)
  }
})

t.test('a key is not looked for in the address, in a cookie or in the body', async (t) => {
  const app = await open(t)
  for (const parameter of ['access_token', 'x-api-key', 'api_key', 'apikey', 'key', 'token', 'authorization']) {
    const url = `/tools/who?${parameter}=${good}`
    t.equal((await knock('POST', url, { [parameter]: good })(app, { cookie: `${parameter}=${good}` })).status, 401, parameter)
  }
})

t.test('the header for keys has the name that it is given', async (t) => {
  const app = await open(t, { headerName: 'X-Gantry-Key' })
  t.equal((await doors['the list over REST']?.(app, { 'x-gantry-key': good }))?.status, 200)
  t.equal((await doors['the list over REST']?.(app, { 'x-api-key': good }))?.status, 401)
})

t.test('two keys of one name are one caller: while keys are changed, its session goes on', async (t) => {
  const app = await open(t, { apiKeys: [{ name: 'ann', key: 'the-old-key-of-ann-which-is-long', permissions: ['*'] }, { name: 'ann', key: 'the-new-key-of-ann-which-is-long', permissions: ['*'] }, ...apiKeys.slice(1)] })
  const opened = await doors['initialize']?.(app, { 'x-api-key': 'the-old-key-of-ann-which-is-long' })
  const session = { 'mcp-session-id': String(opened?.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  const asked = knock('POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }, session)
  for (const key of ['the-new-key-of-ann-which-is-long', 'the-old-key-of-ann-which-is-long']) t.match(await asked(app, { 'x-api-key': key }), { status: 200, text: /"text":"ann"/ })
})

t.test('no key, good or bad, stands in an answer, in the log or in what a handler sees', async (t) => {
  const recorder = createRecorder()
  const seen: unknown[] = []
  const app = await open(t, { failureLimit: { window: 60_000, maxRequests: 10 } }, {
    logger: recorder.logger as never,
    tools: { who (_args, context) { seen.push(context.principal); throw new Error('on purpose') } }
  })
  for (const key of [good, ...Object.values(bad)]) {
    for (const [way, headers] of ways) {
      for (const door of Object.values(doors)) {
        const { headers: answered, text } = await door(app, headers(key))
        t.notMatch(`${JSON.stringify(answered)} ${text}`, key, way)
      }
    }
    t.notMatch(recorder.text(), key)
  }
  t.ok(seen.length > 0)
  t.strictSame(seen[0], { kind: 'key', name: 'ann', permissions: ['*'], tier: undefined })
})

t.test('an address that shows too many bad credentials has to wait, and good keys from it never do', async (t) => {
  const clock = { time: 1_800_000_000_000, now () { return this.time } }
  const app = await open(t, { failureLimit: { window: 60_000, maxRequests: 5 } }, { clock })
  const list = doors['the list over REST'] as Door
  for (let failure = 0; failure < 5; failure++) t.equal((await list(app, { 'x-api-key': bad.unknown }, '10.0.0.1')).status, 401)
  clock.time += 20_500
  for (const [name, door] of Object.entries(doors)) {
    t.match(await door(app, { authorization: `Bearer ${bad.expired}` }, '10.0.0.1'), { status: 429, headers: { 'retry-after': '40' }, text: /Too many refused credentials/ }, name)
    t.not((await door(app, { 'x-api-key': good }, '10.0.0.1')).status, 429, `${name}: a good key passes`)
    t.equal((await door(app, {}, '10.0.0.1')).status, 401, `${name}: who shows nothing guesses nothing`)
  }
  t.equal((await list(app, { 'x-api-key': good }, '10.0.0.1')).status, 200)
  t.equal((await list(app, { 'x-api-key': bad.unknown }, '10.0.0.2')).status, 401, 'another address has failures of its own')
  clock.time += 39_500
  t.equal((await list(app, { 'x-api-key': bad.unknown }, '10.0.0.1')).status, 401, 'and after the window it may fail again')
})

t.test('what is missing or malformed is no guess', async (t) => {
  const app = await open(t, { failureLimit: { window: 60_000, maxRequests: 1 } })
  const list = doors['the list over REST'] as Door
  for (let time = 0; time < 5; time++) {
    t.equal((await list(app, {})).status, 401)
    t.equal((await list(app, { authorization: 'Basic abc' })).status, 401)
    t.equal((await list(app, { authorization: 'Bearer' })).status, 400)
  }
  t.equal((await list(app, { 'x-api-key': bad.unknown })).status, 401)
  t.equal((await list(app, { 'x-api-key': bad.unknown })).status, 429)
})

t.test('where anonymous callers are let in, a bad credential still is not', async (t) => {
  const app = await open(t, { allowAnonymous: true }, {}, { permissions: { anonymous: ['tools:*'] } })
  const rest = doors['a call over REST'] as Door
  t.match(await rest(app, {}), { status: 200, text: /anonymous/ })
  t.match(await rest(app, { 'x-api-key': good }), { status: 200, text: /ann/ })
  for (const headers of [{ 'x-api-key': bad.unknown }, { 'x-api-key': '' }, { authorization: `Bearer ${bad.off}` }, { authorization: `Basic ${good}` }]) t.equal((await rest(app, headers)).status, 401, JSON.stringify(headers))
  t.equal((await rest(app, { authorization: 'Bearer' })).status, 400)
})

t.test('without authentication everyone is anonymous, whatever they show', async (t) => {
  for (const authentication of [undefined, { enabled: false }]) {
    const app = await build(t, { security: { ...(authentication !== undefined && { authentication }) } }, { tools: { who: (_args, { principal }) => principal.name } })
    for (const headers of [{}, { 'x-api-key': good }, { authorization: 'Basic x' }]) t.match(await doors['a call over REST']?.(app, headers), { status: 200, text: /anonymous/ })
  }
})
