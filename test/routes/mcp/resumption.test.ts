import t from 'tap'
import { StateUnavailableError } from '../../../src/core/errors.ts'
import { build, type GantryApp, type Message, type Test } from '../../helpers/build.ts'
import { listen, LiveSession, type LiveAnswer, type StreamEvent } from '../../helpers/live.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

interface Served {
  readonly app: GantryApp
  readonly session: LiveSession
  /** The stream of a call that goes on until it is ended, with its first event. */
  readonly stream: LiveAnswer
  readonly primer: StreamEvent | undefined
  end (text?: string): void
}

async function serve (t: Test): Promise<Served> {
  const over = deferred<string>()
  const app = await build(t, {}, { tools: { work: async (_args, context) => { context.progress(1); return await over.promise } } })
  const session = await LiveSession.open(await listen(app))
  const stream = await session.call('tools/call', { name: 'work' }, { id: 7, meta: { progressToken: 'p' } })
  return { app, session, stream, primer: await stream.event(), end (text = 'done') { over.resolve(text) } }
}

const lost: Message = { jsonrpc: '2.0', id: 7, error: { code: -32603, message: 'The server that served this call has gone away before it answered: the call may have run or not.' } }

t.test('a client that comes back for an answer that could not be kept is told that the call is lost', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  const { end: original } = app.streamLog
  app.streamLog.end = async () => { throw new StateUnavailableError() }
  stream.cut()
  end()
  await until('the call has ended', () => app.core.inFlight.size === 0)
  app.streamLog.end = original
  for (const round of ['first', 'second']) {
    const events = await (await session.get({ lastEventId: primer?.id })).events()
    t.match(events.map(({ message }) => message), [{ params: { progress: 1 } }, lost], round)
    t.equal(events[1]?.message?.result, undefined)
    t.strictSame(events.map(({ id }) => id?.split('.')[1]), ['1', '2'])
  }
})

t.test('a client that comes back while the answer is being kept waits for it', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  const { end: original } = app.streamLog
  const [asked, kept] = [deferred(), deferred()]
  app.streamLog.end = async (...args) => {
    asked.resolve()
    await kept.promise
    return await original(...args)
  }
  stream.cut()
  end()
  await asked.promise
  const resumed = await session.get({ lastEventId: primer?.id })
  t.match(await resumed.message(), { params: { progress: 1 } })
  for (let each = 0; each < 10; each++) await turn()
  kept.resolve()
  t.match((await resumed.events()).map(({ message }) => message), [{ id: 7, result: { content: [{ text: 'done' }] } }])
})

/** From now on the bus brings nothing of streams. */
function muteStreams (app: GantryApp): void {
  const { publish } = app.bus
  app.bus.publish = (channel, event) => channel.startsWith('stream:') ? 0 : publish(channel, event)
}

t.test('what the bus did not bring is read: the answer and the end', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  stream.cut()
  const resumed = await session.get({ lastEventId: primer?.id })
  t.match(await resumed.message(), { params: { progress: 1 } })
  muteStreams(app)
  end()
  t.match((await resumed.events()).map(({ message }) => message), [{ id: 7, result: { content: [{ text: 'done' }] } }])
})

const large = 'x'.repeat(1_100_000)
const tooLarge: Message = { jsonrpc: '2.0', id: 7, error: { code: -32603, message: 'The call has run, but its answer was too large to be kept until its client came back for it.' } }

t.test('a client that comes back for an answer that was too large to be kept is told so, each time', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  stream.cut()
  end(large)
  await until('the call has ended', () => app.core.inFlight.size === 0)
  for (const round of ['first', 'second']) t.strictSame((await (await session.get({ lastEventId: primer?.id })).events()).map(({ message }) => message), [tooLarge], round)
})

t.test('a client that has come back before it gets an answer of any size', async (t) => {
  const { session, stream, primer, end } = await serve(t)
  stream.cut()
  const resumed = await session.get({ lastEventId: primer?.id })
  t.match(await resumed.message(), { params: { progress: 1 } })
  end(large)
  t.match((await resumed.events()).map(({ message }) => message), [{ id: 7, result: { content: [{ text: large }] } }])
})

t.test('when the bus does not bring it, the client is told that it was too large', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  stream.cut()
  const resumed = await session.get({ lastEventId: primer?.id })
  t.match(await resumed.message(), { params: { progress: 1 } })
  muteStreams(app)
  end(large)
  t.strictSame((await resumed.events()).map(({ message }) => message), [tooLarge])
})

t.test('a client that was away for more messages than are kept gets the latest, and the answer', async (t) => {
  const over = deferred<string>()
  const app = await build(t, {}, { tools: { work: async (_args, context) => { for (let step = 1; step <= 300; step++) context.progress(step); return await over.promise } } })
  const session = await LiveSession.open(await listen(app))
  const stream = await session.call('tools/call', { name: 'work' }, { id: 7, meta: { progressToken: 'p' } })
  const primer = await stream.event()
  stream.cut()
  over.resolve('done')
  await until('the call has ended', () => app.core.inFlight.size === 0)
  const messages = (await (await session.get({ lastEventId: primer?.id })).events()).map(({ message }) => message)
  t.equal(messages.length, 200)
  t.match([messages[0], messages.at(-1)], [{ params: { progress: 102 } }, { result: { content: [{ text: 'done' }] } }])
})
