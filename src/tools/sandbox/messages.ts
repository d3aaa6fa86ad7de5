/** What the main thread and a sandbox thread say to each other. */

/** Main to thread: is this code a function we can call? */
export interface CheckRequest { readonly type: 'check', readonly code: string }

/** Main to thread: evaluate `source` (as a check prepared it) to a function and call it. */
export interface CallRequest {
  readonly type: 'call'
  readonly source: string
  readonly argsText: string
  readonly infoText: string
  readonly timeoutMs: number
  readonly memoryLimitBytes: number
  readonly maxOutputBytes: number
}
export type Request = CheckRequest | CallRequest

/** What a thread of the sandbox is asked; events are what the prelude wrote. */
export interface SandboxWork { request: Request, event: string, outcome: Outcome }

/** Why the interrupt handler ended a call: its time was up, or the main thread asked for it. */
export type StopReason = 'timeout' | 'stopped'

/** How a request ended. */
export type Outcome =
  | { readonly type: 'value', readonly text: string }
  | { readonly type: 'nothing' }
  | ThrownOutcome
  | { readonly type: 'memory' }
  | { readonly type: StopReason }
  | CheckedOutcome
  | FaultyOutcome

/** The code threw, or what it returned cannot leave the sandbox. `stack` holds positions inside the code only. */
export interface ThrownOutcome { readonly type: 'thrown', readonly message: string, readonly stack: string }

/** The code is a function, or the body of one. `source` is what a call evaluates. */
export interface CheckedOutcome { readonly type: 'checked', readonly kind: 'expression' | 'body', readonly source: string }

/** The code is neither. Line and column count from 1, in the code as it was written. */
export interface FaultyOutcome { readonly type: 'faulty', readonly message: string, readonly line: number, readonly column: number }

/** The word that a sandbox thread shares with the main thread: 1 asks the running call to stop. */
export const STOP_FLAG_BYTES = Int32Array.BYTES_PER_ELEMENT
