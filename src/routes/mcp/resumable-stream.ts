import { randomUUID } from 'node:crypto'
import type { EventBus } from '../../core/bus.ts'
import { StateUnavailableError } from '../../core/errors.ts'
import type { JsonObject, Logger } from '../../core/ports.ts'
import type { StreamEvent, StreamLog, StreamTail } from '../../core/stream-log.ts'
import { streamOf } from '../../core/stream-log.ts'
import type { EventStream } from './event-stream.ts'

/** What resumable streams need: a log that any instance reads, and a bus on which the rest comes. */
export interface StreamKeeping {
  readonly log: StreamLog
  readonly bus: EventBus
  readonly logger: Logger
  /** The streams that this instance writes at the moment, by their id. */
  readonly written: Map<string, ResumableStream>
}

/** Where instances tell each other that a client has come back for a stream. */
export const resumedChannel = 'resumed'

/** Writes that may wait for the log, before messages are left out of it. */
const maxBacklog = 1_000

/**
 * A stream of the 2025 era that outlives its connection: what it sends is kept for a while, and a client that comes back with the id of
 * the last event it saw gets the rest, from whichever instance it meets. 2025-11-25 basic/transports, Resumability and Redelivery.
 */
export class ResumableStream {
  readonly id = randomUUID()
  readonly #keeping: StreamKeeping
  readonly sessionId: string
  readonly #connection: EventStream
  #count = 0
  #backlog = 0
  #ended = false
  #isForsaken = false
  #kept: Promise<void> = Promise.resolve()

  /** `primed` sends an event without a message first, so that a client can come back before there is one. */
  constructor (keeping: StreamKeeping, sessionId: string, connection: EventStream, primed: boolean) {
    this.#keeping = keeping
    this.sessionId = sessionId
    this.#connection = connection
    keeping.written.set(this.id, this)
    if (primed) connection.prime(`${this.id}.0`)
    this.#keep(async () => { await this.#append({ id: `${this.id}.0`, message: '' }) })
  }

  send (message: string): void {
    if (this.#ended) return
    const event: StreamEvent = { id: `${this.id}.${++this.#count}`, message }
    const delivered = this.#connection.send(message, event.id)
    if (this.#backlog > maxBacklog) return
    this.#keep(async () => {
      await this.#append(event)
      if (!delivered) await this.#keeping.bus.publish(channelOf(this.id), { ...event })
    })
  }

  /** Closes the connection, not the stream: the client comes back after `retryMs`. */
  suspend (retryMs: number): void { this.#connection.suspend(retryMs) }

  /** The client has come back on another connection. This one may be dead without anybody knowing: all that follows goes there. */
  handOver (by: string): void {
    this.#connection.end()
    const last = this.#count
    this.#keep(async () => { await this.#keeping.bus.publish(channelOf(this.id), { last, by }) })
  }

  end (): void {
    if (this.#ended) return
    this.#ended = true
    this.#keeping.written.delete(this.id)
    this.#connection.end()
    const last = this.#count
    this.#keep(async () => { if (!this.#isForsaken) await this.#keeping.log.end(this.sessionId, this.id) })
    this.#keep(async () => { await this.#keeping.bus.publish(channelOf(this.id), { last, ended: true }) })
  }

  /** Its session has ended: nothing more is kept of it. */
  forsake (): void { this.#isForsaken = true }

  async #append (event: StreamEvent): Promise<void> {
    if (!this.#isForsaken) await this.#keeping.log.append(this.sessionId, this.id, event)
  }

  /** In order, and without holding anybody up; a log that is away costs the client only the way back. */
  #keep (write: () => Promise<void>): void {
    this.#backlog++
    this.#kept = this.#kept.then(write).catch((error: unknown) => {
      // That the state is away is logged once, where it is noticed.
      if (!(error instanceof StateUnavailableError)) this.#keeping.logger.warn({ err: error }, 'A stream could not be kept: a client that loses its connection cannot resume it.')
    }).then(() => { this.#backlog-- })
  }
}

function channelOf (streamId: string): string { return `stream:${streamId}` }

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
    take = (event) => { this.#work = this.#work.then(() => this.#take(event)).catch((error: unknown) => { this.#giveUp(error) }) }
    for (const event of early) take(event)
    if (tail.ended) this.#connection.end()
    else await bus.publish(resumedChannel, { streamId: this.#streamId, by: this.#id })
    return true
  }

  async #take ({ id, message, last, by, ended }: JsonObject): Promise<void> {
    // Who comes back last has the stream.
    if (by === this.#id) this.#hasTaken = true
    else if (by !== undefined && this.#hasTaken) return this.#connection.end()
    const before = typeof id === 'string' ? numberOf(id) - 1 : Number(last)
    // What was sent on the old connection before anybody knew that it was dead did not come over the bus.
    if (before > this.#last) await this.#readLog()
    if (typeof id === 'string' && typeof message === 'string') this.#forward(id, message)
    if (ended === true) this.#connection.end()
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

  /** The client comes back with the last event that it has. */
  #giveUp (error: unknown): void {
    this.#keeping.logger.warn({ err: error }, 'A stream could not be read on: its client has to resume it once more.')
    this.#connection.end()
  }
}

function numberOf (eventId: string): number {
  return Number(eventId.slice(eventId.lastIndexOf('.') + 1))
}
