import { randomUUID } from 'node:crypto'
import type { EventBus } from '../../core/bus.ts'
import type { JsonObject, Logger } from '../../core/ports.ts'
import type { StreamEvent, StreamLog } from '../../core/stream-log.ts'
import { streamOf } from '../../core/stream-log.ts'
import type { EventStream } from './event-stream.ts'

/** What resumable streams need: a log that any instance reads, and a bus on which the rest comes. */
export interface StreamKeeping {
  readonly log: StreamLog
  readonly bus: EventBus
  readonly logger: Logger
}

/**
 * A stream of the 2025 era that outlives its connection: what it sends is kept for a while, and a client that comes back with the id of
 * the last event it saw gets the rest, from whichever instance it meets. 2025-11-25 basic/transports, Resumability and Redelivery.
 */
export class ResumableStream {
  readonly id = randomUUID()
  readonly #keeping: StreamKeeping
  readonly #sessionId: string
  readonly #connection: EventStream
  #count = 0
  #kept: Promise<void> = Promise.resolve()

  /** `primed` sends an event without a message first, so that a client can come back before there is one. */
  constructor (keeping: StreamKeeping, sessionId: string, connection: EventStream, primed: boolean) {
    this.#keeping = keeping
    this.#sessionId = sessionId
    this.#connection = connection
    if (primed) connection.prime(`${this.id}.0`)
    this.#keep(async () => { await keeping.log.append(sessionId, this.id, { id: `${this.id}.0`, message: '' }) })
  }

  send (message: string): void {
    const event: StreamEvent = { id: `${this.id}.${++this.#count}`, message }
    const delivered = this.#connection.send(message, event.id)
    this.#keep(async () => {
      await this.#keeping.log.append(this.#sessionId, this.id, event)
      if (!delivered) await this.#keeping.bus.publish(channelOf(this.id), { ...event })
    })
  }

  /** Closes the connection, not the stream: the client comes back after `retryMs`. */
  suspend (retryMs: number): void { this.#connection.suspend(retryMs) }

  end (): void {
    this.#connection.end()
    this.#keep(async () => {
      await this.#keeping.log.end(this.#sessionId, this.id)
      await this.#keeping.bus.publish(channelOf(this.id), { ended: true })
    })
  }

  /** In order, and without holding anybody up; a log that is away costs the client only the way back. */
  #keep (write: () => Promise<void>): void {
    this.#kept = this.#kept.then(write).catch((error: unknown) => { this.#keeping.logger.warn({ err: error }, 'A stream could not be kept: a client that loses its connection cannot resume it.') })
  }
}

function channelOf (streamId: string): string { return `stream:${streamId}` }

/** Sends the rest of a stream on a new connection and stays with it until it ends. False when the event is not known (any more). */
export async function resumeStream ({ log, bus }: StreamKeeping, sessionId: string, lastEventId: string, connection: EventStream): Promise<boolean> {
  const streamId = streamOf(lastEventId)
  if (streamId === undefined) return false
  // Listening starts before reading, so that nothing falls between; what comes twice goes out once.
  const early: JsonObject[] = []
  let take = (event: JsonObject): void => { early.push(event) }
  const stop = await bus.subscribe(channelOf(streamId), (event) => { take(event) })
  connection.once('close', stop)

  const tail = await log.after(sessionId, lastEventId)
  if (tail === undefined) {
    stop()
    return false
  }
  let last = numberOf(lastEventId)
  const forward = (id: string, message: string): void => {
    if (numberOf(id) <= last) return
    last = numberOf(id)
    connection.send(message, id)
  }
  take = ({ id, message, ended }) => {
    if (ended === true) connection.end()
    else if (typeof id === 'string' && typeof message === 'string') forward(id, message)
  }
  for (const { id, message } of tail.events) if (message !== '') forward(id, message)
  for (const event of early) take(event)
  if (tail.ended) connection.end()
  return true
}

function numberOf (eventId: string): number {
  return Number(eventId.slice(eventId.lastIndexOf('.') + 1))
}
