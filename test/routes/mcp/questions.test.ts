import t from 'tap'
import { LineConnection } from '../../../src/core/line-connection.ts'
import { localPrincipal } from '../../../src/core/principals.ts'
import type { HandlerContext, ToolHandler } from '../../../src/core/ports.ts'
import { build, envelope, initialize, openSession, post, textOf, type GantryApp, type JsonObject, type LegacyRevision, type Message, type Test } from '../../helpers/build.ts'
import { ServerRequests, type Ask } from '../../../src/core/server-requests.ts'
import { keepingLogger } from '../../helpers/exchange.ts'
import { listen, LiveSession, type LiveAnswer } from '../../helpers/live.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

const nameForm = { type: 'object', properties: { name: { type: 'string', minLength: 2 } }, required: ['name'] }
const accept = (name: string): JsonObject => ({ action: 'accept', content: { name } })
const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

const greet: ToolHandler = async (_args, context) => {
  const { action, content } = await context.elicit('Who are you?', nameForm)
  return action === 'accept' ? `Hello ${String(content?.['name'])}` : `No name: ${action}`
}

interface Served { app: GantryApp, address: string }

async function serve (t: Test, tools: Record<string, ToolHandler>, config: JsonObject = {}, handlers: Record<string, ToolHandler> = {}): Promise<Served> {
  const app = await build(t, config, { tools, handlers })
  return { app, address: await listen(app) }
}
async function open (address: string, capabilities: JsonObject = all, revision?: LegacyRevision): Promise<LiveSession> {
  return await LiveSession.open(address, { capabilities, ...(revision !== undefined && { revision }) })
}
function run (session: LiveSession, name: string, id: string | number = 1): Promise<LiveAnswer> {
  return session.call('tools/call', { name }, { id })
}
function leftovers ({ app }: Served): number[] { return [app.serverRequests.size, app.core.inFlight.size] }

t.test('the question goes out on the stream of its call, the answer is posted, and the call goes on', async (t) => {
  const served = await serve(t, { greet })
  const session = await open(served.address)
  const call = await run(session, 'greet', 'call')
  t.ok(call.isStream)
  const question = await call.message()
  t.match(question, { jsonrpc: '2.0', id: String, method: 'elicitation/create', params: { mode: 'form', message: 'Who are you?', requestedSchema: nameForm } })
  t.strictSame(leftovers(served), [1, 1])
  t.equal(await session.answer(question?.id, accept('Ann')), 202)
  t.match(await call.rest(), [{ id: 'call', result: { content: [{ text: 'Hello Ann' }] } }])
  t.strictSame(leftovers(served), [0, 0])
})

t.test('an answer may come in a batch, in the revision that has them', async (t) => {
  const { address } = await serve(t, { look: async (_args, context) => ({ roots: await context.roots() }) })
  const session = await open(address, all, '2025-03-26')
  for (const beside of [[], [{ jsonrpc: '2.0', id: 'beside', method: 'ping' }]]) {
    const call = await run(session, 'look')
    const question = await call.message()
    t.match(question, { method: 'roots/list' })
    const posted = await session.post([{ jsonrpc: '2.0', id: question?.id, result: { roots: [{ uri: 'file:///a' }] } }, ...beside])
    t.equal(posted.status, beside.length === 0 ? 202 : 200)
    t.match(await call.message(), { result: { content: [{ text: /file:\/\/\/a/ }] } })
  }
})

