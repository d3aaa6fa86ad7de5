import type { RequestId } from './json-rpc.ts'
import type { MaybePromise } from './session.ts'

/** A stream of the 2025 era, as all instances know it. */
export interface KeptStream {
  readonly sessionId: string
  readonly id: string
  /** The instance that writes it. */
  readonly writer: string
  /** The request that it answers. */
  readonly requestId: RequestId
}

/** One message on a stream, as it can be sent again. Ids are unique in the session and name their stream. */
export interface StreamEvent {
  /** `<stream>.<number>`, counted up by the one instance that writes the stream. */
  readonly id: string
  readonly message: string
}

export interface StreamTail {
  readonly stream: KeptStream
  /** Those that are still kept: of a stream with too many, or too large ones, the latest. */
  readonly events: readonly StreamEvent[]
  /** The number of the last message, whether it is kept or not. */
  readonly last: number
  /** Nothing more will come. */
  readonly ended: boolean
}

/** How a stream stands, without its messages. */
export interface StreamState {
  /** The number of the last message that was kept; -1 where none is known. */
  readonly last: number
  readonly ended: boolean
  /** Whether its writer has said within the last `presenceMs` that it is there. */
  readonly isWriterPresent: boolean
}

/** The end that is given to a stream in the place of its writer. */
export interface StreamConclusion {
  readonly message: string
  /** Its number is above this one, which a client has seen, and above all that were kept. */
  readonly after: number
  /** The writer itself says that it will not write the end. */
  readonly isAbandoned: boolean
}

/**
 * The messages of streams, kept for a while so that a client that lost its connection can have the rest, from any instance.
 * 2025-11-25 basic/transports, Resumability and Redelivery. Bounded: a stream keeps its latest messages only, and all end with time.
 * What can happen to a stream once only, its end, happens in one step here: who comes first has it.
 */
export interface StreamLog {
  /** Keeps a message. False when the stream was concluded: its writer was taken for gone and has to be silent. */
  append (stream: KeptStream, event: StreamEvent): MaybePromise<boolean>
  /** Keeps the last message, if there is one, and notes that nothing more will come. False when the stream was concluded. */
  end (stream: KeptStream, event: StreamEvent | undefined): MaybePromise<boolean>
  /** What came after an event. Undefined when its stream is not known in this session, or is kept no more. */
  after (sessionId: string, eventId: string): MaybePromise<StreamTail | undefined>
  /** Says that an instance is there and goes on with its streams. The first message of a stream says so, too. Those named are kept on. */
  renew (writer: string, silent: readonly KeptStream[]): MaybePromise<void>
  state (stream: KeptStream): MaybePromise<StreamState>
  /** Ends a stream in the place of its writer, unless it has ended, is forgotten, or its writer is present and has not abandoned it. */
  conclude (stream: KeptStream, conclusion: StreamConclusion): MaybePromise<void>
  /** Forgets all streams of a session. */
  forget (sessionId: string): MaybePromise<void>
  close (): MaybePromise<void>
}

/** How long a stream is kept after its last message, or after its writer has named it. */
export const streamKeepMs = 300_000

/** How long an instance that is silent is taken to be there. */
export const presenceMs = 10_000

/** An id in its parts. Undefined when it is not of the form `<stream>.<number>`. */
export function splitEventId (id: string): { streamId: string, number: number } | undefined {
  const match = /^([A-Za-z0-9-]{1,64})\.(0|[1-9]\d{0,9})$/.exec(id)
  return match?.[1] === undefined ? undefined : { streamId: match[1], number: Number(match[2]) }
}
