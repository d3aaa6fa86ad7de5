import type { FailureModes } from '../../schemas/config/limits.ts'
import type { Counter } from './counters.ts'
import { RateLimitedError } from './errors.ts'
import type { RateRule } from './limit-rules.ts'

/** What a limit is for: the whole server, one tool, one holder of a key (by its tier, by the key), one caller with a name, one address. */
export type LimitName = 'global' | 'tool' | 'tier' | 'key' | 'principal' | 'address'

/** A limit at work: a counter, and what has to be said of it. */
export interface Limit extends Counter {
  readonly name: LimitName
  /** The tool whose limit it is. */
  readonly tool: string | undefined
  /** What it is called in headers, as a string of RFC 9651. */
  readonly label: string
  /** Until when it is known to admit nothing; milliseconds since the epoch, 0 where nothing is known. */
  fullUntilMs: number
}

/** Under which key of `onStoreFailure` each stands. */
const modeKeys: Readonly<Record<LimitName, keyof FailureModes>> = {
  global: 'global', tool: 'perTool', tier: 'perApiKey', key: 'perApiKey', principal: 'perPrincipal', address: 'perAddress'
}

/** `who` sets it apart from others of its kind: the tool, the caller; empty where there is only one. */
export function createLimit (name: LimitName, who: string, { window, maxRequests }: RateRule, modes: FailureModes): Limit {
  const tool = name === 'tool' ? who : undefined
  return {
    id: who === '' ? name : `${name}:${who}`,
    name,
    tool,
    // Names of tools hold nothing that would have to be escaped.
    label: tool === undefined ? `"${name}"` : `"${name}:${tool}"`,
    windowMs: window,
    max: maxRequests,
    onStoreFailure: modes[modeKeys[name]],
    fullUntilMs: 0
  }
}

/** The error for what a limit does not admit. `waitMs` is Infinity for what it never will. */
export function refusalOf (limit: Limit, waitMs: number): RateLimitedError {
  const { name, windowMs, max } = limit
  const possible = Number.isFinite(waitMs)
  const retryAfterSeconds = Math.max(1, Math.ceil((possible ? waitMs : windowMs) / 1_000))
  const remedy = possible ? `Try again in ${retryAfterSeconds} s.` : 'Send fewer messages at once.'
  return new RateLimitedError(`${subjectOf(limit)} ${max} ${max === 1 ? unitOf(limit) : `${unitOf(limit)}s`} in ${timeText(windowMs)}. ${remedy}`, retryAfterSeconds, { data: { limit: name, retryAfterSeconds } })
}

/** Whether an error says that one tool was called too often, and nothing of the caller's other requests. */
export function isToolLimit (error: unknown): boolean {
  return error instanceof RateLimitedError && (error.data as { limit?: LimitName } | undefined)?.limit === 'tool'
}

function subjectOf ({ name, tool }: Limit): string {
  switch (name) {
    case 'global': return 'This server takes'
    case 'tool': return `The tool ${tool ?? ''} takes`
    case 'tier':
    case 'key':
    case 'principal': return 'This caller may send'
    case 'address': return 'Callers without a credential may send, from one address,'
  }
}

function unitOf ({ name }: Limit): string {
  return name === 'tool' ? 'call' : 'request'
}

function timeText (ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}