t.test('each kind of question is asked in the words of the revision', async (t) => {
  const { address } = await serve(t, {
    greet,
    page: async (_args, context) => await context.elicitUrl('Please pay', 'https://example.com/pay'),
    think: async (_args, context) => await context.sample([{ role: 'user', content: { type: 'text', text: 'Hi' } }]),
    look: async (_args, context) => ({ roots: await context.roots() })
  })
  const said = { role: 'assistant', content: { type: 'text', text: 'Ho' }, model: 'm' }
  const rows: [tool: string, asked: JsonObject, answer: JsonObject, result: JsonObject][] = [
    ['page', { method: 'elicitation/create', params: { mode: 'url', message: 'Please pay', url: 'https://example.com/pay', elicitationId: String } }, { action: 'accept' }, { action: 'accept' }],
    ['think', { method: 'sampling/createMessage', params: { maxTokens: 1_000, messages: [{ role: 'user' }] } }, said, said],
    ['look', { method: 'roots/list', params: {} }, { roots: [{ uri: 'file:///a' }] }, { roots: [{ uri: 'file:///a' }] }]
  ]
  const session = await open(address)
  for (const [tool, asked, answer, result] of rows) {
    const call = await run(session, tool)
    const question = await call.message()
    t.match(question, asked)
    await session.answer(question?.id, answer)
    t.strictSame((await call.message())?.result?.structuredContent, result)
  }
  const older = await open(address, { elicitation: {} }, '2025-06-18')
  const call = await run(older, 'greet')
  const question = await call.message()
  t.strictSame(Object.keys(question?.params ?? {}), ['message', 'requestedSchema'], 'in 2025-06-18 there was one mode, without a name')
  await older.answer(question?.id, accept('Ann'))
  t.match(await call.message(), { result: { content: [{ text: 'Hello Ann' }] } })
})

t.test('prompts and resources ask, too', async (t) => {
  const { address } = await serve(t, {}, {
    prompts: [{ name: 'letter', handler: { type: 'registry', name: 'greet' } }], resources: [{ uri: 'test://page', name: 'page', mimeType: 'text/plain', handler: { type: 'registry', name: 'greet' } }]
  }, { greet })
  const session = await open(address)
  for (const [method, params] of [['prompts/get', { name: 'letter' }], ['resources/read', { uri: 'test://page' }]] as const) {
    const call = await session.call(method, params)
    await session.answer((await call.message())?.id, accept('Ann'))
    t.match(JSON.stringify(await call.message()), /Hello Ann/, method)
    const refused = await session.call(method, params)
    await session.refuse((await refused.message())?.id, { code: -1, message: 'no' })
    t.match(await refused.message(), { id: 1, error: { code: -32603, message: /The client refused elicitation\/create: no/ } })
  }
})

t.test('a resource that a handler reads asks on the stream of the call, and the time of both stands still', async (t) => {
  const served = await serve(t, { read: async (_args, context) => JSON.stringify(await context.readResource('test://page')), clock: async () => await new Promise(() => {}) }, {
    tools: [{ name: 'read', timeout: 60 }, { name: 'clock', timeout: 200 }].map((tool) => ({ ...tool, inputSchema: { type: 'object' } })),
    resources: [{ uri: 'test://page', name: 'page', mimeType: 'text/plain', timeout: 60, handler: { type: 'registry', name: 'greet' } }]
  }, { greet })
  const session = await open(served.address)
  const call = await run(session, 'read')
  const question = await call.message()
  t.match(await (await run(session, 'clock', 'clock')).rest(), [{ result: { isError: true } }])
  await session.answer(question?.id, accept('Ann'))
  t.match((await call.message())?.result, { content: [{ text: /Hello Ann/ }] })
  t.strictSame(leftovers(served), [0, 0])
})

t.test('what the client answers is what the handler gets, and nonsense is a failure of the call', async (t) => {
  const served = await serve(t, { greet })
  const session = await open(served.address)
  const rows: [reply: (id: unknown) => Promise<number>, text: RegExp, isError?: true][] = [
    [(id) => session.answer(id, { action: 'decline' }), /^No name: decline$/],
    [(id) => session.answer(id, { action: 'cancel', content: 5 }), /^No name: cancel$/],
    [(id) => session.refuse(id, { code: -1, message: 'the user is asleep' }), /The client refused elicitation\/create: the user is asleep/, true],
    [(id) => session.answer(id, { action: 'perhaps' }), /must have the action/, true],
    [(id) => session.answer(id, accept('A')), /does not fit the form/, true],
    [(id) => session.answer(id, 5), /must be an object/, true],
    [(id) => session.answer(id, {}), /must have the action/, true]
  ]
  for (const [reply, text, isError] of rows) {
    const call = await run(session, 'greet')
    t.equal(await reply((await call.message())?.id), 202)
    const [answer] = await call.rest()
    t.match(answer?.result?.content, [{ text }], String(text))
    t.equal(answer?.result?.isError, isError)
    t.strictSame(leftovers(served), [0, 0])
  }
})

