import { randomUUID } from 'node:crypto'
import { CallLostError, StateUnavailableError } from '../../core/errors.ts'
import { errorText } from '../../core/json-rpc.ts'
import type { JsonObject } from '../../core/ports.ts'
import type { KeptStream, StreamTail } from '../../core/stream-log.ts'
import { streamOf } from '../../core/stream-log.ts'
import type { EventStream } from './event-stream.ts'
import { channelOf, resumedChannel, type StreamKeeping } from './written-streams.ts'

/** How often a stream that goes on is held against whether its writer is there. */
const lookMs = 3_000

/** Sends the rest of a stream on a new connection and stays with it until it ends. False when the event is not known (any more). */
export async function resumeStream (keeping: StreamKeeping, sessionId: string, lastEventId: string, connection: EventStream): Promise<boolean> {
  const streamId = streamOf(lastEventId)
  if (streamId === undefined) return false
  return await new Resumption(keeping, sessionId, streamId, numberOf(lastEventId), connection).begin()
}

/** Sends each message that follows an event once and in order, whether it comes from the log or over the bus. */
class Resumption {
  readonly #keeping: StreamKeeping
  readonly #sessionId: string
  readonly #streamId: string
  readonly #connection: EventStream
  /** Sets this connection apart from others on which the client comes back for the same stream. */
  readonly #id = randomUUID()
  #last: number
  #hasTaken = false
  /** Its writer was not there when it was last looked for, and has not answered since. */
  #isSilent = false
  #work: Promise<void> = Promise.resolve()

  constructor (keeping: StreamKeeping, sessionId: string, streamId: string, last: number, connection: EventStream) {
    this.#keeping = keeping
    this.#sessionId = sessionId
    this.#streamId = streamId
    this.#last = last
    this.#connection = connection
  }

  async begin (): Promise<boolean> {
    const { bus } = this.#keeping
    // Listening starts before reading, so that nothing falls between.
    const early: JsonObject[] = []
    let take = (event: JsonObject): void => { early.push(event) }
    const stop = await bus.subscribe(channelOf(this.#streamId), (event) => { take(event) })
    this.#connection.once('close', stop)
    if (this.#connection.destroyed) stop()

    const tail = await this.#readLog()
    if (tail === undefined) {
      stop()
      return false
    }
    take = (event) => { this.#queue(() => this.#take(tail.stream, event)) }
    for (const event of early) take(event)
    if (tail.ended) this.#connection.end()
    else await this.#follow(tail.stream)
    return true
  }

  async #follow (stream: KeptStream): Promise<void> {
    await this.#keeping.bus.publish(channelOf(this.#streamId), { by: this.#id })
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
    if (ended === true) this.#connection.end()
  }

  /** What the bus did not bring is read. A writer that has not said for long that it is there is called, and then taken for gone. */
  async #look (stream: KeptStream): Promise<void> {
    try {
      const { last, ended, isWriterPresent } = await this.#keeping.log.state(stream)
      if (last > this.#last) await this.#readLog()
      if (ended) this.#connection.end()
      else if (isWriterPresent) this.#isSilent = false
      else if (this.#isSilent) await this.#conclude(stream, false)
      else {
        this.#isSilent = true
        await this.#callWriter(stream)
      }
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
    if (tail === undefined || tail.ended) this.#connection.end()
  }

  async #readLog (): Promise<StreamTail | undefined> {
    const tail = await this.#keeping.log.after(this.#sessionId, `${this.#streamId}.${this.#last}`)
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
