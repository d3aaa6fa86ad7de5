import type { CallExtras, Exchange } from '../context.ts'
import type { Caller, Entry } from '../entries.ts'
import { InputRequiredError } from '../errors.ts'
import type { StateBinding } from '../request-state.ts'
import type { Rounds } from '../rounds.ts'
import type { JsonObject } from '../ports.ts'
import { progressTokenOf } from './params.ts'

export interface CallParts {
  caller: Caller
  rounds: Rounds
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
export function callEntry<Result> ({ caller, rounds }: CallParts, call: EntryCall<Result>): string | Promise<string> {
  const { entry, target, args, exchange, write } = call
  const binding: StateBinding = { principal: exchange.principal.name, target, arguments: args }
  const outcome = caller.call(entry, args, exchange, extrasOf(rounds, call, binding))
  if (!(outcome instanceof Promise)) return write(outcome)
  return outcome.then(write, (error: unknown) => {
    if (error instanceof InputRequiredError) return JSON.stringify(rounds.result(error, binding))
    throw error
  })
}

/** Most calls have none of these. */
function extrasOf<Result> (rounds: Rounds, { entry, params, args, exchange, uri }: EntryCall<Result>, binding: StateBinding): CallExtras | undefined {
  const progressToken = progressTokenOf(params)
  const continues = rounds.continues(params, exchange)
  if (progressToken === undefined && uri === undefined && !continues) return undefined
  // The state was bound to the arguments as the handler saw them: with their defaults.
  if (continues) entry.target.checkArguments?.(args)
  return { progressToken, uri, answers: continues ? rounds.answers(params, binding) : undefined }
}
