import t from 'tap'
import { build, modern, openSession, post, rest, type Answer, type GantryApp, type JsonObject, type Test } from '../helpers/build.ts'

/** Two callers of one server: what the name of each thing begins with says whose it is. */
const key = { ann: 'the-key-of-ann-which-is-long', bob: 'the-key-of-bob-which-is-long', nobody: 'the-key-of-nobody-which-is-long' }
const as = (name: keyof typeof key): Record<string, string> => ({ authorization: `Bearer ${key[name]}` })

const object = { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } }, required: ['city'] }
const config: JsonObject = {
  tools: ['ann_tool', 'bob_tool'].map((name) => ({ name, inputSchema: object })),
  prompts: ['ann_prompt', 'bob_prompt'].map((name) => ({ name, arguments: [{ name: 'mood', required: true, complete: ['calm', 'cross'] }], template: '{{mood}}' })),
  resources: [
    { uri: 'docs://ann/page', name: 'ann page', content: 'for ann' },
    { uri: 'docs://bob/page', name: 'bob page', content: 'for bob' },
    { uriTemplate: 'docs://ann/of/{day}', name: 'ann days', content: 'a day of ann', complete: { day: ['monday'] } },
    { uriTemplate: 'docs://bob/of/{day}', name: 'bob days', content: 'a day of bob', complete: { day: ['monday'] } }
  ],
  security: {
    authentication: {
      apiKeys: [
        { name: 'ann', key: key.ann, permissions: ['*:list', 'tools:call:ann_*', 'prompts:get:ann_*', 'resources:*:docs://ann/*'] },
        { name: 'bob', key: key.bob, permissions: ['*:list', 'tools:call:bob_*', 'prompts:get:bob_*', 'resources:*:docs://bob/*'] },
        { name: 'nobody', key: key.nobody }
      ]
    }
  }
}

async function open (t: Test, changes: JsonObject = {}): Promise<GantryApp> {
  return await build(t, { ...config, ...changes }, { tools: { ann_tool: () => 'of ann', bob_tool: () => 'of bob' } })
}

/** What an answer says, without the names in it: so that two answers for two names can be held against each other. */
function plain ({ status, text, headers }: Pick<Answer, 'status' | 'text' | 'headers'>, ...said: string[]): object {
  let shown = text
  for (const name of said) shown = shown.replaceAll(name, '…')
  const { date, 'content-length': length, 'mcp-session-id': session, ...rest } = headers
  return { status, text: shown, headers: rest }
}

