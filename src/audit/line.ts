import { hash } from 'node:crypto'
import { ascii } from '../core/ascii.ts'
import type { AuditedArguments, AuditEvent, AuditSource, AuditSubject } from '../core/audit-event.ts'

/**
 * An event as the members of a JSON object. By hand, since most of it needs no escape and every call pays for it. All of it is ASCII:
 * whatever reads the line breaks it nowhere and shows nothing in it that a client could hide, and its length is its size.
 */

/** What is longer is cut, and ends in an ellipsis. */
const maxLength = { name: 256, uri: 1024, path: 512, client: 128, word: 128 } as const

/** Takes secrets out of what a client sent. */
export type Redact = (text: string) => string

/** The members of an event, without those of the chain. `time` is milliseconds since the epoch. */
export function writeMembers (event: AuditEvent, time: number, redact: Redact): string {
  const { event: name, outcome, code, durationMs, source, subject, arguments: args, facts } = event
  let text = `"time":"${timeText(time)}","event":"${name}","outcome":"${outcome}"`
  if (code !== undefined) text += `,"code":"${code}"`
  if (durationMs !== undefined) text += `,"durationMs":${Math.round(durationMs * 1_000) / 1_000}`
  if (source !== undefined) text += sourceText(source, redact)
  if (subject !== undefined) text += subjectText(subject, redact)
  if (args !== undefined) text += argumentsText(args)
  for (const key in facts) text += `,"${key}":${ascii(JSON.stringify(facts[key]))}`
  return text
}

function sourceText ({ principal, door, address, requestId, sessionId, revision, clientName }: AuditSource, redact: Redact): string {
  let text = ''
  if (principal !== undefined) text += `,"principal":${quoted(principal.name, maxLength.word)},"principalKind":"${principal.kind}"`
  if (door !== undefined) text += `,"door":"${door}"`
  if (address !== undefined) text += `,"address":${quoted(address, maxLength.word)}`
  if (requestId !== undefined) text += `,"requestId":${quoted(requestId, maxLength.word)}`
  if (sessionId !== undefined) text += `,"session":"${traceOf(sessionId)}"`
  // Plain HTTP has no revision: what it is served as says nothing of its caller.
  if (revision !== undefined && door !== 'rest') text += `,"revision":"${revision}"`
  if (clientName !== undefined) text += `,"client":${quoted(redact(clientName), maxLength.client)}`
  return text
}

function subjectText ({ name, uri, within, task, method, verb, path, permission }: AuditSubject, redact: Redact): string {
  let text = ''
  if (name !== undefined) text += `,"name":${quoted(redact(name), maxLength.name)}`
  if (uri !== undefined) text += `,"uri":${quoted(redact(uri), maxLength.uri)}`
  if (within !== undefined) text += `,"within":${quoted(within, maxLength.name)}`
  if (task !== undefined) text += `,"task":"${traceOf(task)}"`
  if (method !== undefined) text += `,"method":${quoted(redact(method), maxLength.word)}`
  if (verb !== undefined) text += `,"verb":${quoted(verb, maxLength.word)}`
  if (path !== undefined) text += `,"path":${quoted(redact(path), maxLength.path)}`
  if (permission !== undefined) text += `,"permission":${quoted(redact(permission), maxLength.uri)}`
  return text
}

function argumentsText ({ digest, text, omittedBytes }: AuditedArguments): string {
  return `,"argumentsDigest":"${digest}"${text === undefined ? '' : `,"arguments":${text}`}${omittedBytes === undefined ? '' : `,"argumentsOmitted":${omittedBytes}`}`
}

const traces = new Map<string, string>()
const maxTraces = 1_000

/** Who knows the id of a session or a task could use it: a trace of it tells the lines of one from those of another. */
function traceOf (id: string): string {
  let trace = traces.get(id)
  if (trace === undefined) {
    trace = hash('sha256', id, 'hex').slice(0, 16)
    if (traces.size >= maxTraces) traces.clear()
    traces.set(id, trace)
  }
  return trace
}

function quoted (text: string, length: number): string {
  return ascii(JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text))
}

let lastTime = NaN
let lastTimeText = ''

/** Many lines have the same time. */
function timeText (time: number): string {
  if (time !== lastTime) {
    lastTime = time
    lastTimeText = new Date(time).toISOString()
  }
  return lastTimeText
}
