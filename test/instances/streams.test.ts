import t from 'tap'
import type { HandlerContext, ToolHandler } from '../../src/core/ports.ts'
import type { Message } from '../helpers/build.ts'
import { startInstances, type Instance, type InstanceOptions } from '../helpers/instances.ts'
import { callLive, LiveSession, type LiveAnswer, type StreamEvent } from '../helpers/live.ts'
import { startRedis } from '../helpers/redis.ts'
import { deferred, turn, until } from '../helpers/waiting.ts'

const redis = await startRedis(t)
const resources = [{ uri: 'test://a', name: 'a', content: 'a' }]

async function startTwo (test: { teardown (fn: () => unknown): unknown }, options: InstanceOptions = {}): Promise<[Instance, Instance]> {
  const [here, there] = await startInstances(test, redis, 2, options)
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  return [here, there]
}

const stepOf = (message: Message | undefined): unknown => message?.params?.['progress'] ?? message?.result?.content?.[0]?.text ?? message?.method
const stepsOf = (events: readonly (StreamEvent | undefined)[]): unknown[] => events.map((event) => stepOf(event?.message))

/** A tool that reports as it is told. */
function stepping (): { handler: ToolHandler, step: (count?: number) => void, end: () => void } {
  let context: HandlerContext | undefined
  let steps = 0
  const over = deferred<string>()
  return {
    handler: async (_args, given) => {
      context = given
      given.progress(++steps)
      return await over.promise
    },
    step (count = 1) { for (let step = 0; step < count; step++) context?.progress(++steps) },
    end () { over.resolve('done') }
  }
}

t.test('a change that one instance announces is told once, wherever the stream is open, in both eras', async (t) => {
  const [here, there] = await startTwo(t, { config: { resources } })
  const session = await LiveSession.open(here.address)
  await (await session.call('resources/subscribe', { uri: 'test://a' }, { at: there.address })).rest()
  const news = await session.get({ at: here.address })
  const stream = await callLive(there.address, 'subscriptions/listen', { notifications: { toolsListChanged: true, resourceSubscriptions: ['test://a'] } })
  await stream.message()
  for (const { app } of [here, there]) {
    await app.core.changes.announce({ kind: 'tools' })
    await app.core.changes.announce({ kind: 'resource', uri: 'test://a' })
  }
  const told = ['notifications/tools/list_changed', 'notifications/resources/updated', 'notifications/tools/list_changed', 'notifications/resources/updated']
  const heard = async (answer: LiveAnswer): Promise<unknown[]> => [await answer.message(), await answer.message(), await answer.message(), await answer.message()].map(stepOf)
  // Each instance keeps the order of what it announces; between two there is none.
  t.strictSame((await heard(news)).sort(), [...told].sort())
  t.strictSame((await heard(stream)).sort(), [...told].sort())
  await session.end(there.address)
  t.strictSame(await news.rest(), [])
})

t.test('with a stream on each instance a message comes on one of them, and the other takes over when that closes', async (t) => {
  const [here, there] = await startTwo(t)
  const session = await LiveSession.open(here.address)
  const [first, second] = [await session.get({ at: here.address }), await session.get({ at: there.address })]
  await here.app.core.changes.announce({ kind: 'tools' })
  t.equal(stepOf(await second.message()), 'notifications/tools/list_changed', 'the one that was opened last')
  const holder = async (): Promise<string | undefined> => (await here.app.sessions?.get(session.id))?.streamId
  const before = await holder()
  second.cut()
  let now = before
  for (let look = 0; look < 2_000 && now === before; look++) now = await holder()
  await there.app.core.changes.announce({ kind: 'prompts' })
  t.equal(stepOf(await first.message()), 'notifications/prompts/list_changed', 'and nothing before it')
  await session.end(here.address)
  t.strictSame(await first.rest(), [])
})

t.test('when an instance ends, a stream on the other takes over its news', async (t) => {
  const [here, there] = await startTwo(t)
  const session = await LiveSession.open(here.address)
  const [first, second] = [await session.get({ at: here.address }), await session.get({ at: there.address })]
  const before = (await here.app.sessions?.get(session.id))?.streamId
  const ended = second.rest()
  await there.app.close()
  t.strictSame(await ended, [])
  let now = before
  for (let look = 0; look < 2_000 && now === before; look++) now = (await here.app.sessions?.get(session.id))?.streamId
  await here.app.core.changes.announce({ kind: 'tools' })
  t.equal(stepOf(await first.message()), 'notifications/tools/list_changed')
})

