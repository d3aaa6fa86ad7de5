import { setTimeout as delay } from 'node:timers/promises'
import { AttemptTimeout, type Answer } from './exchange.ts'
import type { HttpMethod } from './spec.ts'

/** Time and chance, so that tests can hold them. */
export interface RetryTiming {
  /** Milliseconds that only grow. */
  now (): number
  /** From 0 up to, not including, 1. */
  random (): number
  /** Rejects with an AbortError when the signal is aborted. */
  wait (ms: number, signal: AbortSignal): Promise<unknown>
}

export const realTiming: RetryTiming = {
  now: () => performance.now(),
  random: Math.random,
  wait: (ms, signal) => delay(ms, undefined, { signal })
}

const firstBackoffMs = 200
const maxBackoffMs = 10_000
const idempotencyHeader = 'idempotency-key'
const transientStatus = new Set([429, 502, 503, 504])
// The request never reached the server, or the answer was lost on the way.
const transientCodes = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN',
  'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'
])

/** Idempotent by RFC 9110 section 9.2.2, or made so by an idempotency key that stays the same over all attempts. An empty one is none. */
export function isRepeatable (method: HttpMethod, headers: Readonly<Record<string, unknown>>): boolean {
  return (method !== 'POST' && method !== 'PATCH') || Object.entries(headers).some(([name, value]) => name.toLowerCase() === idempotencyHeader && String(value).trim() !== '')
}

export function isTransientAnswer ({ status }: Answer): boolean {
  return transientStatus.has(status)
}

export function isTransientError (error: unknown): boolean {
  return error instanceof AttemptTimeout || (error instanceof Error && 'code' in error && transientCodes.has(String(error.code)))
}

/**
 * Milliseconds before the next attempt: what Retry-After asks for (RFC 9110 section 10.2.3), else a random part of a
 * time that doubles with each attempt, so that many callers do not come back at once.
 */
export function retryDelay (attempt: number, retryAfter: unknown, random: () => number, wallClockMs = Date.now()): number {
  return parseRetryAfter(retryAfter, wallClockMs) ?? Math.floor(random() * Math.min(maxBackoffMs, firstBackoffMs * 2 ** attempt))
}

function parseRetryAfter (value: unknown, wallClockMs: number): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000
  // A date begins with its weekday (RFC 9110 section 5.6.7); Date.parse makes dates of numbers, too.
  const moment = /^\s*[A-Za-z]{3}/.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - wallClockMs)
}

/** How often, and how long, one call is tried. */
export interface RetryPlan {
  readonly retries: number
  /** When the whole call ends, on the timing's own clock: a wait that would reach it is not begun. */
  readonly deadline: number
  readonly timing: RetryTiming
  readonly signal: AbortSignal
}
/** The last attempt's outcome. */
export type Outcome = { readonly answer: Answer, readonly attempts: number } | { readonly error: unknown, readonly attempts: number }

/** Sends until there is an answer that a repeat would not change. Rejects only with the reason of the signal. */
export async function sendRepeatedly (send: () => Promise<Answer>, { retries, deadline, timing, signal }: RetryPlan): Promise<Outcome> {
  for (let attempt = 0; ; attempt++) {
    const outcome = await sendOnce(send, attempt + 1, signal)
    const transient = 'answer' in outcome ? isTransientAnswer(outcome.answer) : isTransientError(outcome.error)
    if (!transient || attempt >= retries) return outcome
    const retryAfter = 'answer' in outcome ? outcome.answer.headers['retry-after'] : undefined
    const ms = retryDelay(attempt, retryAfter, timing.random)
    if (timing.now() + ms >= deadline) return outcome
    try {
      await timing.wait(ms, signal)
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    }
  }
}

async function sendOnce (send: () => Promise<Answer>, attempts: number, signal: AbortSignal): Promise<Outcome> {
  try {
    return { answer: await send(), attempts }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { error, attempts }
  }
}
