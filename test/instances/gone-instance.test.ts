import t from 'tap'
import type { Message, Test } from '../helpers/build.ts'
import { startInstances, startServers } from '../helpers/instances.ts'
import { callLive, LiveSession, type StreamEvent } from '../helpers/live.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import type { Server } from '../helpers/server.ts'
import { deferred } from '../helpers/waiting.ts'

// They wait until an instance that is silent is taken for gone: all at the same time.
t.jobs = 4

const redis = await startRedis(t)
const lost = { code: -32603, message: 'The server that served this call has gone away before it answered: the call may have run or not.' }
const textOf = (message: Message | undefined): unknown => message?.error ?? message?.result?.content?.[0]?.text ?? message?.params?.['progress']
const textsOf = (events: readonly StreamEvent[]): unknown[] => events.map(({ message }) => textOf(message))

async function two (test: Test, at = redis): Promise<[Server, Server]> {
  const [here, there] = await startServers(test, at, 2)
  if (here === undefined || there === undefined) throw new Error('There are two servers.')
  return [here, there]
}

t.test('when the instance that serves a call is killed, the client that comes back elsewhere is told so, once', { buffered: true }, async (t) => {
  const [here, there] = await two(t)
  const session = await LiveSession.open(here.origin)
  const stream = await session.call('tools/call', { name: 'hold', arguments: { value: 'a' } }, { id: 'mine', meta: { progressToken: 'p' } })
  const primer = await stream.event()
  t.equal(textOf(await stream.message()), 1)
  here.signal('SIGKILL')
  await here.exited
  await t.rejects(stream.event(), 'the connection is broken')

  const first = await session.get({ lastEventId: primer?.id, at: there.origin })
  t.equal(textOf(await first.message()), 1)
  const second = await session.get({ lastEventId: primer?.id, at: there.origin })
  t.strictSame(await first.events(), [], 'who comes back last has the stream')
  const events = await second.events()
  t.strictSame(textsOf(events), [1, lost])
  t.equal(events[1]?.message?.id, 'mine')
  t.strictSame(await (await session.get({ lastEventId: primer?.id, at: there.origin })).events(), events, 'and hears the same whenever it comes')
  t.strictSame(await (await session.get({ lastEventId: events[1]?.id, at: there.origin })).events(), [])
  const call = await session.call('tools/call', { name: 'say', arguments: { value: 'b' } }, { at: there.origin })
  t.match(await call.rest(), [{ result: { content: [{ text: 'b' }] } }], 'its session goes on')
})

t.test('an instance that stood still, and was taken for gone, sends no second answer', { buffered: true }, async (t) => {
  const [here, there] = await two(t)
  const session = await LiveSession.open(here.origin)
  // The call ends by a timer that is over when the instance goes on: before it can hear that its client has come back elsewhere.
  const stream = await session.call('tools/call', { name: 'count', arguments: { value: 'a', steps: 1, pauseMs: 5_000 } }, { id: 'mine', meta: { progressToken: 'p' } })
  const primer = await stream.event()
  t.equal(textOf(await stream.message()), 1)
  here.signal('SIGSTOP')
  t.teardown(() => { here.signal('SIGCONT') })
  const resumed = await session.get({ lastEventId: primer?.id, at: there.origin })
  t.strictSame(textsOf(await resumed.events()), [1, lost])
  here.signal('SIGCONT')
  t.strictSame(await stream.events(), [], 'not on the old connection')
  t.match(await here.line(/told that its call is lost/), /"rpcId":"mine"/)
  t.strictSame(textsOf(await (await session.get({ lastEventId: primer?.id, at: there.origin })).events()), [1, lost], 'nor for those who come back')
})

t.test('an instance that is there and could not say so for a while keeps its streams', { buffered: true }, async (t) => {
  const redis = await startRedis(t)
  const client = await redis.client()
  const [here, there] = await two(t, redis)
  const session = await LiveSession.open(here.origin)
  const stream = await session.call('tools/call', { name: 'hold', arguments: { value: 'a' } }, { id: 'mine', meta: { progressToken: 'p' } })
  const primer = await stream.event()
  t.equal(textOf(await stream.message()), 1)
  stream.cut()
  const calls = await writerCalls(redis)
  const forgetting = setInterval(() => { void client.keys('*stream-writer:*').then(async (keys) => { if (keys.length > 0) await client.del(keys) }) }, 20)
  t.teardown(() => { clearInterval(forgetting) })
  const resumed = await session.get({ lastEventId: primer?.id, at: there.origin })
  t.equal(textOf(await resumed.message()), 1)
  // When the client comes back, and each time the instance seems to be gone: it answers.
  await calls.reached(3)
  await (await callLive(here.origin, 'tools/call', { name: 'release', arguments: { value: 'a' } })).rest()
  t.strictSame(textsOf(await resumed.events()), ['a'])
})

/** Counts how often the writer of a stream is called. */
async function writerCalls (redis: RedisServer): Promise<{ reached (count: number): Promise<void> }> {
  const client = await redis.client()
  let calls = 0
  let look = (): void => {}
  client.on('pmessage', () => { calls++; look() })
  await client.psubscribe('*:bus:resumed')
  return {
    async reached (count) {
      await new Promise<void>((resolve) => {
        look = () => { if (calls >= count) resolve() }
        look()
      })
    }
  }
}

t.test('an answer to a question of an instance that is gone is refused, not taken', { buffered: true }, async (t) => {
  const [here, there] = await two(t)
  const session = await LiveSession.open(here.origin, { capabilities: { elicitation: {} } })
  const call = await session.call('tools/call', { name: 'ask', arguments: { value: 'a' } })
  const question = await call.message()
  t.match(question, { method: 'elicitation/create' })
  here.signal('SIGKILL')
  await here.exited
  const answer = await session.post({ jsonrpc: '2.0', id: question?.id, result: { action: 'accept', content: { word: 'b' } } }, { at: there.origin })
  t.equal(answer.status, 503)
  t.match(await answer.rest(), [{ error: { code: -32603, message: /^The server that asked this cannot be reached, and does not have the answer/ } }])
})

t.test('an instance that ends in order leaves its streams at once', { buffered: true }, async (t) => {
  const over = deferred<string>()
  t.teardown(() => { over.resolve('late') })
  const [here, there] = await startInstances(t, redis, 2, { tools: { hang: async (_args, context) => { context.progress(1); return await over.promise } } })
  if (here === undefined || there === undefined) throw new Error('There are two instances.')
  const session = await LiveSession.open(here.address)
  const stream = await session.call('tools/call', { name: 'hang' }, { id: 'mine', meta: { progressToken: 'p' } })
  const primer = await stream.event()
  stream.cut()
  const resumed = await session.get({ lastEventId: primer?.id, at: there.address })
  t.equal(textOf(await resumed.message()), 1)
  const began = Date.now()
  const closed = here.app.close()
  t.strictSame(textsOf(await resumed.events()), [lost])
  t.ok(Date.now() - began < 9_000, 'before it would be taken for gone')
  await closed
})
