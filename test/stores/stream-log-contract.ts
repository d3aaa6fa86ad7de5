import type { Test } from 'tap'
import type { KeptStream, StreamLog } from '../../src/core/stream-log.ts'
import type { StreamLogBounds } from '../../src/stores/stream-log-bounds.ts'

export interface OpenedLog {
  log: StreamLog
  /** Lets time pass, as far as the log can tell. */
  pass (ms: number): void | Promise<void>
}

/** A stream as its writer tells of it. */
export function streamOf (sessionId: string, id: string, more: Partial<KeptStream> = {}): KeptStream {
  return { sessionId, id, writer: 'writer', requestId: 1, ...more }
}

/** Appends messages to a stream, numbered from `from` to `to`. */
export async function fill (log: StreamLog, session: string, stream: string, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) await log.append(streamOf(session, stream), { id: `${stream}.${number}`, message: `message ${number}` })
}

const numbersAfter = async (log: StreamLog, session: string, id: string): Promise<number[] | undefined> => {
  return (await log.after(session, id))?.events.map((event) => Number(event.id.split('.')[1]))
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** What every stream log promises. `open` gives an empty one. */
export function streamLogContract (t: Test, open: (t: Test, bounds?: Partial<StreamLogBounds>) => Promise<OpenedLog>): void {
  t.test('what came after an event comes back whole and in order', async (t) => {
    const { log } = await open(t)
    const messages = ['{"a":1}', 'two words', 'größer ✓ 🙂', 'line\nbreak', '']
    for (const [index, message] of messages.entries()) await log.append(streamOf('s', 'stream-a'), { id: `stream-a.${index + 1}`, message })
    t.strictSame(await log.after('s', 'stream-a.2'), {
      stream: streamOf('s', 'stream-a'),
      events: [{ id: 'stream-a.3', message: 'größer ✓ 🙂' }, { id: 'stream-a.4', message: 'line\nbreak' }, { id: 'stream-a.5', message: '' }],
      last: 5,
      ended: false
    })
    t.strictSame(await log.after('s', 'stream-a.5'), { stream: streamOf('s', 'stream-a'), events: [], last: 5, ended: false })
  })

  t.test('an id that was never appended counts from its number on, as long as the stream is known', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 3)
    await fill(log, 's', 'b', 0, 2)
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1, 2, 3])
    t.strictSame(await numbersAfter(log, 's', 'b.0'), [1, 2])
    t.strictSame(await numbersAfter(log, 's', 'a.9'), [])
    t.equal(await log.after('s', 'c.0'), undefined)
  })

  t.test('of a stream with a gap there is what came after it', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 3)
    await fill(log, 's', 'a', 6, 7)
    t.strictSame(await numbersAfter(log, 's', 'a.5'), [6, 7])
    for (const id of ['a.0', 'a.3', 'a.4']) t.strictSame(await numbersAfter(log, 's', id), [6, 7], id)
    await fill(log, 's', 'a', 8, 8)
    t.strictSame(await numbersAfter(log, 's', 'a.6'), [7, 8])
  })

  t.test('streams and sessions are kept apart', async (t) => {
    const { log } = await open(t)
    await fill(log, 's1', 'a', 1, 2)
    await fill(log, 's1', 'b', 1, 3)
    await fill(log, 's2', 'a', 1, 1)
    t.strictSame(await numbersAfter(log, 's1', 'a.0'), [1, 2])
    t.strictSame(await numbersAfter(log, 's1', 'b.0'), [1, 2, 3])
    t.strictSame(await numbersAfter(log, 's2', 'a.0'), [1])
    t.equal(await log.after('s2', 'b.0'), undefined)
    t.equal(await log.after('s3', 'a.0'), undefined)
  })

  t.test('what is no event id leads to nothing', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 1)
    for (const id of ['', 'a', 'a.', '.1', 'a.x', 'a.-1', 'a.1.1', 'a.01', 'a.99999999999', 'a:facts.1', '*.1', `${'a'.repeat(65)}.1`]) t.equal(await log.after('s', id), undefined, id)
  })

  t.test('the end of a stream is known, with what came before it', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 2)
    await log.end(streamOf('s', 'a'), undefined)
    t.strictSame([(await log.after('s', 'a.1'))?.ended, (await log.after('s', 'a.2'))?.ended], [true, true])
    t.strictSame(await numbersAfter(log, 's', 'a.1'), [2])
    await log.end(streamOf('s', 'silent'), undefined)
    t.strictSame(await log.after('s', 'silent.0'), { stream: streamOf('s', 'silent'), events: [], last: -1, ended: true }, 'also where nothing came')
  })

  t.test('the last message is kept with the end, in one step', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 2)
    t.equal(await log.end(streamOf('s', 'a'), { id: 'a.3', message: 'answer' }), true)
    t.strictSame(await log.after('s', 'a.2'), { stream: streamOf('s', 'a'), events: [{ id: 'a.3', message: 'answer' }], last: 3, ended: true })
    t.equal(await log.end(streamOf('s', 'only'), { id: 'only.1', message: 'answer' }), true)
    t.match(await log.after('s', 'only.0'), { events: [{ id: 'only.1' }], ended: true })
  })

  t.test('who writes a stream, and which request it answers, is told with it', async (t) => {
    const { log } = await open(t)
    for (const [id, requestId] of [['number', 0], ['text', '0'], ['long', '"{}, \\ größer ✓']] as const) {
      const stream = streamOf('s', id, { writer: `writer of ${id}`, requestId })
      await log.append(stream, { id: `${id}.0`, message: '' })
      t.strictSame((await log.after('s', `${id}.0`))?.stream, stream)
      await log.end(stream, undefined)
      t.strictSame((await log.after('s', `${id}.0`))?.stream, stream)
    }
  })

  t.test('how a stream stands is told without its messages', async (t) => {
    const { log } = await open(t)
    const stream = streamOf('s', 'a')
    t.match(await log.state(stream), { last: -1, ended: false })
    await fill(log, 's', 'a', 0, 2)
    t.strictSame(await log.state(stream), { last: 2, ended: false, isWriterPresent: true })
    await log.end(stream, { id: 'a.3', message: 'answer' })
    t.strictSame(await log.state(stream), { last: 3, ended: true, isWriterPresent: true })
    t.match(await log.state(streamOf('other', 'a')), { last: -1, ended: false })
  })

  t.test('a stream that its writer has abandoned is concluded once, and its writer learns that it comes too late', async (t) => {
    const { log } = await open(t)
    const stream = streamOf('s', 'a')
    await fill(log, 's', 'a', 0, 2)
    for (const message of ['first', 'second']) await log.conclude(stream, { message, after: 1, isAbandoned: true })
    t.strictSame(await log.after('s', 'a.1'), { stream, events: [{ id: 'a.2', message: 'message 2' }, { id: 'a.3', message: 'first' }], last: 3, ended: true })
    t.equal(await log.append(stream, { id: 'a.3', message: 'late' }), false)
    t.equal(await log.append(stream, { id: 'a.4', message: 'late' }), false)
    t.equal(await log.end(stream, { id: 'a.5', message: 'late' }), false)
    t.equal(await log.end(stream, undefined), false)
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1, 2, 3])
  })

  t.test('of all that try to end a stream at once, one does', async (t) => {
    const { log } = await open(t)
    const stream = streamOf('s', 'a')
    await fill(log, 's', 'a', 0, 1)
    const conclude = (message: string): unknown => log.conclude(stream, { message, after: 1, isAbandoned: true })
    const [, isTaken] = await Promise.all([conclude('one'), log.end(stream, { id: 'a.2', message: 'answer' }), conclude('two')])
    const ends = (await log.after('s', 'a.1'))?.events.map(({ message }) => message)
    t.equal(ends?.length, 1)
    t.equal(ends?.[0] === 'answer', isTaken, 'and its writer knows whether it was that')
  })

  t.test('a stream that is written, has ended, or is not known is not concluded', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'written', 0, 1)
    await log.conclude(streamOf('s', 'written'), { message: 'lost', after: 1, isAbandoned: false })
    t.match(await log.after('s', 'written.0'), { events: [{ id: 'written.1' }], ended: false })
    await log.end(streamOf('s', 'answered'), { id: 'answered.1', message: 'answer' })
    await log.end(streamOf('s', 'cancelled'), undefined)
    for (const id of ['answered', 'cancelled', 'unknown']) await log.conclude(streamOf('s', id), { message: 'lost', after: 1, isAbandoned: true })
    t.match(await log.after('s', 'answered.0'), { events: [{ message: 'answer' }], ended: true })
    t.strictSame((await log.after('s', 'cancelled.0'))?.events, [])
    t.equal(await log.after('s', 'unknown.0'), undefined)
  })

  t.test('a conclusion comes after all that was seen, and hides nothing that was kept', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 0, 2)
    await log.conclude(streamOf('s', 'a'), { message: 'lost', after: 7, isAbandoned: true })
    t.strictSame(await numbersAfter(log, 's', 'a.7'), [8])
    t.strictSame(await numbersAfter(log, 's', 'a.1'), [2, 8])
    await fill(log, 's', 'b', 0, 1)
    await log.conclude(streamOf('s', 'b'), { message: 'lost', after: 9_999_999_999, isAbandoned: true })
    t.strictSame((await log.after('s', 'b.1'))?.events, [{ id: 'b.10000000000', message: 'lost' }], 'whatever a client claims to have seen')
  })

  t.test('a stream keeps its last 200 messages', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 250)
    t.strictSame(await numbersAfter(log, 's', 'a.50'), range(51, 250))
    t.strictSame(await numbersAfter(log, 's', 'a.240'), range(241, 250))
    for (const id of ['a.0', 'a.1', 'a.49']) t.strictSame(await numbersAfter(log, 's', id), range(51, 250), id)
  })

  t.test('a stream keeps the last bytes that it may, counted as they are sent', async (t) => {
    const { log } = await open(t, { maxBytes: 100 })
    for (const number of range(1, 4)) await log.append(streamOf('s', 'a'), { id: `a.${number}`, message: 'é'.repeat(20) })
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [3, 4])
    await log.append(streamOf('s', 'a'), { id: 'a.5', message: 'x'.repeat(20) })
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [3, 4, 5], '100 bytes are not more than 100')
  })

  t.test('a message that is larger than a stream may be is not kept, and nothing before it', async (t) => {
    const { log } = await open(t, { maxBytes: 100 })
    await fill(log, 's', 'a', 1, 3)
    await log.append(streamOf('s', 'a'), { id: 'a.4', message: 'é'.repeat(51) })
    for (const id of ['a.0', 'a.3', 'a.4']) t.match(await log.after('s', id), { events: [], last: 4, ended: false }, id)
    await fill(log, 's', 'a', 5, 6)
    t.strictSame(await numbersAfter(log, 's', 'a.3'), [5, 6])
    await log.end(streamOf('s', 'a'), { id: 'a.7', message: 'é'.repeat(51) })
    t.match(await log.after('s', 'a.6'), { events: [], last: 7, ended: true }, 'that there was one is known')
  })

  t.test('by default a stream keeps a megabyte', async (t) => {
    const { log } = await open(t)
    for (const number of range(1, 5)) await log.append(streamOf('s', 'a'), { id: `a.${number}`, message: 'x'.repeat(256 * 1024) })
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [2, 3, 4, 5])
  })

  t.test('a stream is kept for five minutes after its last message', async (t) => {
    const { log, pass } = await open(t)
    await fill(log, 's', 'a', 1, 1)
    await pass(290_000)
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1])
    await fill(log, 's', 'a', 2, 2)
    await pass(290_000)
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1, 2])
    await pass(11_000)
    t.equal(await log.after('s', 'a.0'), undefined)
    t.equal(await log.after('s', 'a.2'), undefined)
  })

  t.test('a stream whose writer names it is kept on, and no other', async (t) => {
    const { log, pass } = await open(t)
    await fill(log, 's', 'a', 0, 1)
    await fill(log, 's', 'b', 0, 1)
    for (let each = 0; each < 5; each++) {
      await pass(200_000)
      await log.renew('writer', [streamOf('s', 'a'), streamOf('s', 'unknown')])
    }
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1])
    for (const id of ['b.0', 'unknown.0']) t.equal(await log.after('s', id), undefined, id)
    await log.end(streamOf('s', 'a'), { id: 'a.2', message: 'answer' })
    t.match(await log.after('s', 'a.1'), { events: [{ message: 'answer' }], ended: true })
  })

  t.test('a stream that goes on after it was forgotten has what came since', async (t) => {
    const { log, pass } = await open(t)
    await fill(log, 's', 'a', 1, 5)
    await pass(301_000)
    await fill(log, 's', 'a', 8, 9)
    t.strictSame(await numbersAfter(log, 's', 'a.5'), [8, 9])
  })

  t.test('a message that is told twice is kept once', async (t) => {
    const { log } = await open(t)
    await fill(log, 's', 'a', 1, 3)
    await fill(log, 's', 'a', 2, 4)
    t.strictSame(await numbersAfter(log, 's', 'a.0'), [1, 2, 3, 4])
  })

  t.test('with its session a stream is forgotten, and no other', async (t) => {
    const { log } = await open(t)
    await fill(log, 's1', 'a', 1, 1)
    await fill(log, 's1', 'b', 1, 1)
    await log.end(streamOf('s1', 'c'), undefined)
    await fill(log, 's2', 'a', 1, 1)
    await log.forget('s1')
    await log.forget('s3')
    for (const id of ['a.0', 'b.0', 'c.0']) t.equal(await log.after('s1', id), undefined, id)
    t.strictSame(await numbersAfter(log, 's2', 'a.0'), [1])
  })

  t.test('a session has so many streams and no more: the one that was silent for longest goes', async (t) => {
    const { log, pass } = await open(t, { maxStreams: 3 })
    for (const stream of ['d', 'c', 'b']) {
      await fill(log, 's', stream, 1, 1)
      await pass(10)
    }
    await fill(log, 's', 'd', 2, 2)
    await pass(10)
    await fill(log, 's', 'a', 1, 1)
    t.equal(await log.after('s', 'c.0'), undefined)
    for (const id of ['a.0', 'b.0', 'd.0']) t.ok(await log.after('s', id), id)
    await fill(log, 'other', 'c', 1, 1)
    t.ok(await log.after('s', 'b.0'), 'those of others do not count')
  })

  t.test('the stream that was just written is never the one that goes', async (t) => {
    const { log } = await open(t, { maxStreams: 2 })
    // All within a millisecond or so.
    for (const stream of ['f', 'e', 'd', 'c', 'b', 'a']) {
      await fill(log, 's', stream, 1, 1)
      t.ok(await log.after('s', `${stream}.0`), stream)
    }
  })

  t.test('an event under the name of another stream is a fault of the caller', async (t) => {
    const { log } = await open(t)
    for (const id of ['b.1', 'a', 'a.x']) await t.rejects(async () => log.append(streamOf('s', 'a'), { id, message: 'x' }), /is not the id of an event of the stream a/)
  })
}
