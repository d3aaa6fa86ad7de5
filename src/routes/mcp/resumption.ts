import { randomUUID } from 'node:crypto'
import { CallLostError, EventUnknownError } from '../../core/call-errors.ts'
import { StateUnavailableError } from '../../core/errors.ts'
import { errorText } from '../../core/json-rpc.ts'
import type { JsonObject } from '../../core/ports.ts'
import { splitEventId, type KeptStream, type StreamTail } from '../../core/stream-log.ts'
import type { EventStream } from './event-stream.ts'
import { channelOf, resumedChannel, type StreamKeeping } from './written-streams.ts'

/** How often a stream that goes on is held against whether its writer is there. */
const lookMs = 3_000

const answerNotKept = 'The call has run, but its answer was too large to be kept until its client came back for it.'

/** A stream that a client comes back for. */
export interface FoundStream {
  readonly sessionId: string
  /** The number of the last message that the client has. */
  readonly last: number
  readonly tail: StreamTail
  /** Gives what happened to the stream since it was looked for, and all that happens later. */
  listen (take: (event: JsonObject) => void): void
  /** Ends that. */
  leave (): void
}

/** Looks for the stream of an event. Rejects with EventUnknownError when it is not known in this session (any more). */
export async function findStream ({ bus, log }: StreamKeeping, sessionId: string, lastEventId: string): Promise<FoundStream> {
  const event = splitEventId(lastEventId)
  if (event === undefined) throw new EventUnknownError()
  // Listening starts before reading, so that nothing falls between.
  const early: JsonObject[] = []
  let take = (event: JsonObject): void => { early.push(event) }
  const leave = await bus.subscribe(channelOf(event.streamId), (told) => { take(told) })
  try {
    const tail = await log.after(sessionId, lastEventId)
    if (tail === undefined) throw new EventUnknownError()
    const listen = (later: (event: JsonObject) => void): void => {
      take = later
      for (const told of early) later(told)
    }
    return { sessionId, last: event.number, tail, listen, leave }
  } catch (error) {
    leave()
    throw error
  }
}

/** Sends the rest of a stream on a new connection and stays with it until it ends. */
export async function resumeStream (keeping: StreamKeeping, found: FoundStream, connection: EventStream): Promise<void> {
  connection.once('close', found.leave)
  if (connection.destroyed) found.leave()
  await new Resumption(keeping, found, connection).begin()
}

/** Sends each message that follows an event once and in order, whether it comes from the log or over the bus. */
class Resumption {
  readonly #keeping: StreamKeeping
  readonly #found: FoundStream
  readonly #connection: EventStream
  /** Sets this connection apart from others on which the client comes back for the same stream. */
  readonly #id = randomUUID()
  #last: number
  #hasTaken = false
  /** Its writer, or its answer, was not there when it was last looked for, and has not come since. */
  #isSilent = false
  #work: Promise<void> = Promise.resolve()

  constructor (keeping: StreamKeeping, found: FoundStream, connection: EventStream) {
    this.#keeping = keeping
    this.#found = found
    this.#last = found.last
    this.#connection = connection
  }

  async begin (): Promise<void> {
    const { tail: { stream, events, last, ended } } = this.#found
    for (const { id, message } of events) this.#forward(id, message)
    if (ended) return this.#finish(stream, last)
    this.#found.listen((event) => { this.#queue(() => this.#take(stream, event)) })
    await this.#follow(stream)
  }

  async #follow (stream: KeptStream): Promise<void> {
    await this.#keeping.bus.publish(channelOf(stream.id), { by: this.#id })
    await this.#callWriter(stream)
    if (this.#connection.destroyed) return
    const watch = setInterval(() => { this.#queue(() => this.#look(stream)) }, lookMs).unref()
    this.#connection.once('close', () => { clearInterval(watch) })
  }

  /** A writer that is there answers on the channel of the stream. */
  async #callWriter ({ id, writer }: KeptStream): Promise<void> {
    await this.#keeping.bus.publish(resumedChannel, { streamId: id, writer })
  }

  async #take (stream: KeptStream, { id, message, last, by, ended, abandoned }: JsonObject): Promise<void> {
    // Who comes back last has the stream.
    if (by === this.#id) this.#hasTaken = true
    if (by !== undefined) return by !== this.#id && this.#hasTaken ? this.#connection.end() : undefined
    if (abandoned === true) return await this.#conclude(stream, true)
    this.#isSilent = false
    const before = typeof id === 'string' ? numberOf(id) - 1 : Number(last)
    // What was sent on the old connection before anybody knew that it was dead did not come over the bus.
    if (before > this.#last) await this.#readLog()
    if (typeof id === 'string' && typeof message === 'string') this.#forward(id, message)
    if (ended === true) this.#finish(stream, Number(last))
  }

  /** What the bus did not bring is read. A writer that has not said for long that it is there is called, and then taken for gone. */
  async #look (stream: KeptStream): Promise<void> {
    try {
      const { last, ended, isWriterPresent } = await this.#keeping.log.state(stream)
      if (last > this.#last) await this.#readLog()
      const wasSilent = this.#isSilent
      // An answer that is not kept may still come over the bus, as may a sign of the writer.
      this.#isSilent = ended ? last > this.#last : !isWriterPresent
      const isFirstTime = this.#isSilent && !wasSilent
      if (isFirstTime && !ended) await this.#callWriter(stream)
      else if (ended && !isFirstTime) this.#finish(stream, last)
      else if (this.#isSilent && !ended) await this.#conclude(stream, false)
    } catch (error) {
      if (!(error instanceof StateUnavailableError)) throw error
      // While the log is away, no writer can say there that it is present.
      this.#isSilent = false
    }
  }

  /** Answers the call in the place of its writer, unless that or another instance was faster, and sends what there is then. */
  async #conclude (stream: KeptStream, isAbandoned: boolean): Promise<void> {
    const message = errorText(stream.requestId, new CallLostError(), undefined)
    await this.#keeping.log.conclude(stream, { message, after: this.#last, isAbandoned })
    const tail = await this.#readLog()
    if (tail === undefined) this.#connection.end()
    else if (tail.ended) this.#finish(stream, tail.last)
  }

  /** Nothing more will come. An answer that was not kept is lost, which its client hears in its place. */
  #finish ({ id, requestId }: KeptStream, last: number): void {
    if (last > this.#last) this.#forward(`${id}.${last}`, errorText(requestId, new CallLostError(answerNotKept), undefined))
    this.#connection.end()
  }

  async #readLog (): Promise<StreamTail | undefined> {
    const { sessionId, tail: { stream } } = this.#found
    const tail = await this.#keeping.log.after(sessionId, `${stream.id}.${this.#last}`)
    for (const { id, message } of tail?.events ?? []) this.#forward(id, message)
    return tail
  }

  #forward (id: string, message: string): void {
    if (numberOf(id) <= this.#last) return
    this.#last = numberOf(id)
    if (message !== '') this.#connection.send(message, id)
  }

  #queue (work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => { this.#giveUp(error) })
  }

  /** The client comes back with the last event that it has. */
  #giveUp (error: unknown): void {
    this.#keeping.logger.warn({ err: error }, 'A stream could not be read on: its client has to resume it once more.')
    this.#connection.end()
  }
}

function numberOf (eventId: string): number {
  return Number(eventId.slice(eventId.lastIndexOf('.') + 1))
}
