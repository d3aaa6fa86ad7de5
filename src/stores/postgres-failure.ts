import { DatabaseBusyError, DatabaseUnavailableError, ToolFailedError, ToolTimeoutError, type ToolCallError } from '../core/call-errors.ts'
import { GateFull, GateTimeout } from '../core/gate.ts'
import { UnusableAnswer } from './postgres-exchange.ts'

/** What went wrong between us and a PostgreSQL. PostgreSQL, Appendix A: the classes of its error codes. */

/** What the server says of an error. */
interface ServerError extends Error { readonly code: string, readonly severity: string | undefined, readonly routine: string | undefined }

/** An error that the server answered with, as opposed to one on the way. */
export function isServerError (error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

/** Whether the connection is of no use after an error. */
export function endsConnection (error: unknown): boolean {
  if (error instanceof UnusableAnswer) return error.isUnfinished
  if (isServerError(error)) return error.severity === 'FATAL' || error.severity === 'PANIC' || isAway(error.code)
  return !(error instanceof TypeError || error instanceof ToolFailedError)
}

/** Whether the server has forgotten a statement, or what it returns has changed: then it works when it is sent anew. Nothing was run. */
export function isStalePlan (error: unknown): boolean {
  return isServerError(error) && (error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery'))
}

/** Connection exceptions, shutdowns, crashes, and a server that is starting. */
function isAway (code: string): boolean {
  return code.startsWith('08') || code === '57P01' || code === '57P02' || code === '57P03' || code === '57P05'
}

/** Makes the error of a statement. `effect` says what came of it when the connection was lost. A value that cannot be bound stays what it is. */
export function statementFailure (name: string, error: unknown, statementTimeoutMs: number, effect?: string): Error {
  if (error instanceof TypeError || error instanceof ToolFailedError) return error
  if (error instanceof UnusableAnswer) return new ToolFailedError(`The statement on the database ${JSON.stringify(name)} has no usable result: ${error.message}.`)
  if (!isServerError(error) || endsConnection(error)) return new DatabaseUnavailableError(name, { cause: error }, effect)
  const { code } = error
  if (code === '57014') return new ToolTimeoutError(`A statement on the database ${JSON.stringify(name)}`, statementTimeoutMs)
  const why = isTold(code) ? error.message : 'the server log has the reason'
  return new ToolFailedError(`The database ${JSON.stringify(name)} refused the statement: ${why} (SQLSTATE ${code}).`, { data: { sqlState: code }, cause: error })
}

/** Makes the error of whoever got no connection. */
export function connectionFailure (name: string, error: unknown): ToolCallError {
  if (error instanceof GateFull || error instanceof GateTimeout) return new DatabaseBusyError(name, { cause: error })
  return isServerError(error) && error.code === tooManyConnections ? new DatabaseBusyError(name, { cause: error }) : new DatabaseUnavailableError(name, { cause: error })
}

const tooManyConnections = '53300'

/**
 * Which errors callers are told in the words of the server: those of their values (22), of what the data forbids (23, 44), those that the
 * database's own functions raise (P0), and writing where only reading is allowed. The others speak of how the database is built.
 */
function isTold (code: string): boolean {
  return /^(?:22|23|44|P0)/.test(code) || code === '25006'
}

/** What failed, as the log may have it: the library and the server do not tell passwords, but what they tell may hold one. */
export function reasonOf (error: unknown, password: string | undefined): string {
  const text = textOf(error)
  return (password === undefined || password === '' ? text : text.replaceAll(password, '[redacted]')).slice(0, 300)
}

function textOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Several addresses that failed one by one: the message is empty, and the first tells enough.
  if (error instanceof AggregateError && error.errors.length > 0) return textOf(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return error.message === '' ? code : error.message
}
