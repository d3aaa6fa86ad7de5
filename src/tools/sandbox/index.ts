import { availableParallelism } from 'node:os'
import { CancelledError, ToolFailedError, ToolTimeoutError } from '../../core/call-errors.ts'
import { GantryError } from '../../core/errors.ts'
import type { PoolState } from '../../core/handler-check.ts'
import type { Principal } from '../../core/ports.ts'
import { Pool } from '../threads/pool.ts'
import type { Job } from '../threads/task.ts'
import { readEvent, type SandboxEvent } from './events.ts'
import type { CheckedOutcome, Outcome, SandboxWork } from './messages.ts'
import { startThread } from './thread.ts'

export interface SandboxOptions {
  /** The most threads that run code at the same time. Default: one for each core, 2 to 8. */
  readonly maxWorkers?: number
  /** The most calls that wait for a thread. Default 1000. */
  readonly maxQueue?: number
  /** How long a thread without work is kept. Default 60 s. */
  readonly idleTimeoutMs?: number
  /** How long code that ran out of time may take to notice before its thread is killed. Default 250 ms. */
  readonly graceMs?: number
}

/** What the code is told of its call, beside its arguments: becomes properties of its `context`. */
export type CallInfo = Readonly<{
  requestId: string
  metadata: Readonly<{ toolName: string }>
  sessionId?: string | undefined
  principal?: Principal
  traceparent?: string | undefined
}>

export interface RunRequest {
  readonly code: string
  /** Any JSON value; the function's first argument. */
  readonly args: unknown
  readonly info: CallInfo
  /** How long the code may run, in wall time, from when its thread takes it up. */
  readonly timeoutMs: number
  readonly memoryLimitBytes: number
  /** The most bytes of JSON that may come back. */
  readonly maxOutputBytes: number
  readonly signal?: AbortSignal
  /** What the code reports, while it runs. */
  readonly onEvent?: (event: SandboxEvent) => void
}

export type { SandboxEvent }

export type CodeCheck =
  | { readonly ok: true, readonly kind: 'expression' | 'body' }
  | { readonly ok: false, readonly message: string, readonly line: number, readonly column: number }

/** Runs JavaScript that reaches nothing but its arguments, and that stops. */
export interface Sandbox {
  /** Whether the code is a function or the body of one. Runs nothing but the expression itself. */
  check (code: string): Promise<CodeCheck>
  /** Calls the code in a fresh context, after a check if it had none; resolves to a JSON value or undefined. Rejects with a GantryError, or with the reason of the signal when it is one. */
  run (request: RunRequest): Promise<unknown>
  /** How it goes with its threads. */
  threads (): PoolState
  /** Ends all threads; what runs or waits is rejected. */
  close (): Promise<void>
}

/** Codes whose check is remembered: more than any configuration has, so that reloads do not pile up. */
const MAX_REMEMBERED = 1000
const CHECK_LIMIT_MS = 5000

/** Makes a sandbox. Nothing is loaded and no thread started before its first use. */
export function createSandbox (options: SandboxOptions = {}): Sandbox {
  const pool = new Pool<SandboxWork>({
    start: startThread,
    timedOut: { type: 'timeout' },
    failures: { closed: closedError, broken: brokenError },
    // The checks of a whole configuration come at once.
    isBrief: ({ type }) => type === 'check',
    maxWorkers: options.maxWorkers ?? Math.min(Math.max(availableParallelism(), 2), 8),
    maxQueue: options.maxQueue ?? 1000,
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    graceMs: options.graceMs ?? 250
  })
  const remembered = new Map<string, Promise<CheckedOutcome | CodeFault>>()

  function prepare (code: string): Promise<CheckedOutcome | CodeFault> {
    const known = remembered.get(code)
    if (known !== undefined) return known
    const forget = (): void => { remembered.delete(code) }
    const prepared = pool.run({ request: { type: 'check', code }, limitMs: CHECK_LIMIT_MS }).then((outcome) => {
      // Of this moment rather than of the code.
      if (outcome.type === 'timeout') forget()
      return readCheck(outcome)
    })
    prepared.catch(forget)
    remembered.set(code, prepared)
    const [oldest] = remembered.keys()
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    return prepared
  }

  return {
    async check (code) {
      const prepared = await prepare(code)
      return prepared.type === 'checked' ? { ok: true, kind: prepared.kind } : prepared.fault
    },
    async run (request) {
      const prepared = await prepare(request.code)
      if (prepared.type !== 'checked') throw new ToolFailedError(`The code cannot run: ${prepared.fault.message} (line ${prepared.fault.line}, column ${prepared.fault.column})`)
      const { signal } = request
      try {
        return readResult(await pool.run(describeJob(request, prepared.source)), request)
      } catch (error) {
        if (signal?.aborted === true && error === signal.reason && !(error instanceof GantryError)) throw new CancelledError()
        throw error
      }
    },
    threads: () => pool.state,
    close: () => pool.close()
  }
}