type Ask = (app: GantryApp, name: string) => Promise<Pick<Answer, 'status' | 'text' | 'headers'>>
const session = async (app: GantryApp) => {
  const { headers } = await openSessionAs(app, 'ann')
  return headers
}
async function openSessionAs (app: GantryApp, who: keyof typeof key): Promise<{ headers: Record<string, string> }> {
  const opened = await post(app, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } }, as(who))
  return { headers: { ...as(who), 'mcp-session-id': String(opened.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' } }
}
const legacy = (method: string, params: (name: string) => JsonObject): Ask => async (app, name) => await post(app, { jsonrpc: '2.0', id: 1, method, params: params(name) }, await session(app))
const now = (method: string, params: (name: string) => JsonObject, extra: Record<string, string> = {}): Ask => async (app, name) => await modern(app, method, params(name), { headers: { ...as('ann'), ...extra } })

const days = { ref: { type: 'ref/resource' }, argument: { name: 'day', value: '' } }
const moods = { ref: { type: 'ref/prompt' }, argument: { name: 'mood', value: '' } }
/** Ways to ask for a thing by its name: what is another's, and what there is not at all. */
const asks: readonly [what: string, ask: Ask, foreign: string, unknown: string][] = [
  ['a tool call of 2026', now('tools/call', (name) => ({ name, arguments: { city: 'x' } }), { 'mcp-param-city': 'x' }), 'bob_tool', 'cat_tool'],
  ['a tool call of 2026 with arguments that do not fit', now('tools/call', (name) => ({ name, arguments: { city: 1 } })), 'bob_tool', 'cat_tool'],
  ['a tool call of 2026 without the headers that its arguments need', now('tools/call', (name) => ({ name, arguments: { city: 'x' } })), 'bob_tool', 'cat_tool'],
  ['a tool call of 2026 with a made-up state', now('tools/call', (name) => ({ name, arguments: { city: 'x' }, requestState: 'x', inputResponses: { key: {} } })), 'bob_tool', 'cat_tool'],
  ['a tool call of 2026 with arguments that are no object', now('tools/call', (name) => ({ name, arguments: 'x' })), 'bob_tool', 'cat_tool'],
  ['a tool call of 2025', legacy('tools/call', (name) => ({ name, arguments: { city: 'x' } })), 'bob_tool', 'cat_tool'],
  ['a tool call of 2025 with arguments that do not fit', legacy('tools/call', (name) => ({ name, arguments: {} })), 'bob_tool', 'cat_tool'],
  ['a REST call', async (app, name) => await restAs(app, name, { city: 'x' }), 'bob_tool', 'cat_tool'],
  ['a REST call with arguments that do not fit', async (app, name) => await restAs(app, name, {}), 'bob_tool', 'cat_tool'],
  ['a REST call with a body that is no object', async (app, name) => await restAs(app, name, []), 'bob_tool', 'cat_tool'],
  ['a prompt of 2026', now('prompts/get', (name) => ({ name, arguments: { mood: 'calm' } })), 'bob_prompt', 'cat_prompt'],
  ['a prompt of 2026 without its argument', now('prompts/get', (name) => ({ name })), 'bob_prompt', 'cat_prompt'],
  ['a prompt of 2025', legacy('prompts/get', (name) => ({ name, arguments: { mood: 'calm' } })), 'bob_prompt', 'cat_prompt'],
  ['a resource of 2026', now('resources/read', (uri) => ({ uri })), 'docs://bob/page', 'docs://cat/page'],
  ['a resource of 2025', legacy('resources/read', (uri) => ({ uri })), 'docs://bob/page', 'docs://cat/page'],
  ['a templated resource of 2026', now('resources/read', (uri) => ({ uri })), 'docs://bob/of/monday', 'docs://cat/of/monday'],
  ['the completion of a prompt', now('completion/complete', (name) => ({ ...moods, ref: { ...moods.ref, name } })), 'bob_prompt', 'cat_prompt'],
  ['the completion of a template', now('completion/complete', (uri) => ({ ...days, ref: { ...days.ref, uri } })), 'docs://bob/of/{day}', 'docs://cat/of/{day}'],
  ['the completion of 2025', legacy('completion/complete', (name) => ({ ...moods, ref: { ...moods.ref, name } })), 'bob_prompt', 'cat_prompt'],
  ['a subscription of 2025', legacy('resources/subscribe', (uri) => ({ uri })), 'docs://bob/page', 'docs://cat/page']
]

async function restAs (app: GantryApp, name: string, body: unknown): Promise<Pick<Answer, 'status' | 'text' | 'headers'>> {
  return await rest(app, name, body, { headers: { 'content-type': 'application/json', ...as('ann') } })
}

for (const [what, ask, foreign, unknown] of asks) {
  t.test(`${what}: what is another's is answered like what there is not`, async (t) => {
    const app = await open(t)
    const [refused, missing] = [await ask(app, foreign), await ask(app, unknown)]
    t.strictSame(plain(refused, foreign, Buffer.from(foreign).toString('base64')), plain(missing, unknown, Buffer.from(unknown).toString('base64')))
    t.match(refused.text, /nknown|not found|must be|object/)
  })
}

t.test('each caller may use what is its own, in both eras and over REST', async (t) => {
  const app = await open(t)
  t.match((await modern(app, 'tools/call', { name: 'ann_tool', arguments: { city: 'x' } }, { headers: { ...as('ann'), 'mcp-param-city': 'x' } })).message.result, { content: [{ text: 'of ann' }] })
  const { headers } = await openSessionAs(app, 'bob')
  t.match((await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'bob_tool', arguments: { city: 'x' } } }, headers)).message.result, { content: [{ text: 'of bob' }] })
  t.equal((await restAs(app, 'ann_tool', { city: 'x' })).status, 200)
  t.match((await modern(app, 'resources/read', { uri: 'docs://ann/of/monday' }, { headers: as('ann') })).message.result, { contents: [{ text: 'a day of ann' }] })
  t.match((await modern(app, 'prompts/get', { name: 'ann_prompt', arguments: { mood: 'calm' } }, { headers: as('ann') })).message.result, { messages: [{ content: { text: 'calm' } }] })
})

