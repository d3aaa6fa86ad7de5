import { Readable } from 'node:stream'

/** What may wait for a client to read it, before one more message of any length. */
const maxWaitingBytes = 16 * 1024 * 1024

/**
 * An open text/event-stream answer. One JSON-RPC message an event, in one `data:` line. Keep-alive comments hold the connection
 * through proxies that cut silent ones.
 */
export class EventStream extends Readable {
  #open = true

  constructor () {
    super({ highWaterMark: 64 * 1024 })
    this.once('close', () => { this.#open = false })
  }

  override _read (): void { /* everything is pushed */ }

  /** Sends one JSON-RPC message. False when the stream has ended. A client that does not read what it is sent is cut off. */
  send (message: string, eventId?: string): boolean {
    if (!this.#open) return false
    if (this.readableLength > maxWaitingBytes) {
      this.#open = false
      this.destroy()
      return false
    }
    this.push(eventId === undefined ? `event: message\ndata: ${message}\n\n` : `event: message\nid: ${eventId}\ndata: ${message}\n\n`)
    return true
  }

  /** Tells a client of 2024-11-05 where to post. 2024-11-05 basic/transports, HTTP with SSE. */
  nameEndpoint (endpoint: string): void {
    if (this.#open) this.push(`event: endpoint\ndata: ${endpoint}\n\n`)
  }

  /** Gives the client an id to come back with before there is a message. 2025-11-25 basic/transports, Sending Messages. */
  prime (eventId: string): void {
    if (this.#open) this.push(`id: ${eventId}\ndata: \n\n`)
  }

  /** Ends the connection and says when to come back. */
  suspend (retryMs: number): void {
    if (this.#open) this.push(`retry: ${retryMs}\n\n`)
    this.end()
  }

  /** Sends a comment, which clients skip. */
  comment (text: string): void {
    if (this.#open) this.push(`: ${text}\n\n`)
  }

  /** Ends the answer politely, with a last message if there is one. */
  end (message?: string): void {
    if (message !== undefined) this.send(message)
    if (!this.#open) return
    this.#open = false
    this.push(null)
  }
}

export const eventStreamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
} as const

const keepAliveMs = 15_000

/** All open streams of an app, with one timer that keeps them alive. */
export class OpenStreams {
  readonly #streams = new Set<EventStream>()
  readonly #endless = new Set<EventStream>()
  #timer: NodeJS.Timeout | undefined

  get size (): number { return this.#streams.size }

  /** `endless` streams wait for news; the others end by themselves, with the answer to their request. */
  add (stream: EventStream, kind: 'answer' | 'endless'): void {
    this.#streams.add(stream)
    if (kind === 'endless') this.#endless.add(stream)
    stream.once('close', () => { this.#remove(stream) })
    this.#timer ??= setInterval(() => { for (const each of this.#streams) each.comment('keep-alive') }, keepAliveMs).unref()
  }

  /** Ends the streams that would not end by themselves, so that the server can close. */
  endEndless (): void {
    for (const stream of this.#endless) stream.end()
  }

  #remove (stream: EventStream): void {
    this.#streams.delete(stream)
    this.#endless.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
