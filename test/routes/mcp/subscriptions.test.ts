import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LineConnection } from '../../../src/core/line-connection.ts'
import { localPrincipal } from '../../../src/core/principals.ts'
import type { Change, ToolHandler } from '../../../src/core/ports.ts'
import { build, envelope, initialize, modern, openSession, post, type GantryApp, type JsonObject, type Message, type Test } from '../../helpers/build.ts'
import { keepingLogger } from '../../helpers/exchange.ts'
import { callLive, listen, LiveSession, type LiveAnswer } from '../../helpers/live.ts'
import { turn, until } from '../../helpers/waiting.ts'

const idKey = 'io.modelcontextprotocol/subscriptionId'
const everything = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['test://a', 'test://pages/7'] }
const changes: Change[] = [{ kind: 'tools' }, { kind: 'prompts' }, { kind: 'resources' }, { kind: 'resource', uri: 'test://a' }, { kind: 'resource', uri: 'test://pages/7' }, { kind: 'resource', uri: 'test://b' }]
const resources = [{ uri: 'test://a', name: 'a', content: 'a' }, { uri: 'test://b', name: 'b', content: 'b' }, { uriTemplate: 'test://pages/{id}', name: 'pages', content: '{{id}}' }]

const announce: ToolHandler = async (change, context) => { await context.announce(change as unknown as Change); return 'told' }

interface Served { app: GantryApp, address: string, announceAll: () => Promise<void> }

async function serve (t: Test, config: JsonObject = {}, options = {}): Promise<Served> {
  const app = await build(t, { resources, ...config }, { tools: { announce }, ...options })
  const announceAll = async (): Promise<void> => { for (const arguments_ of changes) await modern(app, 'tools/call', { name: 'announce', arguments: arguments_ }) }
  return { app, address: await listen(app), announceAll }
}

function subscribe (address: string, notifications: unknown, id: string | number = 1, headers = {}): Promise<LiveAnswer> {
  return callLive(address, 'subscriptions/listen', { notifications }, { id, headers })
}
const uriOf = (message: Message | undefined): unknown => [message?.method, ...message?.params?.['uri'] === undefined ? [] : [message.params['uri']]].join(' ')

t.test('2026: a subscription is acknowledged first, then tells what was asked, under its id', async (t) => {
  const { address, announceAll } = await serve(t)
  const stream = await subscribe(address, { ...everything, resourceSubscriptions: ['test://a', 'secret://x', 'test://pages/7'] }, 'sub')
  t.equal(stream.status, 200)
  t.ok(stream.isStream)
  t.equal(stream.headers.get('mcp-session-id'), null)
  t.strictSame(await stream.message(), { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: everything, _meta: { [idKey]: 'sub' } } })
  await announceAll()
  const news = [await stream.message(), await stream.message(), await stream.message(), await stream.message(), await stream.message()]
  t.strictSame(news.map(uriOf), ['notifications/tools/list_changed', 'notifications/prompts/list_changed', 'notifications/resources/list_changed', 'notifications/resources/updated test://a', 'notifications/resources/updated test://pages/7'])
  for (const message of news) {
    t.strictSame(message?.params?.['_meta'], { [idKey]: 'sub' })
    t.notOk('id' in (message ?? {}))
  }
})

t.test('2026: several subscriptions go side by side, each with what it asked and its own id', async (t) => {
  const { address, announceAll } = await serve(t)
  const rows: [id: string | number, asked: JsonObject, told: string[]][] = [
    [1, { toolsListChanged: true }, ['notifications/tools/list_changed']], ['1', { promptsListChanged: true }, ['notifications/prompts/list_changed']], [0, { resourceSubscriptions: ['test://b'] }, ['notifications/resources/updated test://b']],
    [1, { toolsListChanged: true, resourceSubscriptions: ['test://b'] }, ['notifications/tools/list_changed', 'notifications/resources/updated test://b']]
  ]
  const streams = await Promise.all(rows.map(async ([id, asked]) => await subscribe(address, asked, id)))
  for (const stream of streams) await stream.message()
  await announceAll()
  for (const [at, [id, , told]] of rows.entries()) {
    for (const line of told) {
      const message = await streams[at]?.message()
      t.strictSame([uriOf(message), message?.params?.['_meta']], [line, { [idKey]: id }])
    }
  }
})

