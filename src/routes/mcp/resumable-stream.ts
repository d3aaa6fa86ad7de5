import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { StateUnavailableError } from '../../core/errors.ts'
import type { RequestId } from '../../core/json-rpc.ts'
import type { JsonObject } from '../../core/ports.ts'
import type { MaybePromise } from '../../core/session.ts'
import type { KeptStream, StreamEvent } from '../../core/stream-log.ts'
import type { EventStream } from './event-stream.ts'
import { channelOf, type StreamKeeping, type WrittenStream } from './written-streams.ts'

export interface ResumableStreamOptions {
  sessionId: string
  /** The request that it answers. */
  requestId: RequestId
  connection: EventStream
  /** Sends an event without a message first, so that a client can come back before there is one. */
  primed: boolean
}

/** Writes that may wait for the log, before messages are left out of it. */
const maxBacklog = 1_000
/** How often, and after which pause, a log that is away is asked whether this instance was taken for gone. */
const patience = { attempts: 30, pauseMs: 100 } as const

/**
 * A stream of the 2025 era that outlives its connection: what it sends is kept for a while, and a client that comes back with the id of
 * the last event it saw gets the rest, from whichever instance it meets. 2025-11-25 basic/transports, Resumability and Redelivery.
 *
 * What is sent is kept afterwards, so that nobody waits for the log. Only an instance that was silent for long, and may have been taken
 * for gone, asks first: then another one may have answered in its place, and it says nothing more. After a standstill its connection to
 * the log may have to be made anew, which is waited for; a log that is away for longer lets nobody answer in its place either.
 */
export class ResumableStream implements WrittenStream {
  readonly kept: KeptStream
  /** Settles when the stream is known to all instances, or could not be made known: before that, an id of it would lead nowhere. */
  readonly begun: MaybePromise<void>
  readonly #keeping: StreamKeeping
  readonly #connection: EventStream
  readonly #beganAt: number
  keptAt: number
  #attemptsLeft = patience.attempts
  #count = 0
  #backlog = 0
  #ended = false
  #isForsaken = false
  #isSilenced = false
  #isCertain = true
  #work: Promise<void>

  constructor (keeping: StreamKeeping, { sessionId, requestId, connection, primed }: ResumableStreamOptions) {
    this.#keeping = keeping
    this.kept = { sessionId, id: randomUUID(), writer: keeping.written.writer, requestId }
    this.#connection = connection
    this.keptAt = this.#beganAt = keeping.clock.now()
    keeping.written.add(this)
    const first = `${this.kept.id}.0`
    if (primed) connection.prime(first)
    this.begun = this.#begin(first)
    this.#work = Promise.resolve(this.begun)
  }

  send (message: string): void {
    if (!this.#ended) this.#write(message, false)
  }

  /** Ends the stream, with a last message if there is one. */
  end (message?: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#write(message, true)
  }

  /** Closes the connection, not the stream: the client comes back after `retryMs`. */
  suspend (retryMs: number): void { this.#connection.suspend(retryMs) }

  /** The old connection may be dead without anybody knowing: all that follows goes to the new one. */
  handOver (): void {
    this.#connection.end()
    const last = this.#count
    this.#queue(async () => { await this.#publish({ last }) })
  }

  forsake (): void { this.#isForsaken = true }

  checkCertainty (): void { this.#isCertain &&= this.#keeping.written.isCertain(this.#beganAt) }

  async settled (): Promise<void> { await this.#work }

  #begin (id: string): MaybePromise<void> {
    try {
      const begun = this.#keeping.log.append(this.kept, { id, message: '' })
      if (begun instanceof Promise) return begun.then(() => {}, (error: unknown) => { this.#complain(error) })
    } catch (error) {
      this.#complain(error)
    }
  }

  #write (message: string | undefined, isLast: boolean): void {
    const event = message === undefined ? undefined : { id: `${this.kept.id}.${++this.#count}`, message }
    this.checkCertainty()
    if (!this.#isCertain) {
      this.#queue(async () => { if (await this.#note(event, isLast)) await this.#tell(this.#deliver(event, isLast) ? undefined : event, isLast) })
      return
    }
    const isDelivered = this.#deliver(event, isLast)
    if (this.#backlog > maxBacklog && !isLast) return
    this.#queue(async () => { if (await this.#note(event, isLast)) await this.#tell(isDelivered ? undefined : event, isLast) })
  }

  /** False when the connection is gone. */
  #deliver (event: StreamEvent | undefined, isLast: boolean): boolean {
    const isDelivered = event === undefined || this.#connection.send(event.message, event.id)
    if (isLast) this.#connection.end()
    return isDelivered
  }

  /** Keeps a message. False when another instance has answered in the place of this one. */
  async #note (event: StreamEvent | undefined, isLast: boolean): Promise<boolean> {
    if (this.#isSilenced) return false
    if (this.#isForsaken) return true
    const { log, clock } = this.#keeping
    try {
      const isOurs = isLast || event === undefined ? await log.end(this.kept, event) : await log.append(this.kept, event)
      this.keptAt = clock.now()
      if (!isOurs) this.#fallSilent()
      return isOurs
    } catch (error) {
      if (!this.#isCertain && error instanceof StateUnavailableError && this.#attemptsLeft-- > 0) {
        await wait(patience.pauseMs)
        return await this.#note(event, isLast)
      }
      // A log that is away costs the client the way back, not its answer.
      this.#complain(error)
      return true
    }
  }

  /** Tells those to whom the client may have come back: what did not reach it here, and the end. */
  async #tell (event: StreamEvent | undefined, isLast: boolean): Promise<void> {
    if (event !== undefined || isLast) await this.#publish({ ...event, ...(isLast && { last: this.#count, ended: true }) })
    // Until now it was not abandoned.
    if (isLast) this.#keeping.written.remove(this)
  }

  async #publish (event: JsonObject): Promise<void> {
    await this.#keeping.bus.publish(channelOf(this.kept.id), event)
  }

  /** The client was told elsewhere that this instance is gone: anything that it heard from here now would be a second answer. */
  #fallSilent (): void {
    this.#ended = true
    this.#isSilenced = true
    this.#connection.end()
    this.#keeping.written.remove(this)
    this.#keeping.logger.warn({ rpcId: this.kept.requestId }, 'This server was silent for so long that a client was told that its call is lost: the answer came too late.')
  }

  /** In order, and without holding anybody up. */
  #queue (work: () => Promise<void>): void {
    this.#backlog++
    this.#work = this.#work.then(work).catch((error: unknown) => { this.#complain(error) }).then(() => { this.#backlog-- })
  }

  /** That the state is away is logged once, where it is noticed. */
  #complain (error: unknown): void {
    if (error instanceof StateUnavailableError) return
    this.#keeping.logger.warn({ err: error }, 'A stream could not be kept: a client that loses its connection cannot resume it.')
  }
}