t.test('several questions at once are answered in any order', async (t) => {
  const { address } = await serve(t, { many: async (_args, context) => (await Promise.all(['a', 'b', 'c'].map(async (what) => (await context.elicit(what, nameForm)).content?.['name']))).join(' ') })
  const session = await open(address)
  const call = await run(session, 'many')
  const questions = [await call.message(), await call.message(), await call.message()]
  t.equal(new Set(questions.map((question) => question?.id)).size, 3)
  for (const question of questions.reverse()) await session.answer(question?.id, accept(`for ${String(question?.params?.['message'])}`))
  t.match(await call.rest(), [{ result: { content: [{ text: 'for a for b for c' }] } }])
})

t.test('when one of several fails, the client hears that the others are off, and nothing is left', async (t) => {
  const served = await serve(t, { many: async (_args, context) => await Promise.all([context.elicit('a', nameForm), context.roots()]) })
  const session = await open(served.address)
  const call = await run(session, 'many')
  const [form, roots] = [await call.message(), await call.message()]
  await session.refuse(form?.id, { code: -1, message: 'no' })
  t.match(await call.rest(), [{ method: 'notifications/cancelled', params: { requestId: roots?.id } }, { id: 1, result: { isError: true } }])
  t.strictSame(leftovers(served), [0, 0])
  t.equal(await session.answer(roots?.id, { roots: [] }), 202, 'an answer that crossed it is taken and dropped')
})

t.test('no answer in time is a failure of the call, and the client hears that the question is off', async (t) => {
  const served = await serve(t, { greet: async (_args, context) => await context.elicit('Who?', nameForm, { timeoutMs: 20 }), resort: async (_args, context) => await context.elicit('Who?', nameForm, { timeoutMs: 20 }).catch(() => 'went on') })
  const session = await open(served.address)
  for (const [tool, result] of [['greet', { isError: true, content: [{ text: /answer to elicitation\/create did not finish within 20 ms/ }] }], ['resort', { content: [{ text: 'went on' }] }]] as const) {
    const call = await run(session, tool)
    const question = await call.message()
    t.match(await call.rest(), [{ method: 'notifications/cancelled', params: { requestId: question?.id } }, { id: 1, result }])
    t.equal(await session.answer(question?.id, accept('Ann')), 202)
  }
  t.strictSame(leftovers(served), [0, 0])
})

t.test('a call that is cancelled while it waits cancels its question, and gets no answer', async (t) => {
  const served = await serve(t, { greet })
  const session = await open(served.address)
  const call = await run(session, 'greet', 'call')
  const question = await call.message()
  t.equal(await session.notify('notifications/cancelled', { requestId: 'call' }), 202)
  t.match(await call.rest(), [{ method: 'notifications/cancelled', params: { requestId: question?.id } }])
  t.strictSame(leftovers(served), [0, 0])
})

t.test('nobody but the session that was asked can answer', async (t) => {
  const served = await serve(t, { greet })
  const [mine, other] = [await open(served.address), await open(served.address)]
  const [call, others] = [await run(mine, 'greet'), await run(other, 'greet')]
  const [question, othersQuestion] = [await call.message(), await others.message()]
  t.not(question?.id, othersQuestion?.id)
  t.equal(await other.answer(question?.id, accept('Mallory')), 202)
  t.equal(await other.refuse(question?.id, { code: 1, message: 'no' }), 202)
  t.equal(await mine.answer(othersQuestion?.id, accept('Mallory')), 202)
  for (const id of ['unknown', 1, `${String(question?.id)}0`, '']) t.equal(await mine.answer(id, accept('Mallory')), 202)
  const stranger = await post(served.app, { jsonrpc: '2.0', id: question?.id, result: accept('Mallory') })
  t.equal(stranger.status, 400, 'nor anybody without a session')
  t.equal((await post(served.app, { jsonrpc: '2.0', id: question?.id, result: accept('Mallory') }, { 'mcp-session-id': 'x' })).status, 404)
  t.equal((await post(served.app, { jsonrpc: '2.0', id: question?.id, result: accept('Mallory') }, { 'mcp-protocol-version': '2026-07-28' })).status, 400)
  t.strictSame(leftovers(served), [2, 2])
  await mine.answer(question?.id, accept('Ann'))
  await other.answer(othersQuestion?.id, accept('Bob'))
  t.match([await call.message(), await others.message()], [{ result: { content: [{ text: 'Hello Ann' }] } }, { result: { content: [{ text: 'Hello Bob' }] } }])
})

