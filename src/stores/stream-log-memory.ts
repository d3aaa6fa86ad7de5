import type { Clock } from '../core/ports.ts'
import { splitEventId, type KeptStream, type StreamEvent, type StreamLog } from '../core/stream-log.ts'
import { defaultStreamLogBounds, isGap, numberIn, type StreamLogBounds } from './stream-log-bounds.ts'

export interface StreamLogMemoryOptions extends Partial<StreamLogBounds> {
  clock: Clock
  /** Bytes of all streams together. */
  maxTotalBytes?: number
}

interface Stream {
  readonly kept: KeptStream
  events: { number: number, bytes: number, event: StreamEvent }[]
  bytes: number
  /** The number of the last message; -1 before the first. */
  last: number
  ended: boolean
  usedAt: number
}

const sweepMs = 30_000
/** What a stream and a message cost beside their text, about. */
const streamBytes = 400
const eventBytes = 100
const defaultTotalBytes = 64 * 1024 * 1024

/** Streams in this process. Bounded in all, too: the stream that was silent for longest goes first. */
export function createStreamLogMemory ({ clock, maxTotalBytes = defaultTotalBytes, ...given }: StreamLogMemoryOptions): StreamLog {
  const bounds: StreamLogBounds = { ...defaultStreamLogBounds, ...given }
  const sessions = new Map<string, Map<string, Stream>>()
  // Those used last stand last.
  const order = new Set<Stream>()
  let total = 0
  const sweeper = setInterval(sweep, sweepMs)
  sweeper.unref()

  function sweep (): void {
    const oldest = clock.now() - bounds.keepMs
    for (const stream of order) {
      if (stream.usedAt >= oldest && total <= maxTotalBytes) return
      drop(stream)
    }
  }

  function drop (stream: Stream): void {
    order.delete(stream)
    total -= weightOf(stream)
    const { sessionId, id } = stream.kept
    const streams = sessions.get(sessionId)
    streams?.delete(id)
    if (streams?.size === 0) sessions.delete(sessionId)
  }

  function find (sessionId: string, streamId: string): Stream | undefined {
    const stream = sessions.get(sessionId)?.get(streamId)
    if (stream === undefined || stream.usedAt >= clock.now() - bounds.keepMs) return stream
    drop(stream)
    return undefined
  }

  function use (kept: KeptStream): Stream {
    const { sessionId, id } = kept
    const stream = find(sessionId, id) ?? begin(kept)
    stream.usedAt = clock.now()
    order.delete(stream)
    order.add(stream)
    const streams = sessions.get(sessionId) ?? new Map<string, Stream>()
    sessions.set(sessionId, streams)
    // Set anew, so that here too those used last stand last.
    streams.delete(id)
    streams.set(id, stream)
    const [oldest] = streams.values()
    if (streams.size > bounds.maxStreams && oldest !== undefined) drop(oldest)
    return stream
  }

  function begin (kept: KeptStream): Stream {
    const stream: Stream = { kept, events: [], bytes: 0, last: -1, ended: false, usedAt: 0 }
    total += weightOf(stream)
    return stream
  }

  function trim (stream: Stream): void {
    let gone = 0
    for (const kept of stream.events) {
      if (stream.events.length - gone <= bounds.maxEvents && stream.bytes <= bounds.maxBytes) break
      gone++
      stream.bytes -= kept.bytes
    }
    stream.events.splice(0, gone)
  }

  function push (stream: Stream, number: number, event: StreamEvent): void {
    const before = weightOf(stream)
    if (isGap(stream.last, number)) Object.assign(stream, { events: [], bytes: 0 })
    const bytes = Buffer.byteLength(event.message)
    stream.events.push({ number, bytes, event })
    stream.bytes += bytes
    stream.last = number
    trim(stream)
    total += weightOf(stream) - before
    if (total > maxTotalBytes) sweep()
  }

  function take (kept: KeptStream, event: StreamEvent): boolean {
    const number = numberIn(kept.id, event.id)
    if (find(kept.sessionId, kept.id)?.ended === true) return false
    const stream = use(kept)
    if (number > stream.last) push(stream, number, event) // Else it was told already.
    return true
  }

  return {
    append (kept, event) { return take(kept, event) },
    end (kept, event) {
      const isTaken = event === undefined ? find(kept.sessionId, kept.id)?.ended !== true : take(kept, event)
      if (isTaken) use(kept).ended = true
      return isTaken
    },
    after (sessionId, eventId) {
      const parts = splitEventId(eventId)
      const stream = parts === undefined ? undefined : find(sessionId, parts.streamId)
      if (parts === undefined || stream === undefined) return undefined
      const { kept, last, ended } = stream
      return { stream: kept, events: stream.events.filter(({ number }) => number > parts.number).map(({ event }) => event), last, ended }
    },
    renew (_writer, silent) {
      for (const { sessionId, id } of silent) {
        const stream = find(sessionId, id)
        if (stream !== undefined) use(stream.kept)
      }
    },
    state ({ sessionId, id }) {
      const { last = -1, ended = false } = find(sessionId, id) ?? {}
      return { last, ended, isWriterPresent: true }
    },
    conclude (kept, { message, after, isAbandoned }) {
      const stream = find(kept.sessionId, kept.id)
      if (!isAbandoned || stream === undefined || stream.ended) return
      const number = Math.max(stream.last, after) + 1
      // What may be missing before it is what this end stands for: no gap.
      stream.last = number - 1
      push(use(kept), number, { id: `${kept.id}.${number}`, message })
      stream.ended = true
    },
    forget (sessionId) {
      for (const stream of [...sessions.get(sessionId)?.values() ?? []]) drop(stream)
    },
    close () {
      clearInterval(sweeper)
      sessions.clear()
      order.clear()
      total = 0
    }
  }
}

function weightOf ({ events, bytes }: Stream): number {
  return streamBytes + eventBytes * events.length + bytes
}
