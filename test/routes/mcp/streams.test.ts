import t from 'tap'
import type { HandlerContext, JsonObject, ToolHandler } from '../../../src/core/ports.ts'
import { StateUnavailableError } from '../../../src/core/errors.ts'
import { build, modern, type GantryApp, type LegacyRevision, type Message, type Test } from '../../helpers/build.ts'
import { listen, LiveSession, type LiveAnswer, type StreamEvent } from '../../helpers/live.ts'
import { deferred, turn, until } from '../../helpers/waiting.ts'

interface Served {
  readonly app: GantryApp
  readonly session: LiveSession
  /** Calls a tool whose stream is open: it has taken its first step. */
  begin (session?: LiveSession): Promise<LiveAnswer>
  /** Reports progress, each time by one more. */
  step (count?: number): void
  /** Ends the call with an answer. */
  end (): void
  announce (): Promise<void>
  /** Cuts a connection and waits until the server has noticed. */
  cut (stream: Pick<LiveAnswer, 'cut'>): Promise<void>
}

interface ServeOptions { revision?: LegacyRevision, tools?: Record<string, ToolHandler>, capabilities?: JsonObject }

async function serve (t: Test, { revision = '2025-11-25', tools = {}, capabilities = {} }: ServeOptions = {}): Promise<Served> {
  let context: HandlerContext | undefined
  let steps = 0
  const over = deferred<string>()
  const work: ToolHandler = async (_args, given) => {
    context = given
    given.progress(++steps)
    return await over.promise
  }
  const app = await build(t, {}, { tools: { work, announce: async (_args, given) => { await given.announce({ kind: 'tools' }); return 'told' }, ...tools } })
  let closed = 0
  app.server.on('request', (_request, response) => { response.once('close', () => { closed++ }) })
  const address = await listen(app)
  const own = await LiveSession.open(address, { revision, capabilities })
  return {
    app,
    session: own,
    begin: (session = own) => session.call('tools/call', { name: 'work' }, { id: 'work', meta: { progressToken: 'p' } }),
    step (count = 1) { for (let step = 0; step < count; step++) context?.progress(++steps) },
    end () { over.resolve('done') },
    async announce () { await modern(app, 'tools/call', { name: 'announce' }) },
    async cut (stream) {
      const before = closed
      stream.cut()
      await until('the server has noticed', () => closed > before)
    }
  }
}

const stepOf = (message: Message | undefined): unknown => message?.params?.['progress'] ?? message?.result?.content?.[0]?.text ?? message?.method
const stepsOf = (events: readonly (StreamEvent | undefined)[]): unknown[] => events.map((event) => stepOf(event?.message))
const streamOf = (event: StreamEvent | undefined): string => event?.id?.split('.')[0] ?? ''
/** The next event with a message. */
async function news (stream: LiveAnswer): Promise<StreamEvent | undefined> {
  for (let event = await stream.event(); event !== undefined; event = await stream.event()) if (event.message !== undefined) return event
  return undefined
}

t.test('from 2025-11-25 on a stream begins with an id to come back with; before, only messages have one', async (t) => {
  for (const [revision, primes] of [['2025-11-25', true], ['2025-06-18', false], ['2025-03-26', false], ['2024-11-05', false]] as const) {
    const { begin, end } = await serve(t, { revision })
    const stream = await begin()
    end()
    const events = await stream.events()
    if (primes) t.match(events.shift(), { id: /^[A-Za-z0-9-]+\.0$/, message: undefined })
    t.strictSame(stepsOf(events), [1, 'done'], revision)
    t.strictSame(events.map((event) => event.id?.split('.')[1]), ['1', '2'])
  }
})

t.test('ids are unique in a session and name their stream', async (t) => {
  const { session, begin, end } = await serve(t)
  const streams = [await begin(), await begin(), await begin()]
  end()
  const events = await Promise.all(streams.map((stream) => stream.events()))
  const ids = events.flat().map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  t.equal(new Set(events.map(([first]) => streamOf(first))).size, 3)
  for (const each of events) t.equal(new Set(each.map(streamOf)).size, 1)
  t.notOk(ids.some((id) => id?.includes(session.id)), 'and do not give the session away')
})

