import type { Clock } from '../core/ports.ts'
import type { StreamEvent, StreamLog } from '../core/stream-log.ts'
import { defaultStreamLogBounds, isGap, numberIn, splitEventId, type StreamLogBounds } from './stream-log-bounds.ts'

export interface StreamLogMemoryOptions extends Partial<StreamLogBounds> {
  clock: Clock
  /** Bytes of all streams together. */
  maxTotalBytes?: number
}

interface Stream {
  readonly sessionId: string
  readonly streamId: string
  events: { number: number, bytes: number, event: StreamEvent }[]
  bytes: number
  /** The number of the last message; -1 before the first. */
  last: number
  /** Messages up to this number are kept no more. */
  missing: number
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
    const streams = sessions.get(stream.sessionId)
    streams?.delete(stream.streamId)
    if (streams?.size === 0) sessions.delete(stream.sessionId)
  }

  function find (sessionId: string, streamId: string): Stream | undefined {
    const stream = sessions.get(sessionId)?.get(streamId)
    if (stream === undefined || stream.usedAt >= clock.now() - bounds.keepMs) return stream
    drop(stream)
    return undefined
  }

  function use (sessionId: string, streamId: string): Stream {
    const stream = find(sessionId, streamId) ?? begin(sessionId, streamId)
    stream.usedAt = clock.now()
    order.delete(stream)
    order.add(stream)
    const streams = sessions.get(sessionId) ?? new Map<string, Stream>()
    sessions.set(sessionId, streams)
    // Set anew, so that here too those used last stand last.
    streams.delete(streamId)
    streams.set(streamId, stream)
    const [oldest] = streams.values()
    if (streams.size > bounds.maxStreams && oldest !== undefined) drop(oldest)
    return stream
  }

  function begin (sessionId: string, streamId: string): Stream {
    const stream: Stream = { sessionId, streamId, events: [], bytes: 0, last: -1, missing: -1, ended: false, usedAt: 0 }
    total += weightOf(stream)
    return stream
  }

  function trim (stream: Stream): void {
    let gone = 0
    for (const kept of stream.events) {
      if (stream.events.length - gone <= bounds.maxEvents && stream.bytes <= bounds.maxBytes) break
      gone++
      stream.bytes -= kept.bytes
      stream.missing = kept.number
    }
    stream.events.splice(0, gone)
  }

  return {
    append (sessionId, streamId, event) {
      const number = numberIn(streamId, event.id)
      const stream = use(sessionId, streamId)
      if (number <= stream.last) return // Told already.
      const before = weightOf(stream)
      if (isGap(stream.last, number)) Object.assign(stream, { events: [], bytes: 0, missing: number - 1 })
      const bytes = Buffer.byteLength(event.message)
      stream.events.push({ number, bytes, event })
      stream.bytes += bytes
      stream.last = number
      trim(stream)
      total += weightOf(stream) - before
      if (total > maxTotalBytes) sweep()
    },
    end (sessionId, streamId) { use(sessionId, streamId).ended = true },
    after (sessionId, eventId) {
      const parts = splitEventId(eventId)
      const stream = parts === undefined ? undefined : find(sessionId, parts.streamId)
      if (parts === undefined || stream === undefined || parts.number < stream.missing) return undefined
      return { streamId: stream.streamId, events: stream.events.filter(({ number }) => number > parts.number).map(({ event }) => event), ended: stream.ended }
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
