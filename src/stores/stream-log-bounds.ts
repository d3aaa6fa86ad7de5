import { splitEventId, streamKeepMs } from '../core/stream-log.ts'

/** How much of the streams is kept. */
export interface StreamLogBounds {
  /** Messages of one stream. */
  maxEvents: number
  /** Bytes of the messages of one stream. */
  maxBytes: number
  /** Streams of one session; the one that was silent for longest goes first. */
  maxStreams: number
  /** How long a stream is kept after its last message, or after its writer has named it. */
  keepMs: number
}

export const defaultStreamLogBounds: StreamLogBounds = { maxEvents: 200, maxBytes: 1024 * 1024, maxStreams: 100, keepMs: streamKeepMs }

/** The number in the id of an event of a stream. Throws where a caller mixed up its streams. */
export function numberIn (streamId: string, eventId: string): number {
  const parts = splitEventId(eventId)
  if (parts === undefined || parts.streamId !== streamId) throw new Error(`${eventId} is not the id of an event of the stream ${streamId}.`)
  return parts.number
}

/**
 * Whether messages are missing between the last one and a new one. A stream begins with 0 or 1 and goes on without gaps; one that seems to
 * begin later was known before and forgotten, one with a gap could not be kept for a while.
 */
export function isGap (last: number, number: number): boolean {
  return number > Math.max(last, 0) + 1
}