t.test('2026: where there is nothing to tell, the request ends with its result at once', async (t) => {
  const { address } = await serve(t)
  for (const notifications of [{}, { toolsListChanged: false }, { resourceSubscriptions: ['secret://x'] }]) {
    const messages = await (await subscribe(address, notifications, 'x')).rest()
    t.match(messages, [{ method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } }, { id: 'x', result: { resultType: 'complete', _meta: { [idKey]: 'x' } } }])
    t.equal(messages.length, 2)
  }
})

t.test('2026: a client that goes leaves nothing behind', async (t) => {
  const { app, address } = await serve(t)
  const streams = await Promise.all(Array.from({ length: 10 }, async (_, id) => await subscribe(address, everything, id)))
  for (const stream of streams) await stream.message()
  t.equal(app.core.subscriptions.size, 10)
  for (const stream of streams) stream.cut()
  await until('all have ended', () => app.core.subscriptions.size === 0)
  t.equal(app.core.inFlight.size, 0)
})

t.test('2026: when the server ends, each subscription gets its result', async (t) => {
  const { app, address } = await serve(t)
  const stream = await subscribe(address, everything, 7)
  await stream.message()
  const [closed, rest] = [app.close(), stream.rest()]
  t.match(await rest, [{ id: 7, result: { resultType: 'complete', _meta: { [idKey]: 7 } } }])
  await closed
  t.equal(app.core.subscriptions.size, 0)
})

t.test('2026: who takes no event stream cannot listen, and a filter that is none is refused', async (t) => {
  const { address, app } = await serve(t)
  const refused = await subscribe(address, everything, 1, { accept: 'application/json' })
  t.equal(refused.status, 406)
  t.match(await refused.rest(), [{ id: 1, error: { code: -32600, message: /Accept/ } }])
  for (const notifications of [undefined, null, [], { toolsListChanged: 'yes' }, { resourceSubscriptions: 'test://a' }, { resourceSubscriptions: Array.from({ length: 1_001 }, () => 'test://a') }]) {
    t.match(await (await subscribe(address, notifications)).rest(), [{ id: 1, error: { code: -32602 } }], JSON.stringify(notifications)?.slice(0, 50))
  }
  t.equal(app.core.subscriptions.size, 0)
  t.match(await modern(app, 'resources/subscribe', { uri: 'test://a' }), { status: 404, message: { error: { code: -32601 } } })
})

t.test('a list that changes is news, in both eras', async (t) => {
  const { app, address } = await serve(t)
  const session = await LiveSession.open(address)
  const [stream, news] = [await subscribe(address, everything), await session.get()]
  await stream.message()
  const [tool] = app.core.tools.list
  if (tool === undefined) throw new Error('there is a tool')
  app.core.tools.add('another', tool)
  app.core.prompts.replaceAll([])
  app.core.templates.replaceAll([])
  const lists = ['notifications/tools/list_changed', 'notifications/prompts/list_changed', 'notifications/resources/list_changed']
  t.strictSame([await stream.message(), await stream.message(), await stream.message()].map(uriOf), lists)
  t.strictSame([await news.message(), await news.message(), await news.message()], lists.map((method) => ({ jsonrpc: '2.0', method, params: {} })), 'and in 2025 without metadata of the later era')
})

t.test('2025: updates of resources go to those who subscribed, until they unsubscribe, on the GET stream only', async (t) => {
  const { address, announceAll } = await serve(t)
  const [session, other] = [await LiveSession.open(address), await LiveSession.open(address)]
  const [news, othersNews] = [await session.get(), await other.get()]
  for (const uri of ['test://a', 'test://pages/7', 'test://a']) t.match(await (await session.call('resources/subscribe', { uri })).rest(), [{ id: 1, result: {} }])
  t.match(await (await session.call('resources/subscribe', { uri: 'secret://x' })).rest(), [{ error: { code: -32002, data: { uri: 'secret://x' } } }])
  for (const uri of [undefined, 5, null]) t.match(await (await session.call('resources/subscribe', { uri })).rest(), [{ error: { code: -32602 } }])

  const lists = ['notifications/tools/list_changed', 'notifications/prompts/list_changed', 'notifications/resources/list_changed']
  const call = await session.call('tools/call', { name: 'announce', arguments: { kind: 'resource', uri: 'test://a' } })
  t.match(await call.rest(), [{ id: 1 }], 'nothing of it on the stream of a call')
  t.equal(uriOf(await news.message()), 'notifications/resources/updated test://a')
  await announceAll()
  const told = [await news.message(), await news.message(), await news.message(), await news.message(), await news.message()]
  t.strictSame(told.map(uriOf), [...lists, 'notifications/resources/updated test://a', 'notifications/resources/updated test://pages/7'])
  t.strictSame([await othersNews.message(), await othersNews.message(), await othersNews.message()].map(uriOf), lists)

  t.match(await (await session.call('resources/unsubscribe', { uri: 'test://a' })).rest(), [{ result: {} }])
  t.match(await (await session.call('resources/unsubscribe', { uri: 'test://b' })).rest(), [{ result: {} }], 'what was not subscribed may be left, too')
  t.match(await (await session.call('resources/unsubscribe', { uri: 'gone://x' })).rest(), [{ result: {} }], 'and what is not there any more')
  await announceAll()
  t.strictSame([await news.message(), await news.message(), await news.message(), await news.message()].map(uriOf), [...lists, 'notifications/resources/updated test://pages/7'])
  await Promise.all([session.end(), other.end()])
  t.strictSame(await news.rest(), [])
  t.match((await othersNews.rest()).map(uriOf), lists, 'and the other got no update at all')
})