t.test('who is cut off gets the rest, once and in order, wherever the cut was', async (t) => {
  for (const seen of [0, 1, 2, 3]) {
    const served = await serve(t)
    const stream = await served.begin()
    served.step(2)
    const events: (StreamEvent | undefined)[] = []
    for (let count = 0; count <= seen; count++) events.push(await stream.event())
    await served.cut(stream)
    served.step(2)
    const resumed = await served.session.get({ lastEventId: events.at(-1)?.id })
    served.step(2)
    served.end()
    events.push(...await resumed.events())
    t.strictSame(stepsOf(events), [undefined, 1, 2, 3, 4, 5, 6, 7, 'done'], `after ${seen} messages`)
    t.equal(new Set(events.map(streamOf)).size, 1)
    t.equal(new Set(events.map((event) => event?.id)).size, 9)
    t.equal(served.app.core.inFlight.size, 0)
  }
})

t.test('before 2025-11-25 a stream can be resumed, too, from its first message on', async (t) => {
  const served = await serve(t, { revision: '2025-03-26' })
  const stream = await served.begin()
  const first = await stream.event()
  await served.cut(stream)
  served.step()
  served.end()
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: first?.id })).events()), [2, 'done'])
})

t.test('who comes back before the server knows that the first connection is dead gets all that follows', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const [primer, first] = [await stream.event(), await news(stream)]
  served.step() // goes out on the connection that the client gave up
  const resumed = await served.session.get({ lastEventId: first?.id })
  t.equal(stepOf((await news(resumed))?.message), 2)
  served.step()
  t.equal(stepOf((await news(resumed))?.message), 3, 'at once, not at the end')
  served.step()
  served.end()
  t.strictSame(stepsOf(await resumed.events()), [4, 'done'])
  t.strictSame(stepsOf(await stream.events()), [2], 'and the first one has ended')
  t.equal(streamOf(primer), streamOf(first))
})

t.test('of several that come back, the last one gets what follows, and nobody gets it twice', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  await served.cut(stream)
  const one = await served.session.get({ lastEventId: primer?.id })
  t.equal(stepOf((await news(one))?.message), 1)
  const two = await served.session.get({ lastEventId: primer?.id })
  t.equal(stepOf((await news(two))?.message), 1)
  t.strictSame(await one.events(), [], 'the one before has ended')
  served.step()
  served.end()
  t.strictSame(stepsOf(await two.events()), [2, 'done'])
})

t.test('a client that is cut off again and again misses nothing and hears nothing twice', async (t) => {
  const served = await serve(t)
  let stream = await served.begin()
  const events: (StreamEvent | undefined)[] = [await stream.event()]
  for (let round = 0; round < 12; round++) {
    served.step(5)
    for (let count = 0; count < round % 4; count++) events.push(await stream.event())
    if (round % 2 === 0) await served.cut(stream)
    else stream.cut()
    served.step(5)
    stream = await served.session.get({ lastEventId: events.at(-1)?.id })
  }
  served.end()
  events.push(...await stream.events())
  t.strictSame(stepsOf(events), [undefined, ...Array.from({ length: 121 }, (_, step) => step + 1), 'done'])
})

t.test('a stream that has ended is sent to its end, and ends again', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  served.end()
  const events = await stream.events()
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: events[0]?.id })).events()), [1, 'done'])
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: events[1]?.id })).events()), ['done'])
  t.strictSame(await (await served.session.get({ lastEventId: events[2]?.id })).events(), [], 'also for who has seen everything')
})

t.test('a question that was asked while nobody was there is asked when the client comes back', async (t) => {
  const go = deferred()
  const served = await serve(t, { capabilities: { roots: {} }, tools: { ask: async (_args, context) => { context.progress(1); await go.promise; return { roots: await context.roots() } } } })
  const stream = await served.session.call('tools/call', { name: 'ask' }, { meta: { progressToken: 'p' } })
  const primer = await stream.event()
  await served.cut(stream)
  go.resolve()
  await until('the question is asked', () => served.app.serverRequests.size === 1)
  const resumed = await served.session.get({ lastEventId: primer?.id })
  await news(resumed)
  const question = (await news(resumed))?.message
  t.match(question, { method: 'roots/list' })
  t.equal(await served.session.answer(question?.id, { roots: [] }), 202)
  t.match(await resumed.message(), { result: { structuredContent: { roots: [] } } })
})

