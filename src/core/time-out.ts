import { ToolTimeoutError } from './call-errors.ts'
import type { CallContext, CallSubject } from './context.ts'
import { logSafely } from './thrown.ts'

/** Gives up a call whose time is over. Its handler may have left its caller without a word, so the log has one. */
export function timeOut (context: CallContext, { kind, name }: CallSubject, limitMs: number): void {
  logSafely(context.logger, { requestId: context.requestId }, `The ${kind} ${name} did not finish within ${limitMs} ms.`)
  context.abort(new ToolTimeoutError(name, limitMs))
}
