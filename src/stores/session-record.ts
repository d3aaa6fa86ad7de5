import { isLogLevel } from '../core/dispatcher.ts'
import { InvalidParamsError } from '../core/errors.ts'
import { isObject } from '../core/json-rpc.ts'
import { anonymous } from '../core/principals.ts'
import type { SessionRecord } from '../core/session.ts'
import { isRevision } from '../core/versions.ts'

/** Sessions as text, which is the smallest form to keep them in and the one that Redis takes. */

export interface SessionLimits {
  /** Sessions in all. */
  maxSessions: number
  /** Sessions of one named principal. */
  maxSessionsPerPrincipal: number
  idleTimeoutMs: number
}

/** What a client declares decides the size, so there is a bound; those in use stay below a tenth of it. */
const maxRecordLength = 4096

/** The record as text. Throws InvalidParamsError when the client declared too much to be kept. */
export function writeRecord ({ id, revision, principal, clientCapabilities, clientName, logLevel }: SessionRecord): string {
  const text = JSON.stringify({ id, revision, principal, clientCapabilities, clientName, logLevel })
  if (text.length > maxRecordLength) throw new InvalidParamsError(`What the client says of itself is too long to be kept: as JSON it may have ${maxRecordLength} characters, not ${text.length}.`)
  return text
}

/** Reads what `writeRecord` wrote. Undefined for anything else. */
export function readRecord (text: string): SessionRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // Somebody else wrote it.
  }
  if (!isObject(value)) return undefined
  const { id, revision, principal, clientCapabilities, clientName, logLevel } = value
  if (typeof id !== 'string' || typeof revision !== 'string' || !isRevision(revision) || typeof principal !== 'string') return undefined
  if (!isObject(clientCapabilities) || !isLogLevel(logLevel)) return undefined
  return {
    id,
    revision,
    principal,
    clientCapabilities,
    clientName: typeof clientName === 'string' ? clientName : undefined,
    logLevel
  }
}

/** Whether sessions of this principal are counted by themselves. The anonymous are many callers under one name. */
export function isCounted (principal: string): boolean {
  return principal !== anonymous.name
}
