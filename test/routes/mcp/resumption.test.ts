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
  end (): void
}

async function serve (t: Test): Promise<Served> {
  const over = deferred<string>()
  const app = await build(t, {}, { tools: { work: async (_args, context) => { context.progress(1); return await over.promise } } })
  const session = await LiveSession.open(await listen(app))
  const stream = await session.call('tools/call', { name: 'work' }, { id: 7, meta: { progressToken: 'p' } })
  return { app, session, stream, primer: await stream.event(), end () { over.resolve('done') } }
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

t.test('what the bus did not bring is read: the answer and the end', async (t) => {
  const { app, session, stream, primer, end } = await serve(t)
  stream.cut()
  const resumed = await session.get({ lastEventId: primer?.id })
  t.match(await resumed.message(), { params: { progress: 1 } })
  const { publish } = app.bus
  app.bus.publish = (channel, event) => channel.startsWith('stream:') ? 0 : publish(channel, event)
  end()
  t.match((await resumed.events()).map(({ message }) => message), [{ id: 7, result: { content: [{ text: 'done' }] } }])
})
