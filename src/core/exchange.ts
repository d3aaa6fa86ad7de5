import type { GantryError } from './errors.ts'
import type { Inquiry } from './inquiry.ts'
import type { RequestId } from './json-rpc.ts'
import type { Failure } from './outcome.ts'
import type { TaskLane } from './tasks/lane.ts'
import type { Revision } from './versions.ts'
import type { JsonObject, Logger, LogLevel, Principal } from './ports.ts'

/** Severities of RFC 5424, least severe first. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/** The way that a request came in. */
export type Door = 'mcp' | 'rest' | 'sse' | 'stdio'

/** Who sent a request, over what, in which revision: all that a request has before it reaches a tool. One adapter makes it. */
export interface Exchange {
  /** Identifies the request in the logs; not the JSON-RPC id. */
  readonly requestId: string
  readonly revision: Revision
  readonly principal: Principal
  readonly door: Door
  /** Where it came from; undefined where that is no network. */
  readonly address?: string | undefined
  readonly logger: Logger
  readonly sessionId: string | undefined
  /** The JSON-RPC id; undefined over REST. */
  readonly rpcId: RequestId | undefined
  /** Reads a request header, where headers are held against the body (2026 era over HTTP). */
  readonly header?: ((name: string) => string | undefined) | undefined
  /** Whether notifications reach the client before the answer. */
  readonly streaming: boolean
  readonly clientCapabilities: JsonObject
  /** What the client calls itself, where it does. Decides nothing. */
  readonly clientName?: string | undefined
  /** The least severe log message that the client wants of this request; undefined for none at all. */
  readonly logLevel: LogLevel | undefined
  readonly traceparent: string | undefined
  /** Sends a notification that belongs to this request, on its own stream. Does nothing where the client cannot take one. */
  notify (method: string, params: JsonObject): void
  /** What a later cancel notification of this client would name; undefined where none can come. */
  readonly cancelKey: string | undefined
  /** Keeps which resources the session is told about. Absent where nothing could be told. */
  readonly watch?: ((uri: string, wanted: boolean) => void | Promise<void>) | undefined
  /** Keeps the level for the session's later requests. Absent where there is no session. */
  readonly setLogLevel?: ((level: LogLevel) => void | Promise<void>) | undefined
  /** Sends a request to the client and waits for its answer (2025 era). Absent where there is no way to. */
  readonly ask?: ((inquiry: Inquiry, timeoutMs: number, signal: AbortSignal) => Promise<unknown>) | undefined
  /** The task that a call may become. Absent where the client takes none, or the tool has none. */
  readonly task?: TaskLane | undefined
  /**
   * Present where a call is run for several callers: told when it turns to its client, or to what its caller may read. Where that makes it
   * the call of one, gives what it ends with.
   */
  readonly becomeOwn?: ((by: 'client' | 'rights') => Error | undefined) | undefined
  /** What the caller is told in the place of an error, so that it learns what it lacks. Absent where there is no way to say it. */
  stepUp? (error: GantryError): GantryError
  /** Lets go of the connection until the client comes back for the rest. Absent where it could not. */
  suspend? (retryMs: number): void
  /** Told what the request comes to, where that is no success: for the access log. Absent where nobody asks. */
  failed? (failure: Failure): void
  /** Calls back once if the client goes away before the answer, in the eras where that means cancel. */
  onDisconnect? (gone: () => void): void
}