t.test('2025: with several GET streams each message comes on one of them, and another takes over when that closes', async (t) => {
  const { app, address } = await serve(t)
  const session = await LiveSession.open(address)
  const tell = async (): Promise<void> => { await modern(app, 'tools/call', { name: 'announce', arguments: { kind: 'tools' } }) }
  const [first, second, third] = [await session.get(), await session.get(), await session.get()]
  const kept = async (): Promise<string | undefined> => (await app.sessions?.get(session.id))?.streamId
  const before = await kept()
  t.type(before, 'string')
  await tell()
  t.match(await third.message(), { method: 'notifications/tools/list_changed' })
  third.cut()
  let now = before
  for (let look = 0; look < 1_000 && now === before; look++) {
    await turn()
    now = await kept()
  }
  t.not(now, before, 'another one has taken over')
  await tell()
  const heard = await Promise.race([first.message().then((message) => ({ message, other: second })), second.message().then((message) => ({ message, other: first }))])
  t.match(heard.message, { method: 'notifications/tools/list_changed' })
  await session.end()
  t.match(await heard.other.message(), undefined, 'and the other got nothing')
})

t.test('2025: a session has as many GET streams as it needs, and not as many as it can open', async (t) => {
  const { app, address } = await serve(t)
  const session = await LiveSession.open(address)
  const streams: LiveAnswer[] = []
  for (let count = 0; count < 13; count++) streams.push(await session.get())
  t.strictSame((await Promise.all(streams.slice(0, 3).map((stream) => stream.rest()))).flat(), [], 'the oldest have ended')
  await modern(app, 'tools/call', { name: 'announce', arguments: { kind: 'tools' } })
  t.match(await streams[12]?.message(), { method: 'notifications/tools/list_changed' })
  await session.end()
})

t.test('a resource that is a file is news when the file changes, in both eras', async (t) => {
  const folder = t.testdir({ 'watched.txt': 'before', 'other.txt': 'x' })
  const { address } = await serve(t, { resources: [{ uri: 'test://watched', name: 'w', file: 'watched.txt' }, { uri: 'test://other', name: 'o', file: 'other.txt' }], server: { handlerRoots: ['.'] } }, { baseDir: folder })
  const session = await LiveSession.open(address)
  const news = await session.get()
  await (await session.call('resources/subscribe', { uri: 'test://watched' })).rest()
  const stream = await subscribe(address, { resourceSubscriptions: ['test://watched'] })
  await stream.message()
  writeFileSync(join(folder, 'other.txt'), 'y')
  writeFileSync(join(folder, 'watched.txt'), 'after')
  t.equal(uriOf(await stream.message()), 'notifications/resources/updated test://watched')
  t.equal(uriOf(await news.message()), 'notifications/resources/updated test://watched')
  t.match(await (await session.call('resources/read', { uri: 'test://watched' })).rest(), [{ result: { contents: [{ text: 'after' }] } }])
})

t.test('what is advertised is what can be delivered', async (t) => {
  const { app } = await serve(t)
  const full = { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true } }
  t.match((await openSession(app)).initialized.result?.['capabilities'], full)
  t.match((await modern(app, 'server/discover')).message.result?.['capabilities'], full)

  const stateless = await build(t, { resources, server: { protocol: { sessions: 'stateless' } } }, { tools: { announce } })
  const capabilities = (await post(stateless, initialize('2025-11-25'))).message.result?.['capabilities'] as Record<string, JsonObject>
  t.strictSame([capabilities['tools'], capabilities['prompts'], capabilities['resources']], [{}, {}, {}])
  t.match((await post(stateless, { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } })).message, { error: { message: /keeps no sessions/ } })
  t.match((await modern(stateless, 'server/discover')).message.result?.['capabilities'], full, 'a subscription of the 2026 era needs no session')
})