t.test('nobody gets anything with the id of another session\'s stream, or with one that never was', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const other = await LiveSession.open(await addressOf(served))
  const id = streamOf(primer)
  const strangers = [
    await other.get({ lastEventId: primer?.id }),
    ...await Promise.all(['unknown.0', `${'0'.repeat(36)}.0`, `${id}.`, id, `${id}.x`, `${id}.-1`, `${id}.1e9`, '.0', '*', '../../x.0', `${id}.0 `.repeat(3), 'x'.repeat(5_000)].map(async (lastEventId) => await (await LiveSession.open(await addressOf(served))).get({ lastEventId })))
  ]
  served.step()
  served.end()
  for (const stranger of strangers) {
    t.equal(stranger.status, 400)
    t.match(await stranger.rest(), [{ error: { code: -32600, message: /^The stream of this Last-Event-ID does not exist in this session/ } }])
  }
  t.strictSame(stepsOf(await stream.events()), [1, 2, 'done'], 'and nobody takes it away')
})

async function addressOf ({ app }: Served): Promise<string> {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('The app listens.')
  return await Promise.resolve(`http://127.0.0.1:${address.port}`)
}

t.test('a handler lets go of the connection, and the client comes back for the rest', async (t) => {
  const go = deferred()
  const served = await serve(t, { tools: { long: async (_args, context) => { context.progress(1); context.suspend(50); context.progress(2); await go.promise; context.progress(3); return 'done' } } })
  const stream = await served.session.call('tools/call', { name: 'long' }, { meta: { progressToken: 'p' } })
  const events = await stream.events()
  t.strictSame(stepsOf(events), [undefined, 1, undefined])
  t.match(events[2], { retry: '50', id: undefined })
  const resumed = await served.session.get({ lastEventId: events[1]?.id })
  t.equal(stepOf(await resumed.message()), 2)
  go.resolve()
  t.strictSame(stepsOf(await resumed.events()), [3, 'done'])
})

t.test('where the client could not come back, its connection is kept', async (t) => {
  const tools: Record<string, ToolHandler> = { long: async (_args, context) => { context.suspend(); await turn(); context.suspend(5); return 'done' } }
  const older = await serve(t, { revision: '2025-06-18', tools })
  t.match(await (await older.session.call('tools/call', { name: 'long' })).rest(), [{ result: { content: [{ text: 'done' }] } }])
  t.match(await (await older.session.call('tools/call', { name: 'long' }, { headers: { accept: 'application/json' } })).rest(), [{ result: {} }])
  t.match((await modern(older.app, 'tools/call', { name: 'long' })).message, { result: { content: [{ text: 'done' }] } })
  const now = await serve(t, { tools })
  t.match(await (await now.session.call('tools/call', { name: 'long' }, { headers: { accept: 'application/json' } })).rest(), [{ result: {} }], 'who takes no stream has none to come back to')
})

t.test('when a session ends nothing of its streams is left', async (t) => {
  const served = await serve(t)
  const [finished, running] = [await served.begin(), await served.begin()]
  const ids = [await finished.event(), await running.event()].map((event) => event?.id ?? '')
  await served.cut(finished)
  const resumed = await served.session.get({ lastEventId: ids[0] })
  t.equal(await served.session.end(), 204)
  await Promise.all([running.rest(), resumed.rest()])
  t.pass('all streams have ended')
  for (const lastEventId of ids) t.equal((await served.session.get({ lastEventId })).status, 404)
  await turn()
  for (const id of ids) t.match(await served.app.streamLog.after(served.session.id, id), undefined)
})

