import { EgressRefusedError, ToolFailedError, ToolTimeoutError, UpstreamBusyError, UpstreamFailingError, type ToolCallError } from '../../core/call-errors.ts'
import { GateFull } from '../../core/gate.ts'
import { CircuitOpen } from './breaker.ts'
import { EgressRefusal } from './egress.ts'
import { AttemptTimeout, UnusableAnswer, type Answer, type TimedPart } from './exchange.ts'
import { isJsonType, mediaType } from './media-type.ts'
import type { Redaction } from './redaction.ts'
import type { OutgoingRequest } from './request.ts'
import { errorText } from './text.ts'

const maxExcerpt = 500
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before the answer was complete',
  EPIPE: 'the connection was closed before the answer was complete',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is shorter than it said',
  UND_ERR_CONNECT_TIMEOUT: 'no connection could be made in time',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too large',
  UND_ERR_DESTROYED: 'Gantry is shutting down',
  UND_ERR_CLOSED: 'Gantry is shutting down',
  ETIMEDOUT: 'no connection could be made in time',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the host cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up'
}

const timedParts: Readonly<Record<TimedPart, string>> = { whole: '', headers: 'the headers of the answer to ', body: 'the body of the answer to ' }

/**
 * How messages name a request: method and origin. Path, query and headers may hold secrets that came from the environment,
 * and a message goes to a model.
 */
export function nameOf ({ method, origin }: Pick<OutgoingRequest, 'method' | 'origin'>): string {
  return `${method} ${origin}`
}

/** The error for a request without a usable answer; `attempts` says how often it was sent. */
export function connectionFailure (owner: string, request: OutgoingRequest, error: unknown, attempts: number): ToolCallError {
  const times = attempts > 1 ? ` (${attempts} attempts)` : ''
  if (error instanceof AttemptTimeout) return new ToolTimeoutError(`${owner}: ${timedParts[error.part]}${nameOf(request)}${times}`, error.timeoutMs)
  if (error instanceof CircuitOpen) return new UpstreamFailingError(`${owner}: ${nameOf(request)}`, Math.ceil(error.waitMs / 1000))
  if (error instanceof GateFull) return new UpstreamBusyError(`${owner}: ${nameOf(request)}`)
  if (error instanceof EgressRefusal) return new EgressRefusedError(`${owner}: ${nameOf(request)}`, { cause: error })
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const reason = error instanceof UnusableAnswer ? error.message : reasons[code] ?? protocolReason(error, code)
  return new ToolFailedError(`${owner}: ${nameOf(request)} failed${times}: ${reason}.`, { cause: error })
}

/** The error for a status that is no success. Says nothing of what was sent; `hide` takes out what the upstream echoes of it. */
export function statusFailure (owner: string, request: OutgoingRequest, answer: Answer, attempts: number, hide: Redaction): ToolCallError {
  const times = attempts > 1 ? ` (${attempts} attempts)` : ''
  const excerpt = answer.status < 400 ? redirectText(request, answer) : bodyExcerpt(answer, hide)
  const retryAfter = answer.headers['retry-after']
  const later = (answer.status === 429 || answer.status === 503) && typeof retryAfter === 'string' ? ` Retry-After: ${oneLine(retryAfter).slice(0, 40)}.` : ''
  return new ToolFailedError(`${owner}: ${nameOf(request)} answered ${answer.status}${times}${excerpt}${later}`, { data: { upstreamStatus: answer.status } })
}

function protocolReason (error: unknown, code: string): string {
  // undici's parser gives some of its errors a code and some only a name.
  if (code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')) return 'the answer is not valid HTTP'
  if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return `the TLS certificate or connection was not accepted (${code})`
  return code === '' ? 'the request could not be completed' : `the request could not be completed (${code})`
}

function redirectText ({ origin }: OutgoingRequest, { headers }: Answer): string {
  const location = headers['location']
  if (typeof location !== 'string' || !URL.canParse(location, origin)) return '. Redirects are not followed.'
  return `, a redirect to ${new URL(location, origin).host.slice(0, 255)}. Redirects are not followed: put the final URL into the handler.`
}

function bodyExcerpt ({ headers, body }: Answer, hide: Redaction): string {
  const contentType = String(headers['content-type'] ?? '')
  const text = errorText(body, contentType)
  const message = isJsonType(mediaType(contentType)) ? pickMessage(text) ?? text : text
  const shown = oneLine(hide(message))
  if (shown === '') return '.'
  // A cut must not leave half of a surrogate pair.
  return `: ${shown.length > maxExcerpt ? `${shown.slice(0, maxExcerpt - 1).replace(/[\ud800-\udbff]$/, '')}…` : shown}`
}

/** The text that an API gives as its message: RFC 9457 (`detail`, `title`), OAuth, and the usual `message` and `error`. */
function pickMessage (text: string): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined // A cut or broken body is shown as it is.
  }
  for (const key of ['message', 'error_description', 'detail', 'error', 'title']) {
    const value = own(parsed, key)
    const message = typeof value === 'object' ? own(value, 'message') : value
    if (typeof message === 'string' && message !== '') return message
  }
  return undefined
}

function own (value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function oneLine (text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
