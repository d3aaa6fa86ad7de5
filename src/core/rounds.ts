import { InvalidParamsError, type InputRequiredError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { isObject } from './json-rpc.ts'
import type { RequestStates, StateBinding } from './request-state.ts'
import { isModern } from './versions.ts'
import type { JsonObject } from './ports.ts'

/**
 * Calls of the 2026 era that need input go in rounds: the call ends with what it asks, and the client sends it again with the
 * answers and the state it was given. MCP 2026-07-28 basic/patterns/mrtr.
 */
export class Rounds {
  readonly #states: RequestStates

  constructor (states: RequestStates) { this.#states = states }

  /** True when a request brings something from an earlier round. */
  continues (params: JsonObject, { revision }: Exchange): boolean {
    return (params['inputResponses'] !== undefined || params['requestState'] !== undefined) && isModern(revision)
  }

  /** All answers so far: what the state vouches for, and what came with this request. Throws InvalidParamsError. */
  answers ({ inputResponses = {}, requestState }: JsonObject, binding: StateBinding): JsonObject {
    if (!isObject(inputResponses)) throw new InvalidParamsError('params.inputResponses must be an object.')
    const earlier = requestState === undefined ? {} : this.#states.open(requestState, binding)
    return { ...inputResponses, ...earlier }
  }

  /** The result that asks for input, with room for what the wire adds. Only answers that were asked for are carried on. */
  result ({ requests, answers }: InputRequiredError, binding: StateBinding): object {
    return { resultType: 'input_required', inputRequests: requests, requestState: this.#states.seal({ ...answers }, binding), _meta: {} }
  }
}
