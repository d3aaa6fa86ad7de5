import type { AuditEventName } from '../../schemas/audit.ts'
import type { Door } from './exchange.ts'
import type { Outcome } from './outcome.ts'
import type { JsonObject, Principal } from './ports.ts'
import type { Revision } from './versions.ts'

/** Who asked, over what and from where, as far as that is known. An exchange says all of it. */
export interface AuditSource {
  readonly requestId?: string | undefined
  readonly principal?: Principal | undefined
  readonly door?: Door | undefined
  readonly address?: string | undefined
  readonly sessionId?: string | undefined
  readonly revision?: Revision | undefined
  readonly clientName?: string | undefined
}

/** What was asked for. */
export interface AuditSubject {
  readonly name?: string | undefined
  readonly uri?: string | undefined
  /** The tool or prompt whose call read this resource. */
  readonly within?: string | undefined
  /** The id of a task. */
  readonly task?: string | undefined
  /** The JSON-RPC method, where the event does not say it. */
  readonly method?: string | undefined
  /** The HTTP method and the path, of what was refused on its way. */
  readonly verb?: string | undefined
  readonly path?: string | undefined
  /** The permission that was missing. */
  readonly permission?: string | undefined
}

/** What is kept of the arguments of a call. */
export interface AuditedArguments {
  readonly digest: string
  /** The arguments as JSON in ASCII, where they are asked for. */
  readonly text?: string
  /** The size of arguments that are too large to be kept. */
  readonly omittedBytes?: number
}

export interface AuditEvent {
  readonly event: AuditEventName
  readonly outcome: Outcome
  /** The permanent code of the error. */
  readonly code?: string | undefined
  readonly durationMs?: number | undefined
  readonly source?: AuditSource | undefined
  readonly subject?: AuditSubject | undefined
  readonly arguments?: AuditedArguments | undefined
  /** What only this event says. */
  readonly facts?: Readonly<Record<string, string | number>> | undefined
}

/** Where events are written. */
export interface AuditSink {
  /** Whether events of this name are recorded at all. Never changes. */
  records (event: AuditEventName): boolean
  /** Asked before something is done that has to be recorded. Throws AuditUnavailableError when it could not be and may not happen then. */
  admit (): void
  /** Digests arguments as they are now: a handler may change them. */
  digest (args: JsonObject): AuditedArguments
  /** On return the line is written, or is one that may be missing. Throws AuditUnavailableError when it is neither. */
  record (event: AuditEvent): void
  /** The same for what did not happen: its line may be missing, and is counted then. Never throws. */
  note (event: AuditEvent): void
}