t.test('lists show each caller what it may use and nothing else, whoever asked before', async (t) => {
  const app = await open(t)
  const lists: [string, string, RegExp][] = [['tools/list', 'tools', /_tool/], ['prompts/list', 'prompts', /_prompt/], ['resources/list', 'resources', /page/], ['resources/templates/list', 'resourceTemplates', /days/]]
  for (const who of ['ann', 'bob', 'ann'] as const) {
    for (const [method, member, pattern] of lists) {
      const { message } = await modern(app, method, {}, { headers: as(who) })
      const found = message.result?.[member] as { name: string }[]
      t.equal(found.length, 1, `${method} for ${who}`)
      t.match(found[0]?.name, new RegExp(`^${who}.${pattern.source.replace(/^_/, '')}`))
    }
    const listed = await app.inject({ url: '/tools', headers: as(who) })
    t.strictSame((listed.json() as { tools: { name: string }[] }).tools.map(({ name }) => name), [`${who}_tool`])
  }
  for (const [method, member] of lists) t.strictSame((await modern(app, method, {}, { headers: as('nobody') })).message.result?.[member], [], method)
})

t.test('a subscription of 2026 acknowledges only what its caller may read', async (t) => {
  const app = await open(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const params = { notifications: { resourceSubscriptions: ['docs://ann/page', 'docs://bob/page', 'docs://cat/page', 'docs://bob/of/monday'] } }
  const leave = new AbortController()
  const { modernHeaders, modernMessage } = await import('../helpers/build.ts')
  const answer = await fetch(`http://127.0.0.1:${String((app.server.address() as { port: number }).port)}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...modernHeaders('subscriptions/listen'), ...as('ann') },
    body: JSON.stringify(modernMessage('subscriptions/listen', params)),
    signal: leave.signal
  })
  const { value } = await answer.body?.pipeThrough(new TextDecoderStream()).getReader().read() ?? {}
  leave.abort()
  t.match(value, '"resourceSubscriptions":["docs://ann/page"]')
})

t.test('a handler reads resources with the rights of its caller', async (t) => {
  const app = await build(t, { ...config, tools: [{ name: 'ann_tool', inputSchema: { type: 'object' } }] }, {
    tools: { ann_tool: async (args, context) => (await context.readResource(String(args['uri']))).contents }
  })
  const read = async (uri: string) => await modern(app, 'tools/call', { name: 'ann_tool', arguments: { uri } }, { headers: as('ann') })
  t.match((await read('docs://ann/page')).text, 'for ann')
  const [foreign, missing] = [await read('docs://bob/page'), await read('docs://cat/page')]
  t.strictSame(plain(foreign, 'docs://bob/page'), plain(missing, 'docs://cat/page'))
  t.match(foreign.message.result, { isError: true })
})

t.test('what every caller may do stands beside what its key says, and is not what anonymous callers may', async (t) => {
  const security = { authentication: { allowAnonymous: true, apiKeys: [{ name: 'nobody', key: key.nobody }] }, permissions: { authenticated: ['tools:*:bob_*'], anonymous: ['tools:*:ann_*'] } }
  const app = await open(t, { security })
  const names = async (headers: Record<string, string>) => ((await modern(app, 'tools/list', {}, { headers })).message.result?.['tools'] as { name: string }[]).map(({ name }) => name)
  t.strictSame(await names({}), ['ann_tool'])
  t.strictSame(await names(as('nobody')), ['bob_tool'])
  t.equal((await modern(app, 'tools/list', {}, { headers: { authorization: 'Bearer unknown-key-of-somebody-else' } })).status, 401)
})

t.test('permissions without authentication bind everyone', async (t) => {
  const app = await open(t, { security: { permissions: { anonymous: ['tools:*:ann_*'] } } })
  t.strictSame(((await modern(app, 'tools/list')).message.result?.['tools'] as { name: string }[]).map(({ name }) => name), ['ann_tool'])
  t.equal((await rest(app, 'bob_tool', { city: 'x' })).status, 404)
})

t.test('a session of one caller is unknown to another', async (t) => {
  const app = await open(t)
  const { headers } = await openSessionAs(app, 'ann')
  const stolen = { ...headers, ...as('bob') }
  const invented = { ...stolen, 'mcp-session-id': '00000000-0000-4000-8000-000000000000' }
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  t.strictSame(plain(await post(app, ping, stolen)), plain(await post(app, ping, invented)))
  for (const method of ['GET', 'DELETE'] as const) {
    const [of, none] = await Promise.all([stolen, invented].map(async (given) => await app.inject({ method, url: '/mcp', headers: { accept: 'text/event-stream', ...given } })))
    t.equal(of?.statusCode, 404)
    t.equal(of?.payload, none?.payload)
  }
  t.equal((await post(app, ping, headers)).status, 200)
})

t.test('who may do nothing still may open a session and ask what there is', async (t) => {
  const app = await open(t)
  const { headers } = await openSessionAs(app, 'nobody')
  t.strictSame((await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, headers)).message.result, { tools: [] })
  await t.rejects(openSession(app), /401/)
})
