import { randomUUID } from 'node:crypto'
import type { EventBus } from '../../core/bus.ts'
import type { Clock, Logger } from '../../core/ports.ts'
import { presenceMs, streamKeepMs, type KeptStream, type StreamLog } from '../../core/stream-log.ts'

/** Where streams are kept: in a log that any instance reads; on the bus comes what is written meanwhile. */
export interface StreamStores {
  readonly log: StreamLog
  readonly bus: EventBus
  readonly logger: Logger
  readonly clock: Clock
}

/** What resumable streams need. */
export interface StreamKeeping extends StreamStores {
  readonly written: WrittenStreams
}

/** A stream whose writer is this instance. */
export interface WrittenStream {
  readonly kept: KeptStream
  /** When it was kept last. */
  keptAt: number
  /** Its client has come back on another connection, here or elsewhere. */
  handOver (): void
  /** Its session has ended: nothing more is kept of it. */
  forsake (): void
  /** Notes whether anybody can have taken this instance for gone. */
  checkCertainty (): void
  /** Resolves when what was written so far is kept, or could not be. */
  settled (): Promise<void>
}

/** Where instances tell the writer of a stream that its client has come back. */
export const resumedChannel = 'resumed'

/** What happens to a stream is told here to the instances to which its client has come back. */
export function channelOf (streamId: string): string { return `stream:${streamId}` }

/** How often an instance that writes streams says that it is there. */
const renewalMs = 3_000
/** For so long after that it is certain that nobody takes it for gone. */
const certaintyMs = presenceMs - 2_000
/** After so long without news a stream is named, so that it is kept on. */
const silenceMs = streamKeepMs / 3

/**
 * The streams that this instance writes. While there are any it says in the log that it is there, so that whoever waits for one of them
 * elsewhere learns when nothing can come any more.
 */
export class WrittenStreams {
  /** This instance, among all that write. */
  readonly writer = randomUUID()
  readonly #stores: StreamStores
  readonly #streams = new Map<string, WrittenStream>()
  #renewal: NodeJS.Timeout | undefined
  #renewedAt = -Infinity

  constructor (stores: StreamStores) { this.#stores = stores }

  /** Hears of clients that come back for a stream. */
  async listen (): Promise<void> {
    await this.#stores.bus.subscribe(resumedChannel, ({ streamId, writer }) => {
      if (writer !== this.writer || typeof streamId !== 'string') return
      const stream = this.#streams.get(streamId)
      if (stream === undefined) void this.#tellAbandoned(streamId)
      else stream.handOver()
    }, { lasting: true })
  }

  add (stream: WrittenStream): void {
    this.#streams.set(stream.kept.id, stream)
    this.#renewal ??= setInterval(() => { void this.#renew() }, renewalMs).unref()
  }

  remove (stream: WrittenStream): void { this.#streams.delete(stream.kept.id) }

  forsake (sessionId: string): void {
    for (const stream of this.#streams.values()) if (stream.kept.sessionId === sessionId) stream.forsake()
  }

  /** Whether nobody can have taken this instance for gone since it was there at some time. */
  isCertain (since: number): boolean {
    return this.#stores.clock.now() - Math.max(this.#renewedAt, since) < certaintyMs
  }

  /** Waits for what is being kept, and leaves the rest to those who wait for it elsewhere. */
  async close (): Promise<void> {
    clearInterval(this.#renewal)
    await Promise.all([...this.#streams.values()].map((stream) => stream.settled()))
    await Promise.all([...this.#streams.keys()].map((streamId) => this.#tellAbandoned(streamId)))
  }

  /** Also says so of streams that have ended while the log was away: that they did, nobody else can know. */
  async #tellAbandoned (streamId: string): Promise<void> {
    try {
      await this.#stores.bus.publish(channelOf(streamId), { abandoned: true })
    } catch (error) {
      // Whoever waits asks again, or finds this instance gone.
      this.#stores.logger.debug({ err: error }, 'Nobody could be told that a stream is abandoned.')
    }
  }

  async #renew (): Promise<void> {
    if (this.#streams.size === 0) {
      clearInterval(this.#renewal)
      this.#renewal = undefined
      return
    }
    const { log, clock, logger } = this.#stores
    const now = clock.now()
    const silent = [...this.#streams.values()].filter(({ keptAt }) => now - keptAt >= silenceMs)
    try {
      await log.renew(this.writer, silent.map(({ kept }) => kept))
    } catch (error) {
      logger.debug({ err: error }, 'The log of streams does not answer.')
      return
    }
    for (const stream of silent) stream.keptAt = now
    // To be there again says nothing of the time before.
    for (const stream of this.#streams.values()) stream.checkCertainty()
    this.#renewedAt = now
  }
}
