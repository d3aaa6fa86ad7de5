import t from 'tap'
import { StateUnavailableError } from '../../../src/core/errors.ts'
import type { HandlerContext } from '../../../src/core/ports.ts'
import type { KeptStream } from '../../../src/core/stream-log.ts'
import { build, type GantryApp, type Message, type Test } from '../../helpers/build.ts'
import { listen, LiveSession, type LiveAnswer, type StreamEvent } from '../../helpers/live.ts'
import { createRecorder, type Recorder } from '../../helpers/log-recorder.ts'
import { deferred, turn } from '../../helpers/waiting.ts'

interface Served {
  readonly app: GantryApp
  readonly session: LiveSession
  readonly log: Recorder
  /** Calls a tool that reports progress when it is told to, and ends when it is told to. */
  begin (): Promise<LiveAnswer>
  step (): void
  end (): void
  /** Lets time pass in which the instance says nothing: what makes others take it for gone. */
  fallSilent (): void
  pass (ms: number): void
}

async function serve (t: Test): Promise<Served> {
  let context: HandlerContext | undefined
  let steps = 0
  let now = Date.now()
  const over = deferred<string>()
  const log = createRecorder()
  const app = await build(t, {}, {
    clock: { now: () => now },
    tools: { work: async (_args, given) => { context = given; given.progress(++steps); return await over.promise } }
  })
  Object.assign(app.core.logger, { warn: log.logger.warn })
  const session = await LiveSession.open(await listen(app))
  return {
    app,
    session,
    log,
    begin: () => session.call('tools/call', { name: 'work' }, { id: 'work', meta: { progressToken: 'p' } }),
    step () { context?.progress(++steps) },
    end () { over.resolve('done') },
    fallSilent () { now += 9_000 },
    pass (ms) { now += ms }
  }
}

const stepOf = (message: Message | undefined): unknown => message?.params?.['progress'] ?? message?.result?.content?.[0]?.text ?? message?.error?.message
const stepsOf = (events: readonly (StreamEvent | undefined)[]): unknown[] => events.map((event) => stepOf(event?.message))

/** The stream of the call, as it is kept. */
async function keptOf ({ app, session }: Served, event: StreamEvent | undefined): Promise<KeptStream> {
  const tail = await app.streamLog.after(session.id, event?.id ?? '')
  if (tail === undefined) throw new Error('The stream is kept.')
  return tail.stream
}

t.test('an instance that was silent for long, and was taken for gone, says nothing more to the client', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const kept = await keptOf(served, primer)
  t.match(kept, { sessionId: served.session.id, requestId: 'work' })
  served.fallSilent()
  await served.app.streamLog.conclude(kept, { message: '{"jsonrpc":"2.0","id":"work","error":{"code":-32603,"message":"lost"}}', after: 1, isAbandoned: true })
  served.step()
  served.end()
  t.strictSame(stepsOf(await stream.events()), [1], 'no report and no answer')
  t.match(served.log.sentences(), [/^This server was silent for so long that a client was told that its call is lost/])
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: primer?.id })).events()), [1, 'lost'])
})

t.test('one that was silent for long, and was not taken for gone, sends everything once and in order', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  served.fallSilent()
  for (let step = 0; step < 5; step++) served.step()
  served.end()
  const events = await stream.events()
  t.strictSame(stepsOf(events), [1, 2, 3, 4, 5, 6, 'done'])
  t.strictSame((await (await served.session.get({ lastEventId: primer?.id })).events()).map(({ id }) => id), events.map(({ id }) => id))
  t.strictSame(served.log.sentences(), [])
})

t.test('one that was silent for long, and cannot ask, answers the client that is there', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  await stream.event()
  served.fallSilent()
  const fail = async (): Promise<never> => { throw new StateUnavailableError() }
  Object.assign(served.app.streamLog, { append: fail, end: fail, renew: fail })
  served.step()
  served.end()
  t.strictSame(stepsOf(await stream.events()), [1, 2, 'done'])
})

t.test('one that was silent for long, and finds the log after a while, does not answer a second time', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const kept = await keptOf(served, primer)
  served.fallSilent()
  const log = served.app.streamLog
  await log.conclude(kept, { message: '{"jsonrpc":"2.0","id":"work","error":{"code":-32603,"message":"lost"}}', after: 1, isAbandoned: true })
  const { end } = log
  let refused = 0
  // As after a standstill: the connection to the log is made anew.
  log.end = (...args) => {
    if (refused++ < 5) throw new StateUnavailableError()
    return end(...args)
  }
  served.end()
  t.strictSame(stepsOf(await stream.events()), [1])
  t.equal(refused, 6)
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: primer?.id })).events()), [1, 'lost'])
})

t.test('a call without news is kept for its client for as long as it runs', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const log = served.app.streamLog
  const { renew } = log
  for (let each = 0; each < 2; each++) {
    const named = deferred<readonly KeptStream[]>()
    log.renew = async (writer, silent) => {
      await renew(writer, silent)
      if (silent.length > 0) named.resolve(silent)
    }
    served.pass(200_000)
    t.strictSame((await named.promise).map(({ requestId }) => requestId), ['work'])
  }
  served.pass(200_000)
  stream.cut()
  served.end()
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: primer?.id })).events()), [1, 'done'], 'ten minutes later')
})

t.test('while an instance is certain that nobody takes it for gone, the client does not wait for the log', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  await stream.event()
  const slow = deferred<boolean>()
  Object.assign(served.app.streamLog, { append: async () => await slow.promise, end: async () => await slow.promise })
  served.step()
  served.end()
  t.strictSame(stepsOf(await stream.events()), [1, 2, 'done'])
  slow.resolve(true)
})

t.test('a client gets no id that would lead nowhere: first the stream is kept', async (t) => {
  const served = await serve(t)
  const { append } = served.app.streamLog
  const [asked, kept] = [deferred(), deferred()]
  served.app.streamLog.append = async (...args) => {
    asked.resolve()
    await kept.promise
    return await append(...args)
  }
  let isAnswered = false
  const calling = served.begin().then((stream) => { isAnswered = true; return stream })
  await asked.promise
  served.end()
  for (let each = 0; each < 10; each++) await turn()
  t.equal(isAnswered, false)
  kept.resolve()
  t.strictSame(stepsOf(await (await calling).events()), [undefined, 1, 'done'])
})
