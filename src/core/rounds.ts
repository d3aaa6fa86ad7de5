import { createHash } from 'node:crypto'
import { canonicalText } from './canonical-json.ts'
import { InputLimitError, InputRequiredError } from './call-errors.ts'
import { InvalidParamsError, type GantryError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Inquiry } from './inquiry.ts'
import { isObject } from './json-rpc.ts'
import type { RequestStates, StateBinding } from './request-state.ts'
import { isModern } from './versions.ts'
import type { JsonObject } from './ports.ts'

/** No conversation with a person needs as many; what does has a fault that more rounds would not mend. */
const maxRounds = 32

/** An answer of the client, with the digest of the question that it was given to; undefined for one that came before its question. */
interface Answered { readonly question: string | undefined, readonly answer: unknown }

/** Keys of questions that their handler gave no name. What such a one is going to ask, nobody knows ahead. */
const numbered = /^question-\d+(?:-\d+)?$/

/** What one round hands to the next, sealed: its number, the digests of what it asked, and what was answered up to then, each by key. */
interface RoundContent extends JsonObject {
  round: number
  asked: [key: string, question: string][]
  answered: [key: string, question: string, answer: unknown][]
}

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

  /**
   * The round that a request begins. Of its answers, those count whose questions the state vouches for. A request without a state is the
   * first of its call: a client that knows a question by its name may answer it ahead. All others are ignored. Throws InvalidParamsError.
   */
  resume ({ inputResponses = {}, requestState }: JsonObject, binding: StateBinding, { logger, requestId }: Exchange): Round {
    if (!isObject(inputResponses)) throw new InvalidParamsError('params.inputResponses must be an object.')
    if (requestState === undefined) return new Round(1, answersAhead(inputResponses))
    // Nobody but `result` seals content.
    const { round, asked, answered } = this.#states.open(requestState, binding) as RoundContent
    const answers = new Map<string, Answered>(answered.map(([key, question, answer]) => [key, { question, answer }]))
    for (const [key, question] of asked) {
      if (Object.hasOwn(inputResponses, key)) answers.set(key, { question, answer: inputResponses[key] })
    }
    return new Round(round + 1, answers, (key) => {
      logger.warn({ requestId, target: binding.target, key }, 'A handler asked something else than what its client had answered: it is asked anew. Questions have to be worded alike each time the handler runs.')
    })
  }

  /** The result that asks for input, with room for what the wire adds. Throws InputLimitError when the answers so far are too large to be carried on. */
  result ({ requests, content }: InputRequiredError, binding: StateBinding): object {
    return { resultType: 'input_required', inputRequests: requests, requestState: this.#states.seal({ ...content }, binding), _meta: {} }
  }
}

/**
 * One run of a handler in a call that goes in rounds. An answer is handed only to the question that it was given to: a handler that asks
 * something else in the same place asks anew.
 */
export class Round {
  readonly #number: number
  readonly #answers: ReadonlyMap<string, Answered>
  readonly #noteReworded: (key: string) => void
  /** Only answers that the handler comes by are carried on. */
  readonly #used = new Map<string, Answered & { question: string }>()
  readonly #asked = new Map<string, Inquiry>()

  constructor (number = 1, answers: ReadonlyMap<string, Answered> = new Map(), noteReworded: (key: string) => void = () => {}) {
    this.#number = number
    this.#answers = answers
    this.#noteReworded = noteReworded
  }

  /** True as soon as something is asked: the call is going to end with it. */
  get isAsking (): boolean { return this.#asked.size > 0 }

  /** The answer to this very question, if there is one. It was not checked against the question. */
  take (key: string, inquiry: Inquiry): { readonly answer: unknown } | undefined {
    const answered = this.#answers.get(key)
    if (answered === undefined) return undefined
    const question = digestOf(inquiry)
    if (answered.question !== undefined && answered.question !== question) {
      this.#noteReworded(key)
      return undefined
    }
    this.#used.set(key, { ...answered, question })
    return answered
  }

  ask (key: string, inquiry: Inquiry): void { this.#asked.set(key, inquiry) }

  /** What the call ends with: InputRequiredError, or InputLimitError after the last round that there may be. */
  end (): GantryError {
    if (this.#number > maxRounds) return new InputLimitError(`There were ${maxRounds} rounds of questions, as many as there may be. A question that is worded differently each time the handler runs is asked for ever.`)
    const asked = [...this.#asked]
    const content: RoundContent = {
      round: this.#number,
      asked: asked.map(([key, inquiry]) => [key, digestOf(inquiry)]),
      answered: [...this.#used].map(([key, { question, answer }]) => [key, question, answer])
    }
    return new InputRequiredError(Object.fromEntries(asked), content)
  }
}

function answersAhead (inputResponses: JsonObject): Map<string, Answered> {
  const named = Object.entries(inputResponses).filter(([key]) => !numbered.test(key))
  return new Map(named.map(([key, answer]) => [key, { question: undefined, answer }]))
}

/** The same for a question however its members are ordered. */
function digestOf ({ method, params }: Inquiry): string {
  return createHash('sha256').update(canonicalText([method, params])).digest('base64url')
}
