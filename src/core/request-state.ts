import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
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
  /** Seals what the handler has been answered so far. Throws InvalidParamsError for arguments that are nested too deeply. */
  seal (answers: JsonObject, binding: StateBinding): string
  /** Gives the answers back. Throws InvalidParamsError for a state that is forged, changed, late, or of another call. */
  open (state: unknown, binding: StateBinding): JsonObject
}

export interface RequestStateOptions {
  /** The key of the signature; instances that share work share it. */
  secret: string
  ttlMs: number
  clock: Clock
}

export function createRequestStates ({ secret, ttlMs, clock }: RequestStateOptions): RequestStates {
  const sign = (payload: string): Buffer => createHmac('sha256', secret).update('request-state\0').update(payload).digest()
  return {
    seal (answers, binding) {
      const payload = Buffer.from(JSON.stringify({ answers, call: digestOf(binding), expires: clock.now() + ttlMs })).toString('base64url')
      return `${payload}.${sign(payload).toString('base64url')}`
    },
    open (state, binding) {
      const [payload, signature, ...rest] = typeof state === 'string' ? state.split('.') : []
      if (payload === undefined || signature === undefined || rest.length > 0 || !equal(Buffer.from(signature, 'base64url'), sign(payload), signature)) throw refused()
      const content: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
      if (!isObject(content) || !isObject(content['answers']) || content['call'] !== digestOf(binding)) throw refused()
      if (typeof content['expires'] !== 'number' || content['expires'] < clock.now()) throw refused()
      return content['answers']
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
  return createHash('sha256').update(canonicalText([principal, target, args])).digest('base64url')
}

function canonicalText (value: unknown): string {
  try {
    return JSON.stringify(canonical(value))
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidParamsError('params.arguments is nested too deeply.', { cause: error })
    throw error
  }
}

/** Equal values give equal text, whatever the order of their members. */
function canonical (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, canonical(value[key])]))
}