/** Counts the listeners of the bus that have not stopped. */
function watchBus (app: GantryApp): () => number {
  const { bus } = app
  const subscribe = bus.subscribe.bind(bus)
  let count = 0
  bus.subscribe = async (...args) => {
    const stop = await subscribe(...args)
    count++
    let isStopped = false
    return () => {
      if (!isStopped) count--
      isStopped = true
      stop()
    }
  }
  return () => count
}

t.test('a client that goes away while its stream is looked for leaves nothing behind', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const listeners = watchBus(served.app)
  const resumed = await served.session.get({ lastEventId: primer?.id })
  await news(resumed)
  t.equal(listeners(), 1)
  await served.cut(resumed)
  await until('it listens no more', () => listeners() === 0)

  for (const method of ['subscribe', 'after'] as const) {
    const { asked, go } = method === 'subscribe' ? holdUp(served.app.bus, 'subscribe') : holdUp(served.app.streamLog, 'after')
    const connection = new AbortController()
    const looking = t.rejects(served.session.get({ lastEventId: primer?.id, connection }))
    await asked
    await served.cut({ cut () { connection.abort() } })
    go()
    await looking
    await turn()
    await until(`it listens no more (${method})`, () => listeners() === 0)
  }
  served.end()
})

/** Makes the next call of a method wait. */
function holdUp<Key extends string, Target extends Record<Key, (...args: never[]) => unknown>> (target: Target, key: Key): { asked: Promise<void>, go: () => void } {
  const [asked, going] = [deferred(), deferred()]
  const original = target[key]
  Object.assign(target, {
    [key]: async (...args: never[]) => {
      Object.assign(target, { [key]: original })
      asked.resolve()
      await going.promise
      return await original.apply(target, args)
    }
  })
  return { asked: asked.promise, go: going.resolve }
}

t.test('a stream that was cut before it was there does not take the news', async (t) => {
  const served = await serve(t)
  const open = await served.session.get()
  if (served.app.sessions === undefined) throw new Error('The app keeps sessions.')
  const { asked, go } = holdUp(served.app.sessions, 'update')
  const doomed = await served.session.get()
  await asked
  await served.cut(doomed)
  go()
  await turn()
  await served.announce()
  t.match(await open.message(), { method: 'notifications/tools/list_changed' })
})

t.test('while the store is away a client that comes back is told to try again, and misses nothing', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  const log = served.app.streamLog
  const after = log.after.bind(log)
  log.after = async () => { throw new StateUnavailableError() }
  const refused = await served.session.get({ lastEventId: primer?.id })
  t.match([refused.status, refused.headers.get('retry-after')], [503, /^\d+$/])
  t.match(await refused.rest(), [{ error: { code: -32603 } }])
  log.after = after
  const resumed = await served.session.get({ lastEventId: primer?.id })
  t.equal(stepOf((await news(resumed))?.message), 1)
  // When it goes away later, while something is missing, the client comes back once more, and misses nothing.
  log.after = async () => { throw new StateUnavailableError() }
  await served.app.bus.publish(`stream:${streamOf(primer)}`, { last: 100 })
  t.strictSame(await resumed.events(), [])
  log.after = after
  served.step()
  served.end()
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: `${streamOf(primer)}.1` })).events()), [2, 'done'])
})

t.test('a log that fails costs a client the way back, not its call or its session', async (t) => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => { process.off('unhandledRejection', listener) })
  const served = await serve(t)
  const fail = async (): Promise<never> => { throw new StateUnavailableError() }
  Object.assign(served.app.streamLog, { append: fail, end: fail, forget: fail })
  const stream = await served.begin()
  served.step()
  served.end()
  t.strictSame(stepsOf(await stream.events()), [undefined, 1, 2, 'done'])
  t.equal(await served.session.end(), 204)
  await turn()
  await turn()
  t.strictSame(unhandled, [])
})

t.test('a cancelled call ends its stream, and what can be resumed of it has no answer', async (t) => {
  const served = await serve(t)
  const stream = await served.begin()
  const primer = await stream.event()
  await served.session.notify('notifications/cancelled', { requestId: 'work' })
  t.strictSame(stepsOf(await stream.events()), [1])
  t.strictSame(stepsOf(await (await served.session.get({ lastEventId: primer?.id })).events()), [1])
})