t.test('a stream that was cut goes on at the other instance, while its call runs on', async (t) => {
  const steps = stepping()
  const [here, there] = await startTwo(t, { tools: { work: steps.handler } })
  const session = await LiveSession.open(here.address)
  const stream = await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' } })
  const events: (StreamEvent | undefined)[] = [await stream.event(), await stream.event()]
  stream.cut()
  steps.step(3)
  const resumed = await session.get({ lastEventId: events.at(-1)?.id, at: there.address })
  events.push(await resumed.event(), await resumed.event(), await resumed.event())
  steps.step(2)
  events.push(await resumed.event(), await resumed.event())
  steps.end()
  events.push(...await resumed.events())
  t.strictSame(stepsOf(events), [undefined, 1, 2, 3, 4, 5, 6, 'done'])
})

t.test('who comes back at the other instance before the first knows of it gets all that follows there, and only there', async (t) => {
  const steps = stepping()
  const [here, there] = await startTwo(t, { tools: { work: steps.handler } })
  const session = await LiveSession.open(here.address)
  const stream = await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' } })
  const primer = await stream.event()
  steps.step(2)
  const resumed = await session.get({ lastEventId: primer?.id, at: there.address })
  t.strictSame([stepOf(await resumed.message()), stepOf(await resumed.message()), stepOf(await resumed.message())], [1, 2, 3])
  t.strictSame(stepsOf(await stream.events()), [1, 2, 3], 'the first connection is ended')
  steps.step()
  t.equal(stepOf(await resumed.message()), 4)
  steps.end()
  t.strictSame(stepsOf(await resumed.events()), ['done'])
})

t.test('a client that is thrown from one instance to the other misses nothing and hears nothing twice', async (t) => {
  const steps = stepping()
  const [here, there] = await startTwo(t, { tools: { work: steps.handler } })
  const session = await LiveSession.open(here.address)
  let stream = await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' } })
  const events: (StreamEvent | undefined)[] = [await stream.event()]
  for (let round = 0; round < 10; round++) {
    steps.step(4)
    for (let count = 0; count < round % 5; count++) events.push(await stream.event())
    stream.cut()
    steps.step(4)
    if (round % 3 === 0) await turn()
    stream = await session.get({ lastEventId: events.at(-1)?.id, at: round % 2 === 0 ? there.address : here.address })
  }
  steps.end()
  events.push(...await stream.events())
  t.strictSame(stepsOf(events), [undefined, ...Array.from({ length: 81 }, (_, step) => step + 1), 'done'])
})

t.test('a question that waits in a cut stream is asked at one instance and answered through the other', async (t) => {
  const go = deferred()
  const [here, there] = await startTwo(t, { tools: { ask: async (_args, context) => { context.progress(1); await go.promise; return { roots: await context.roots() } } } })
  const session = await LiveSession.open(here.address, { capabilities: { roots: {} } })
  const stream = await session.call('tools/call', { name: 'ask' }, { meta: { progressToken: 'p' } })
  await stream.event()
  const first = await stream.event()
  stream.cut()
  go.resolve()
  await until('the question is asked', () => here.app.serverRequests.size === 1)
  const resumed = await session.get({ lastEventId: first?.id, at: there.address })
  const question = await resumed.message()
  t.match(question, { method: 'roots/list' })
  t.equal(await session.answer(question?.id, { roots: [] }, there.address), 202)
  t.match(await resumed.message(), { result: { structuredContent: { roots: [] } } })
})

t.test('an answer that was sent to nobody is there for who comes back, and to no other session', async (t) => {
  const steps = stepping()
  const [here, there] = await startTwo(t, { tools: { work: steps.handler } })
  const [session, other] = [await LiveSession.open(here.address), await LiveSession.open(here.address)]
  const stream = await session.call('tools/call', { name: 'work' }, { meta: { progressToken: 'p' } })
  const primer = await stream.event()
  stream.cut()
  steps.end()
  await until('the call has ended', () => here.app.core.inFlight.size === 0)
  const stranger = await other.get({ lastEventId: primer?.id, at: there.address })
  t.strictSame(stepsOf(await (await session.get({ lastEventId: primer?.id, at: there.address })).events()), [1, 'done'])
  t.strictSame(stepsOf(await (await session.get({ lastEventId: primer?.id, at: here.address })).events()), [1, 'done'])
  t.equal(stranger.status, 400)
  t.match(await stranger.rest(), [{ error: { message: /^The stream of this Last-Event-ID does not exist in this session/ } }])
})
