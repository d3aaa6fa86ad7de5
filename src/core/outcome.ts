import { CancelledError, InputRequiredError, ToolTimeoutError } from './call-errors.ts'
import { GantryError } from './errors.ts'

/** What becomes of a call or a request, in one word: of the process that serves it, it can be all but cut off. */
export const outcomes = ['ok', 'error', 'refused', 'cancelled', 'timeout', 'input_required'] as const
export type CallOutcome = typeof outcomes[number]

/** The words of the audit log, the access log and the metrics. `cut_off`: the process ended before the call did. */
export type Outcome = CallOutcome | 'cut_off'

/** The outcome of what ended in an error. */
export function outcomeOf (error: unknown): CallOutcome {
  if (error instanceof CancelledError) return 'cancelled'
  if (error instanceof ToolTimeoutError) return 'timeout'
  if (error instanceof InputRequiredError) return 'input_required'
  return error instanceof GantryError && error.status < 500 ? 'refused' : 'error'
}

/** The permanent code of an error; a question to the client is none. */
export function codeOf (error: unknown): string | undefined {
  if (error instanceof InputRequiredError) return undefined
  return error instanceof GantryError ? error.code : 'MCP_INTERNAL'
}

/** Whether a tool says in its result that it failed. */
export function isReportedFailure (result: unknown): boolean {
  return (result as { isError?: unknown }).isError === true
}

/** How something failed. */
export interface Failure { readonly outcome: Outcome, readonly code: string | undefined }

/** Of a tool that says so in its result. */
export const reportedFailure: Failure = Object.freeze({ outcome: 'error', code: 'MCP_TOOL_REPORTED' })

export function failureOf (error: unknown): Failure {
  return { outcome: outcomeOf(error), code: codeOf(error) }
}
