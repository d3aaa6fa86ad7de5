import t from 'tap'
import type { HandlerContext, ToolHandler } from '../../src/core/ports.ts'
import { modern, textOf, type GantryApp, type JsonObject } from '../helpers/build.ts'
import { startInstances, type Instance } from '../helpers/instances.ts'
import { LiveSession } from '../helpers/live.ts'
import { startRedis } from '../helpers/redis.ts'
import { deferred, until } from '../helpers/waiting.ts'

const redis = await startRedis(t)

const nameForm = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
const accept = (name: string): JsonObject => ({ action: 'accept', content: { name } })
const greet: ToolHandler = async (_args, context) => {
  const { action, content } = await context.elicit('Who are you?', nameForm)
  return action === 'accept' ? `Hello ${String(content?.['name'])}` : `No name: ${action}`
}
function two (instances: Instance[]): [Instance, Instance] {
  const [here, there] = instances
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  return [here, there]
}
function leftovers (...apps: GantryApp[]): number[] { return apps.flatMap((app) => [app.serverRequests.size, app.core.inFlight.size]) }

t.test('a session lives on every instance: what one changes, the other knows', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { say: (_args, context) => { context.log('debug', 'heard'); return 'said' } } }))
  const session = await LiveSession.open(here.address)
  t.equal((await (await session.call('tools/call', { name: 'say' }, { at: there.address })).rest()).length, 1)
  t.match(await (await session.call('logging/setLevel', { level: 'debug' }, { at: there.address })).rest(), [{ result: {} }])
  t.match(await (await session.call('tools/call', { name: 'say' }, { at: here.address })).rest(), [{ method: 'notifications/message' }, { result: {} }])
})

t.test('a question that one instance asks is answered through the other', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { greet } }))
  const session = await LiveSession.open(here.address, { capabilities: { elicitation: {} } })
  for (const [asking, answering] of [[here, there], [there, here]] as const) {
    const call = await session.call('tools/call', { name: 'greet' }, { at: asking.address })
    const question = await call.message()
    t.equal(await session.answer(question?.id, accept('Ann'), answering.address), 202)
    t.match(await call.rest(), [{ result: { content: [{ text: 'Hello Ann' }] } }])

    const refused = await session.call('tools/call', { name: 'greet' }, { at: asking.address })
    t.equal(await session.refuse((await refused.message())?.id, { code: -1, message: 'not now' }, answering.address), 202)
    t.match(await refused.rest(), [{ result: { isError: true, content: [{ text: /not now/ }] } }])
  }
  t.strictSame(leftovers(here.app, there.app), [0, 0, 0, 0])
})

t.test('another session cannot answer through the other instance, either', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { greet } }))
  const [mine, other] = [await LiveSession.open(here.address, { capabilities: { elicitation: {} } }), await LiveSession.open(there.address, { capabilities: { elicitation: {} } })]
  const call = await mine.call('tools/call', { name: 'greet' })
  const question = await call.message()
  t.equal(await other.answer(question?.id, accept('Mallory'), there.address), 202)
  t.equal(await mine.answer(question?.id, accept('Ann'), there.address), 202)
  t.match(await call.message(), { result: { content: [{ text: 'Hello Ann' }] } })
})

t.test('a call is cancelled through the other instance, with its question', async (t) => {
  const context = deferred<HandlerContext>()
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { greet: async (args, given) => { context.resolve(given); return await greet(args, given) } } }))
  const [session, other] = [await LiveSession.open(here.address, { capabilities: { elicitation: {} } }), await LiveSession.open(here.address)]
  const call = await session.call('tools/call', { name: 'greet' }, { id: 'call' })
  const question = await call.message()
  t.equal(await other.notify('notifications/cancelled', { requestId: 'call' }, there.address), 202, 'somebody else\'s call of that id')
  t.equal(await session.notify('notifications/cancelled', { requestId: 'call' }, there.address), 202)
  t.match(await call.rest(), [{ method: 'notifications/cancelled', params: { requestId: question?.id } }])
  t.ok((await context.promise).signal.aborted)
  t.strictSame(leftovers(here.app, there.app), [0, 0, 0, 0])
})

t.test('a session that ends on one instance ends on all: its calls, its questions, its streams', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { greet, hang: async (_args, context) => { context.progress(1); return await new Promise(() => {}) } } }))
  const session = await LiveSession.open(here.address, { capabilities: { elicitation: {} } })
  const asking = await session.call('tools/call', { name: 'greet' }, { id: 1 })
  const hanging = await session.call('tools/call', { name: 'hang' }, { id: 2, meta: { progressToken: 'p' } })
  const news = await session.get()
  const primer = await hanging.event()
  await asking.message()
  t.equal(await session.end(there.address), 204)
  t.strictSame((await news.rest()), [], 'the stream for news has ended')
  await hanging.rest()
  t.notOk((await asking.rest()).some(({ result }) => result !== undefined && result.isError !== true))
  await until('nothing is left', () => leftovers(here.app, there.app).every((count) => count === 0))
  for (const { address } of [here, there]) t.equal((await session.get({ lastEventId: primer?.id, at: address })).status, 404)
})

t.test('an open stream hears a session end that was not ended by its client', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2))
  const session = await LiveSession.open(here.address)
  const other = await LiveSession.open(here.address)
  const [news, others] = [await session.get(), await other.get()]
  await session.end(there.address)
  await news.rest()
  const announced = others.message()
  await there.app.core.changes.announce({ kind: 'prompts' })
  t.match(await announced, { method: 'notifications/prompts/list_changed' }, 'and others go on')
})

t.test('a round that one instance began goes on at the other', async (t) => {
  const [here, there] = two(await startInstances(t, redis, 2, { tools: { greet } }))
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
  const first = await modern(here.app, 'tools/call', { name: 'greet' }, { meta })
  const answers = { requestState: first.message.result?.['requestState'], inputResponses: { 'question-1': accept('Ann') } }
  t.equal(textOf(await modern(there.app, 'tools/call', { name: 'greet', ...answers }, { meta })), 'Hello Ann')
})
