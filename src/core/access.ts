import { ascii } from './ascii.ts'
import type { Door } from './exchange.ts'
import { isObject } from './json-rpc.ts'
import type { Outcome } from './outcome.ts'
import type { Revision } from './versions.ts'

/** What the access log says of one request, as far as that is known: of an HTTP request, or of a message on a line. */
export interface Access {
  readonly requestId?: string | undefined
  readonly door?: Door | undefined
  readonly address?: string | undefined
  /** The caller's name. */
  readonly principal?: string | undefined
  /** The HTTP method, and the path that it was routed by. */
  readonly verb?: string | undefined
  readonly route?: string | undefined
  /** Of HTTP. Undefined where nothing was answered. */
  readonly status?: number | undefined
  readonly revision?: Revision | undefined
  /** The method of MCP. */
  readonly method?: string | undefined
  readonly tool?: string | undefined
  readonly outcome: Outcome
  readonly code?: string | undefined
  readonly durationMs: number
  readonly traceparent?: string | undefined
}

/** Where accesses are written. */
export interface AccessLog {
  /** Whether any would be written now. */
  readonly isOn: boolean
  /** Never throws. */
  write (access: Access): void
}

/** Longer texts of clients are cut, and end in an ellipsis. */
const maxLength = 128
/** Characters that JSON has no escapes for, all of them seen. */
const plain = /^[ !#-[\]-~]*$/
/** Where the trace id stands in a traceparent: W3C Trace Context section 3.2.2. */
const traceStart = 3
const traceEnd = 35

/** An access as the members of a JSON object. By hand, since most of it needs no escape and every request pays for it. All of it is ASCII. */
export function accessText ({ requestId, door, address, principal, verb, route, status, revision, method, tool, outcome, code, durationMs, traceparent }: Access): string {
  let text = `"outcome":"${outcome}","durationMs":${Math.round(durationMs * 1_000) / 1_000}`
  if (requestId !== undefined) text += `,"requestId":"${requestId}"`
  if (door !== undefined) text += `,"door":"${door}"`
  if (verb !== undefined) text += `,"method":"${verb}"`
  if (route !== undefined) text += `,"route":${quoted(route)}`
  if (status !== undefined) text += `,"status":${status}`
  if (method !== undefined) text += `,"rpcMethod":${quoted(method)}`
  if (tool !== undefined) text += `,"tool":${quoted(tool)}`
  // Plain HTTP has no revision: what it is served as says nothing of its caller.
  if (revision !== undefined && door !== 'rest') text += `,"revision":"${revision}"`
  if (principal !== undefined) text += `,"principal":${quoted(principal)}`
  if (address !== undefined) text += `,"address":${quoted(address)}`
  if (code !== undefined) text += `,"code":"${code}"`
  if (traceparent !== undefined) text += `,"traceId":"${traceparent.slice(traceStart, traceEnd)}"`
  return text
}

function quoted (text: string): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return plain.test(shown) ? `"${shown}"` : ascii(JSON.stringify(shown))
}

/** What a message of MCP asks for, as far as it can be read. */
export function askedOf (message: unknown): { method?: string, tool?: string } {
  if (!isObject(message)) return {}
  const { method, params } = message
  if (typeof method !== 'string') return {}
  const name = method === 'tools/call' && isObject(params) ? params['name'] : undefined
  return typeof name === 'string' ? { method, tool: name } : { method }
}
