import type { CallExtras } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import type { Caller, Entry } from '../entries.ts'
import { InputRequiredError } from '../call-errors.ts'
import { InvalidParamsError } from '../errors.ts'
import { failureOf } from '../outcome.ts'
import type { StateBinding } from '../request-state.ts'
import type { Rounds } from '../rounds.ts'
import { isModern } from '../versions.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'
import { progressTokenOf } from './params.ts'

export interface CallParts {
  caller: Caller
  rounds: Rounds
  wire: Wire
}

export interface EntryCall<Result> {
  entry: Entry<unknown, Result>
  /** The method and the name of what is called, as request state is bound to it. */
  target: string
  params: JsonObject
  args: JsonObject
  exchange: Exchange
  uri?: string | undefined
  /** Makes the text of the result. */
  write: (result: Result) => string
}

/** Calls an entry for a client. In the 2026 era a call that needs input ends in a result that asks for it. */
export function callEntry<Result> ({ caller, rounds, wire }: CallParts, call: EntryCall<Result>): string | Promise<string> {
  const { entry, target, args, exchange, write } = call
  const binding: StateBinding = { principal: exchange.principal.name, target, arguments: args }
  const sent = mayAsk(exchange) ? textOf(args) : '{}'
  const outcome = caller.call(entry, args, exchange, extrasOf(rounds, call, binding))
  if (!(outcome instanceof Promise)) return write(outcome)
  return outcome.then(write, (error: unknown) => {
    if (!(error instanceof InputRequiredError)) throw error
    exchange.failed?.(failureOf(error))
    // What the handler did to its arguments in the meantime is its own affair: its client will send them as before.
    const asSent = JSON.parse(sent) as JsonObject
    entry.target.checkArguments?.(asSent)
    return wire.result(rounds.result(error, { ...binding, arguments: asSent }), exchange.revision)
  })
}

/** Only calls that could end in a question need their arguments as they were sent. */
function mayAsk ({ revision, clientCapabilities: { elicitation, sampling, roots } }: Exchange): boolean {
  return isModern(revision) && (elicitation !== undefined || sampling !== undefined || roots !== undefined)
}

function textOf (args: JsonObject): string {
  try {
    return JSON.stringify(args)
  } catch (error) {
    // They came as JSON, so all that can go wrong is their depth.
    throw new InvalidParamsError('params.arguments is nested too deeply.', { cause: error })
  }
}

/** Most calls have none of these. */
function extrasOf<Result> (rounds: Rounds, { entry, params, args, exchange, uri }: EntryCall<Result>, binding: StateBinding): CallExtras | undefined {
  const progressToken = progressTokenOf(params)
  const continues = rounds.continues(params, exchange)
  if (progressToken === undefined && uri === undefined && !continues) return undefined
  // The state was bound to the arguments as the handler saw them: with their defaults.
  if (continues) entry.target.checkArguments?.(args)
  return { progressToken, uri, round: continues ? rounds.resume(params, binding, exchange) : undefined }
}