t.test('the time of a call stands still while its client is asked, whenever the handler asks', async (t) => {
  const tools: Record<string, ToolHandler> = {
    atOnce: greet,
    later: async (args, context) => { await turn(); return await greet(args, context) },
    twice: async (args, context) => { await Promise.all([greet(args, context), greet(args, context)]); return await greet(args, context) },
    // After the answer its time goes on.
    hangs: async (args, context) => { await greet(args, context); return await new Promise(() => {}) },
    clock: async () => await new Promise(() => {})
  }
  const limits: Record<string, number> = { atOnce: 60, later: 60, twice: 60, hangs: 60, clock: 200 }
  const { address } = await serve(t, tools, { tools: Object.entries(limits).map(([name, timeout]) => ({ name, inputSchema: { type: 'object' }, timeout })) })
  const session = await open(address)
  const calls = await Promise.all(['atOnce', 'later', 'twice', 'hangs'].map(async (name) => await run(session, name, name)))
  const asked = await Promise.all(calls.map(async (call) => [call, await call.message()] as const))
  t.match(await (await run(session, 'clock', 'clock')).rest(), [{ result: { isError: true, content: [{ text: /within 200 ms/ }] } }], 'in the meantime another call, which had more time, was over')
  for (const [call, question] of asked) {
    t.match(question, { method: 'elicitation/create' })
    await session.answer(question?.id, accept('Ann'))
    for (let next = await call.message(); next !== undefined; next = await call.message()) {
      if (next.method === 'elicitation/create') await session.answer(next.id, accept('Ann'))
      else t.match(next, next.id === 'hangs' ? { result: { isError: true, content: [{ text: /hangs did not finish within 60 ms/ }] } } : { result: { content: [{ text: 'Hello Ann' }] } })
    }
  }
})

t.test('what this client or its revision cannot do is a result that says why, and nothing is sent', async (t) => {
  const { app } = await serve(t, { greet, page: async (_args, context) => await context.elicitUrl('m', 'https://example.com'), think: async (_args, context) => await context.sample([]), look: async (_args, context) => await context.roots(), optional: async (_args, context) => await context.roots().catch(() => 'did without') })
  const rows: [tool: string, revision: LegacyRevision, capabilities: JsonObject, text: RegExp][] = [
    ['greet', '2025-11-25', {}, /elicitation\/create is not available: the client did not declare/], ['greet', '2025-11-25', { elicitation: { url: {} } }, /did not declare/], ['page', '2025-11-25', { elicitation: {} }, /did not declare/],
    ['think', '2025-11-25', {}, /sampling\/createMessage is not available/], ['look', '2024-11-05', {}, /roots\/list is not available/],
    ['greet', '2025-03-26', all, /revision 2025-03-26 does not have it/], ['greet', '2024-11-05', all, /revision 2024-11-05 does not have it/], ['page', '2025-06-18', all, /revision 2025-06-18 does not have it/]
  ]
  for (const [tool, revision, capabilities, text] of rows) {
    const answer = await (await openSession(app, revision, capabilities)).call('tools/call', { name: tool })
    t.match(answer.message, { id: 1, result: { isError: true, content: [{ text }] } }, `${tool} in ${revision}`)
    t.equal(answer.messages.length, 1)
  }
  t.equal(textOf(await (await openSession(app)).call('tools/call', { name: 'optional' })), 'did without')
})

