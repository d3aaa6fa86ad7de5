import type { MaybePromise } from './session.ts'

/** One message on a stream of the 2025 era, as it can be sent again. Ids are unique in the session and name their stream. */
export interface StreamEvent {
  /** `<stream>.<number>`, counted up by the one instance that writes the stream. */
  readonly id: string
  readonly message: string
}

export interface StreamTail {
  readonly streamId: string
  readonly events: readonly StreamEvent[]
  /** Nothing more will come. */
  readonly ended: boolean
}

/**
 * The messages of streams, kept for a while so that a client that lost its connection can have the rest, from any instance.
 * 2025-11-25 basic/transports, Resumability and Redelivery. Bounded: a stream keeps its latest messages only, and all end with time.
 */
export interface StreamLog {
  append (sessionId: string, streamId: string, event: StreamEvent): MaybePromise<void>
  /** Notes that nothing more will come on the stream. */
  end (sessionId: string, streamId: string): MaybePromise<void>
  /** What came after an event. Undefined when the event is not known in this session, or what followed it is kept no more. */
  after (sessionId: string, eventId: string): MaybePromise<StreamTail | undefined>
  /** Forgets all streams of a session. */
  forget (sessionId: string): MaybePromise<void>
  close (): MaybePromise<void>
}

/** The stream that an event id names. */
export function streamOf (eventId: string): string | undefined {
  const match = /^([A-Za-z0-9-]{1,64})\.(\d{1,10})$/.exec(eventId)
  return match?.[1]
}
