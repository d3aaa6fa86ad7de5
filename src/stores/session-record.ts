import { isLogLevel } from '../core/dispatcher.ts'
import { InvalidParamsError } from '../core/errors.ts'
import { isObject } from '../core/json-rpc.ts'
import { anonymous } from '../core/principals.ts'
import type { JsonObject, LogLevel } from '../core/ports.ts'
import type { SessionRecord } from '../core/session.ts'
import { isRevision, type Revision } from '../core/versions.ts'

/** What session stores have in common: how a session is written, how it is handed out, and what changed in it when it comes back. */

export interface SessionLimits {
  /** Sessions in all. */
  maxSessions: number
  /** Sessions of one named principal. */
  maxSessionsPerPrincipal: number
  idleTimeoutMs: number
}

/** The part of a session that changes. */
export type SessionState = Pick<SessionRecord, 'logLevel' | 'subscriptions' | 'streamId'>

/** What is different in a session since it was handed out. */
export interface SessionChanges {
  logLevel?: LogLevel
  /** Null where there is none any more. */
  streamId?: string | null
  subscribed: readonly string[]
  unsubscribed: readonly string[]
}

/** What a client declares decides the size, so there is a bound; those in use stay below a tenth of it. */
const maxFixedLength = 4096
const maxSubscriptionsLength = 8192

/** The part of a session that never changes, as text. Throws InvalidParamsError when the client declared too much to be kept. */
export function writeFixed ({ id, revision, principal, clientCapabilities, clientName }: SessionRecord): string {
  const text = JSON.stringify({ id, revision, principal, clientCapabilities, clientName })
  if (text.length > maxFixedLength) throw new InvalidParamsError(`What the client says of itself is too long to be kept: as JSON it may have ${maxFixedLength} characters, not ${text.length}.`)
  return text
}

/** A session as stores hand it out: it knows what it was. */
export class KeptSession implements SessionRecord {
  readonly id: string
  readonly revision: Revision
  readonly principal: string
  readonly clientCapabilities: JsonObject
  readonly clientName: string | undefined
  logLevel: LogLevel
  subscriptions: readonly string[]
  streamId: string | undefined
  #known: SessionState

  constructor ({ id, revision, principal, clientCapabilities, clientName }: Omit<SessionRecord, keyof SessionState>, state: SessionState) {
    this.id = id
    this.revision = revision
    this.principal = principal
    this.clientCapabilities = clientCapabilities
    this.clientName = clientName
    this.logLevel = state.logLevel
    this.subscriptions = state.subscriptions
    this.streamId = state.streamId
    this.#known = state
  }

  /** What changed since this was asked last, or since the session was handed out. Throws InvalidParamsError, and undoes it, when it is too much to be kept. */
  takeChanges (): SessionChanges {
    const known = this.#known
    try {
      const changes = {
        ...(this.logLevel !== known.logLevel && { logLevel: this.logLevel }),
        ...(this.streamId !== known.streamId && { streamId: this.streamId ?? null }),
        ...changesOf(known.subscriptions, this.subscriptions)
      }
      this.#known = { logLevel: this.logLevel, subscriptions: this.subscriptions, streamId: this.streamId }
      return changes
    } catch (error) {
      this.subscriptions = known.subscriptions
      throw error
    }
  }
}

/** What to write of a session that comes back. One that no store handed out is taken as it is, as far as it goes. */
export function takeChanges (record: SessionRecord): SessionChanges {
  if (record instanceof KeptSession) return record.takeChanges()
  const { logLevel, subscriptions, streamId } = record
  return { logLevel, streamId: streamId ?? null, ...changesOf([], subscriptions) }
}

function changesOf (before: readonly string[], after: readonly string[]): Pick<SessionChanges, 'subscribed' | 'unsubscribed'> {
  if (before === after) return { subscribed: [], unsubscribed: [] }
  const subscribed = after.filter((uri) => !before.includes(uri))
  const length = after.reduce((sum, uri) => sum + uri.length, 0)
  if (subscribed.length > 0 && length > maxSubscriptionsLength) {
    throw new InvalidParamsError(`This session has too many subscriptions: their URIs may have ${maxSubscriptionsLength} characters together, not ${length}.`)
  }
  return { subscribed, unsubscribed: before.filter((uri) => !after.includes(uri)) }
}

/** Reads what `writeFixed` wrote. Undefined for anything else. */
export function readSession (text: string, state: { logLevel: unknown, subscriptions: readonly string[], streamId: string | undefined }): SessionRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // Somebody else wrote it.
  }
  if (!isObject(value) || !isLogLevel(state.logLevel)) return undefined
  const { id, revision, principal, clientCapabilities, clientName } = value
  if (typeof id !== 'string' || typeof revision !== 'string' || !isRevision(revision) || typeof principal !== 'string' || !isObject(clientCapabilities)) return undefined
  const fixed = { id, revision, principal, clientCapabilities, clientName: typeof clientName === 'string' ? clientName : undefined }
  return new KeptSession(fixed, { logLevel: state.logLevel, subscriptions: state.subscriptions, streamId: state.streamId })
}

/** Whether sessions of this principal are counted by themselves. The anonymous are many callers under one name. */
export function isCounted (principal: string): boolean {
  return principal !== anonymous.name
}
