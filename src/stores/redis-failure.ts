import { StateUnavailableError } from '../core/errors.ts'
import type { Clock, Logger } from '../core/ports.ts'

/** What went wrong between us and Redis, as logs may have it. */

/** Makes the text of a failure. Redis answers some commands with their arguments, so passwords are taken out. */
export function createReasons (passwords: readonly (string | undefined)[]): (error: unknown) => string {
  const secrets = passwords.filter((password) => password !== undefined)
  return (error) => secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), textOf(error)).slice(0, 300)
}

function textOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Several addresses that failed one by one: the message is empty, and the first tells enough.
  if (error instanceof AggregateError && error.errors.length > 0) return textOf(error.errors[0])
  // No node of a cluster told of the others: why tells more.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) return textOf(error.lastNodeError)
  // The library tells these in terms of its options.
  if (error.name === 'MaxRetriesPerRequestError') return 'the connection was lost'
  if (error.message.startsWith("Stream isn't writeable") || error.message.startsWith("Cluster isn't ready")) return 'there is no connection'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return error.message === '' ? code : error.message
}

/**
 * The error that callers get. Its cause is a new one: those of the client library carry the arguments of the command, the password among
 * them when the command was the one to log in.
 */
export function stateUnavailable (reason: string, what?: string): StateUnavailableError {
  return new StateUnavailableError({ cause: new Error(`Redis: ${reason}`) }, what)
}

const quietMs = 60_000
const maxKinds = 20

/** Says in the log that Redis refuses commands (out of memory, read-only, forbidden, …): once a minute for each kind, not once a request. */
export function createRefusalLog (logger: Logger, address: string, clock: Clock): (reason: string) => void {
  const said = new Map<string, number>()
  return (reason) => {
    const kind = /^[A-Z]{2,}/.exec(reason)?.[0] ?? 'ERR'
    const now = clock.now()
    if (now - (said.get(kind) ?? -Infinity) < quietMs || (said.size >= maxKinds && !said.has(kind))) return
    said.set(kind, now)
    logger.warn({ redis: address, reason }, 'Redis refuses commands: what needs them fails until that is mended.')
  }
}