t.test('without a stream for the question there is none, and the result says what is missing', async (t) => {
  const served = await serve(t, { greet, think: async (_args, context) => await context.sample([]) })
  const session = await openSession(served.app, '2025-11-25', all)
  t.match((await session.call('tools/call', { name: 'greet' }, { headers: { accept: 'application/json' } })).message, { result: { isError: true, content: [{ text: /accept text\/event-stream/ }] } })
  const older = await openSession(served.app, '2025-03-26', all)
  t.match((await older.post([{ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'think' } }])).messages, [{ id: 5, result: { isError: true, content: [{ text: /batch/ }] } }])
  t.strictSame(leftovers(served), [0, 0])
})

t.test('without sessions nobody can be asked, and the result says so', async (t) => {
  const app = await build(t, { server: { protocol: { sessions: 'stateless' } } }, { tools: { greet } })
  await post(app, initialize('2025-11-25', all))
  t.match((await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'greet' } }, { 'mcp-protocol-version': '2025-11-25' })).message, { result: { isError: true, content: [{ text: /no session/ }] } })
})

t.test('a question is never sent on a stream that a client opened for news', async (t) => {
  const { address } = await serve(t, { greet })
  const session = await open(address)
  const news = await session.get()
  const call = await run(session, 'greet')
  await session.answer((await call.message())?.id, accept('Ann'))
  t.match(await call.message(), { result: {} })
  await session.end()
  t.strictSame(await news.rest(), [])
})

t.test('a session that ends takes its calls and questions with it', async (t) => {
  const context = deferred<HandlerContext>()
  const served = await serve(t, { greet, hang: async (_args, given) => { context.resolve(given); given.progress(1); return await new Promise(() => {}) } })
  const [session, other] = [await open(served.address), await open(served.address)]
  const asking = await run(session, 'greet', 1)
  const hanging = await session.call('tools/call', { name: 'hang' }, { id: 2, meta: { progressToken: 1 } })
  const others = await run(other, 'greet', 1)
  await Promise.all([asking.message(), context.promise])
  t.equal(await session.end(), 204)
  t.ok((await context.promise).signal.aborted)
  t.notOk((await asking.rest()).some(({ result, method }) => result?.isError !== true && method === undefined), 'no result but a failure')
  t.match(await hanging.rest(), [{ method: 'notifications/progress' }])
  t.strictSame(leftovers(served), [1, 1], 'those of another session go on')
  await other.answer((await others.message())?.id, accept('Bob'))
  t.match(await others.message(), { result: { content: [{ text: 'Hello Bob' }] } })
})

t.test('a handler that does not await its questions harms nobody', async (t) => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => { process.off('unhandledRejection', listener) })
  const late = deferred<HandlerContext>()
  const served = await serve(t, {
    inTurn: async (_args, context) => { const [first, second] = [context.elicit('One', nameForm), context.elicit('Two', nameForm)]; return [await first, await second] },
    forgets: async (_args, context) => { void context.elicit('Never mind', nameForm); await turn(); return 'done' },
    late: async (_args, context) => { late.resolve(context); await turn(); return 'done' }
  })
  const session = await open(served.address)
  const call = await run(session, 'inTurn')
  const [one] = [await call.message(), await call.message()]
  await session.refuse(one?.id, { code: 1, message: 'no' })
  t.match((await call.rest()).at(-1), { result: { isError: true } })
  const forgotten = await (await run(session, 'forgets')).rest()
  t.match(forgotten, [{ method: 'elicitation/create' }, { method: 'notifications/cancelled' }, { result: { content: [{ text: 'done' }] } }])
  await (await run(session, 'late')).rest()
  await t.rejects((await late.promise).elicit('Too late', nameForm), { code: 'MCP_NOT_AVAILABLE', message: /has ended/ })
  await turn()
  t.strictSame(unhandled, [])
  t.strictSame(leftovers(served), [0, 0])
})

/** A client on lines, as over stdio. */
function connect (app: GantryApp): { connection: LineConnection, written: Message[], send: (message: JsonObject) => void, next: () => Promise<Message> } {
  const written: Message[] = []
  let read = 0
  const connection = new LineConnection({ core: app.core, logger: keepingLogger(), principal: localPrincipal, requests: app.serverRequests, maxLineBytes: 1_000_000, write: (line) => { written.push(JSON.parse(line) as Message) } })
  return {
    connection,
    written,
    send: (message) => { connection.receive(JSON.stringify({ jsonrpc: '2.0', ...message })) },
    async next () {
      await until('a line is written', () => written.length > read)
      return written[read++] ?? {}
    }
  }
}