function describeJob ({ args, info, timeoutMs, memoryLimitBytes, maxOutputBytes, signal, onEvent }: RunRequest, source: string): Job<SandboxWork> {
  return {
    request: { type: 'call', source, argsText: JSON.stringify(args ?? null), infoText: describeCall(info), timeoutMs, memoryLimitBytes, maxOutputBytes },
    limitMs: timeoutMs,
    signal,
    onEvent: onEvent && ((text) => { onEvent(readEvent(text)) }),
    onDropped: onEvent && ((count) => { onEvent({ type: 'dropped', count }) })
  }
}

interface CodeFault { readonly type: 'fault', readonly fault: Extract<CodeCheck, { ok: false }> }

function readCheck (outcome: Outcome): CheckedOutcome | CodeFault {
  const fault = (message: string, line = 1, column = 1): CodeFault => ({ type: 'fault', fault: { ok: false, message, line, column } })
  switch (outcome.type) {
    case 'checked': return outcome
    case 'faulty': return fault(outcome.message, outcome.line, outcome.column)
    case 'thrown': return fault(outcome.message)
    case 'memory': return fault('The code needs too much memory before it is even called')
    case 'timeout':
    case 'stopped': return fault('The code takes too long before it is even called')
    case 'value':
    case 'nothing': throw new Error(`A check cannot end as ${outcome.type}.`)
    default: return outcome satisfies never
  }
}

function readResult (outcome: Outcome, { info, timeoutMs, memoryLimitBytes }: RunRequest): unknown {
  switch (outcome.type) {
    case 'value': return JSON.parse(outcome.text)
    case 'nothing': return undefined
    case 'thrown': throw new ToolFailedError(outcome.message, { cause: insideError(outcome.message, outcome.stack) })
    case 'memory': throw new ToolFailedError(`The code used more memory than its limit of ${memoryLimitBytes} bytes.`)
    // A call that was stopped was rejected when that was asked for.
    case 'stopped':
    case 'timeout': throw new ToolTimeoutError(info.metadata.toolName, timeoutMs)
    case 'checked':
    case 'faulty': throw new Error(`A call cannot end as ${outcome.type}.`)
    default: return outcome satisfies never
  }
}

/** For the log: where in the code it happened. The stack names no file of this program. */
function insideError (message: string, stack: string): Error {
  const error = new Error(message)
  error.stack = `Error: ${message}\n${stack}`
  return error
}

/** Names each part, so that nothing else of a context, and never a credential, goes inside. */
function describeCall ({ requestId, metadata, sessionId, principal, traceparent }: CallInfo): string {
  return JSON.stringify({
    requestId,
    metadata,
    sessionId,
    traceparent,
    ...(principal !== undefined && { principal: { kind: principal.kind, name: principal.name, permissions: principal.permissions, tier: principal.tier } })
  })
}

function closedError (): Error {
  return new ToolFailedError('The sandbox for inline code is closed: the server is stopping.')
}

function brokenError (cause: Error): Error {
  const outOfMemory = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return new ToolFailedError(outOfMemory ? 'The arguments or the result were too large for the sandbox.' : 'The sandbox that ran this code broke. The server log has the details.', { cause })
}
