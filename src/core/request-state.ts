import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalText } from './canonical-json.ts'
import { InputLimitError } from './call-errors.ts'
import { InvalidParamsError } from './errors.ts'
import { isObject } from './json-rpc.ts'
import type { Clock, JsonObject } from './ports.ts'

/**
 * The state that a call of the 2026 era carries from one round of input to the next. It travels through the client, so it is signed,
 * bound to its caller and its call, and short-lived. MCP 2026-07-28 basic/patterns/mrtr, Request State.
 */

/** What a round is bound to. */
export interface StateBinding {
  principal: string
  /** The method and the name of what it calls. */
  target: string
  arguments: JsonObject
}

export interface RequestStates {
  /** Seals what the next round has to know. Throws InputLimitError when that is too much, InvalidParamsError for arguments that are nested too deeply. */
  seal (content: JsonObject, binding: StateBinding): string
  /** Gives it back. Throws InvalidParamsError for a state that is forged, changed, late, or of another call. */
  open (state: unknown, binding: StateBinding): JsonObject
}

export interface RequestStateOptions {
  /** The key of the signature; instances that share work share it. */
  secret: string
  ttlMs: number
  clock: Clock
}

/** A state goes out with each question and comes back with each answer. It is ASCII: a byte a character. */
const maxStateBytes = 1_048_576

export function createRequestStates ({ secret, ttlMs, clock }: RequestStateOptions): RequestStates {
  const sign = (payload: string): Buffer => createHmac('sha256', secret).update('request-state\0').update(payload).digest()
  return {
    seal (content, binding) {
      const payload = Buffer.from(JSON.stringify({ content, call: digestOf(binding), expires: clock.now() + ttlMs })).toString('base64url')
      const state = `${payload}.${sign(payload).toString('base64url')}`
      if (state.length > maxStateBytes) throw new InputLimitError(`What its client has answered so far is ${state.length} bytes as the state of the call; there may be ${maxStateBytes}.`)
      return state
    },
    open (state, binding) {
      const [payload, signature, ...rest] = typeof state === 'string' ? state.split('.') : []
      if (payload === undefined || signature === undefined || rest.length > 0 || !equal(Buffer.from(signature, 'base64url'), sign(payload), signature)) throw refused()
      const sealed: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
      if (!isObject(sealed) || !isObject(sealed['content']) || sealed['call'] !== digestOf(binding)) throw refused()
      if (typeof sealed['expires'] !== 'number' || sealed['expires'] < clock.now()) throw refused()
      return sealed['content']
    }
  }
}

/** One error for every reason: which check failed is nobody's business. */
function refused (): InvalidParamsError {
  return new InvalidParamsError('params.requestState is not valid for this call, or has expired: start the call again without it.')
}

/** Decoding is lenient, so the text is compared too: two spellings of one signature must not both pass. */
function equal (given: Buffer, expected: Buffer, text: string): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected) && text === expected.toString('base64url')
}

function digestOf ({ principal, target, arguments: args }: StateBinding): string {
  try {
    return createHash('sha256').update(canonicalText([principal, target, args])).digest('base64url')
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidParamsError('params.arguments is nested too deeply.', { cause: error })
    throw error
  }
}