t.test('over stdio a client of the 2025 era is asked on its lines', async (t) => {
  const served = await serve(t, { greet })
  const [line, other] = [connect(served.app), connect(served.app)]
  for (const each of [line, other]) {
    each.send(initialize('2025-11-25', all))
    await each.next()
  }
  line.send({ id: 1, method: 'tools/call', params: { name: 'greet' } })
  const question = await line.next()
  t.match(question, { id: String, method: 'elicitation/create', params: { mode: 'form' } })
  other.send({ id: question.id, result: accept('Mallory') })
  await other.connection.settled()
  line.send({ id: question.id, result: accept('Ann') })
  t.match(await line.next(), { id: 1, result: { content: [{ text: 'Hello Ann' }] } }, 'and by nobody else')

  line.send({ id: 2, method: 'tools/call', params: { name: 'greet' } })
  const second = await line.next()
  line.send({ method: 'notifications/cancelled', params: { requestId: 2 } })
  t.match(await line.next(), { method: 'notifications/cancelled', params: { requestId: second.id } })

  line.send({ id: 3, method: 'tools/call', params: { name: 'greet' } })
  await line.next()
  line.connection.end()
  t.match(await line.next(), { id: 3, result: { isError: true, content: [{ text: /the session has ended/ }] } }, 'where no answer can come any more, the call ends')
  await line.connection.settled()
  t.strictSame(leftovers(served), [0, 0])

  line.send(initialize('2025-11-25', {}))
  await line.next()
  line.send({ id: 4, method: 'tools/call', params: { name: 'greet' } })
  t.match(await line.next(), { id: 4, result: { isError: true, content: [{ text: /did not declare/ }] } })
})

t.test('whose answers a connection takes cannot be guessed from another instance', async (t) => {
  const { app } = await serve(t, { greet })
  const asked: string[] = []
  class Recorded extends ServerRequests {
    override async ask (ask: Ask): Promise<unknown> {
      asked.push(ask.sessionId)
      return await Promise.resolve(accept('Ann'))
    }
  }
  while (asked.length < 2) {
    const connection = new LineConnection({ core: app.core, logger: keepingLogger(), principal: localPrincipal, requests: new Recorded(app.bus), maxLineBytes: 1_000, write: () => {} })
    for (const message of [initialize('2025-11-25', all), { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'greet' } }]) connection.receive(JSON.stringify(message))
    await connection.settled()
  }
  t.equal(new Set(asked).size, 2)
  for (const name of asked) t.match(name, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})

t.test('over stdio a client of the 2026 era is asked in rounds', async (t) => {
  const { app } = await serve(t, { greet })
  const line = connect(app)
  const params = (more: JsonObject = {}, capabilities: JsonObject = all): JsonObject => ({ name: 'greet', arguments: {}, ...more, _meta: envelope({ 'io.modelcontextprotocol/clientCapabilities': capabilities }) })
  line.send({ id: 1, method: 'tools/call', params: params() })
  const first = await line.next()
  t.match(first, { id: 1, result: { resultType: 'input_required', inputRequests: { 'question-1': { method: 'elicitation/create' } } } })
  line.send({ id: 2, method: 'tools/call', params: params({ requestState: first.result?.['requestState'], inputResponses: { 'question-1': accept('Ann') } }) })
  t.match(await line.next(), { id: 2, result: { content: [{ text: 'Hello Ann' }] } })
  line.send({ id: 3, method: 'tools/call', params: params({ requestState: 'x' }) })
  t.match(await line.next(), { id: 3, error: { code: -32602 } })
  line.send({ id: 4, method: 'tools/call', params: params({}, {}) })
  t.match(await line.next(), { id: 4, error: { code: -32021 } })
  t.equal(line.written.some(({ method }) => method !== undefined), false, 'no request was sent')
})