/** A client on lines, as over stdio. */
function connect (app: GantryApp): { connection: LineConnection, written: Message[], send: (message: JsonObject) => void, heard: (count: number) => Promise<Message[]> } {
  const written: Message[] = []
  const connection = new LineConnection({ core: app.core, logger: keepingLogger(), principal: localPrincipal, requests: app.serverRequests, maxLineBytes: 1_000_000, write: (line) => { written.push(JSON.parse(line) as Message) } })
  return {
    connection,
    written,
    send: (message) => { connection.receive(JSON.stringify({ jsonrpc: '2.0', ...message })) },
    async heard (count) {
      await until(`${count} lines are written`, () => written.length >= count)
      await turn()
      return written.splice(0)
    }
  }
}

t.test('over stdio subscriptions share the lines, are cancelled by id, and end with the connection', async (t) => {
  const { app, announceAll } = await serve(t)
  const line = connect(app)
  const subscribeTo = (id: unknown, notifications: JsonObject): void => { line.send({ id, method: 'subscriptions/listen', params: { notifications, _meta: envelope() } }) }
  subscribeTo(1, { toolsListChanged: true })
  subscribeTo('1', { resourceSubscriptions: ['test://b'] })
  t.match(await line.heard(2), [{ params: { _meta: { [idKey]: 1 } } }, { params: { _meta: { [idKey]: '1' } } }])
  await announceAll()
  t.match(await line.heard(2), [{ method: 'notifications/tools/list_changed', params: { _meta: { [idKey]: 1 } } }, { method: 'notifications/resources/updated', params: { uri: 'test://b', _meta: { [idKey]: '1' } } }])
  line.send({ method: 'notifications/cancelled', params: { requestId: 1 } })
  await announceAll()
  t.match(await line.heard(1), [{ method: 'notifications/resources/updated' }])
  t.equal(app.core.subscriptions.size, 1)

  line.connection.end()
  await line.connection.settled()
  t.match(await line.heard(1), [{ id: '1', result: { resultType: 'complete', _meta: { [idKey]: '1' } } }], 'so that a program whose input has ended can end, too')
  t.equal(app.core.subscriptions.size, 0)
  await announceAll()
  t.strictSame(line.written, [])
})

t.test('over stdio a client cannot subscribe without end', async (t) => {
  const { app } = await serve(t)
  const line = connect(app)
  line.send(initialize('2025-11-25'))
  for (let id = 1; id <= 1_001; id++) line.send({ id, method: 'resources/subscribe', params: { uri: `test://pages/${id}` } })
  const answers = await line.heard(1_002)
  t.match(answers.at(-1), { id: 1_001, error: { code: -32602, message: /too many subscriptions/ } })
  t.equal(answers.filter(({ error }) => error !== undefined).length, 1)
  line.send({ id: 'again', method: 'resources/subscribe', params: { uri: 'test://pages/5' } })
  line.send({ id: 'less', method: 'resources/unsubscribe', params: { uri: 'test://pages/6' } })
  line.send({ id: 'more', method: 'resources/subscribe', params: { uri: 'test://pages/2000' } })
  t.match(await line.heard(3), [{ id: 'again', result: {} }, { id: 'less', result: {} }, { id: 'more', result: {} }])
})

t.test('over stdio a client of the 2025 era hears news after initialize, until its end', async (t) => {
  const { app, announceAll } = await serve(t)
  const line = connect(app)
  await announceAll()
  t.strictSame(line.written, [], 'nothing before it')
  line.send(initialize('2025-11-25'))
  t.match(await line.heard(1), [{ result: { capabilities: { resources: { subscribe: true, listChanged: true } } } }])
  line.send({ id: 1, method: 'resources/subscribe', params: { uri: 'test://b' } })
  await line.heard(1)
  await announceAll()
  t.strictSame((await line.heard(4)).map(uriOf), ['notifications/tools/list_changed', 'notifications/prompts/list_changed', 'notifications/resources/list_changed', 'notifications/resources/updated test://b'])
  line.send({ id: 2, method: 'resources/unsubscribe', params: { uri: 'test://b' } })
  await line.heard(1)
  await announceAll()
  t.equal((await line.heard(3)).length, 3)
  line.connection.end()
  await announceAll()
  t.strictSame(line.written, [])
})
