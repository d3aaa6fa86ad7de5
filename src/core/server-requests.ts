import { randomUUID } from 'node:crypto'
import type { EventBus } from './bus.ts'
import { CancelledError, ToolFailedError, ToolTimeoutError } from './call-errors.ts'
import type { Inquiry } from './inquiry.ts'
import { isObject, type RequestId } from './json-rpc.ts'
import type { JsonObject } from './ports.ts'

/** Requests of this server to its clients in the 2025 era, and their answers, whichever instance these arrive at. */

export interface Ask {
  /** Whose client is asked; its answer is taken from this session only. */
  sessionId: string
  inquiry: Inquiry
  timeoutMs: number
  /** Ends the wait: the call that asked was given up. */
  signal: AbortSignal
  /** Sends one JSON-RPC message to the client, on the stream of the call. */
  send (message: JsonObject): void
}

interface Waiting {
  sessionId: string
  settle (answer: { result?: unknown, error?: unknown }): void
}

/** Waits for answers by id. The id names the instance that waits, so that any other knows where an answer belongs. */
export class ServerRequests {
  readonly #bus: EventBus
  readonly #instance = randomUUID()
  readonly #waiting = new Map<string, Waiting>()
  #count = 0
  #unsubscribe: (() => void) | undefined

  constructor (bus: EventBus) { this.#bus = bus }

  /** How many answers are awaited. */
  get size (): number { return this.#waiting.size }

  /** Listens for answers that reach other instances. */
  async open (): Promise<void> {
    this.#unsubscribe = await this.#bus.subscribe(channelOf(this.#instance), (event) => {
      const { sessionId, id, answer } = event
      if (typeof sessionId === 'string' && typeof id === 'string' && isObject(answer)) this.#settle(sessionId, id, answer)
    }, { lasting: true })
  }

  close (): void { this.#unsubscribe?.() }

  /** Sends an inquiry and waits. Rejects with ToolTimeoutError, CancelledError, or ToolFailedError with the client's reason. */
  async ask ({ sessionId, inquiry, timeoutMs, signal, send }: Ask): Promise<unknown> {
    if (signal.aborted) throw reasonOfAbort(signal)
    const id = `${this.#instance}:${++this.#count}`
    return await new Promise<unknown>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        this.#waiting.delete(id)
      }
      const giveUp = (): void => {
        end()
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'The call was given up.' } })
        reject(reasonOfAbort(signal))
      }
      const timer = setTimeout(() => {
        end()
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'No answer in time.' } })
        reject(new ToolTimeoutError(`The client's answer to ${inquiry.method}`, timeoutMs))
      }, Math.min(timeoutMs, maxTimerMs))
      this.#waiting.set(id, {
        sessionId,
        settle ({ result, error }) {
          end()
          if (error === undefined) resolve(result)
          else reject(new ToolFailedError(`The client refused ${inquiry.method}: ${reasonOf(error)}`))
        }
      })
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        send({ jsonrpc: '2.0', id, method: inquiry.method, params: inquiry.params })
      } catch (error) {
        // What cannot be written as JSON was never asked.
        end()
        throw error
      }
    })
  }

  /**
   * Takes a client's answer; one for another instance is passed on. False when that instance cannot be reached: then nobody has the answer.
   * Answers that nobody awaits, or of another session, are dropped.
   */
  async answer (sessionId: string, id: RequestId, answer: { result?: unknown, error?: unknown }): Promise<boolean> {
    const instance = typeof id === 'string' ? id.slice(0, id.indexOf(':')) : ''
    if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(instance)) return true
    if (instance !== this.#instance) return await this.#bus.publish(channelOf(instance), { sessionId, id, answer }) > 0
    this.#settle(sessionId, id, answer)
    return true
  }

  /** Gives up on the answers of a session that has ended: none can come any more. */
  forget (sessionId: string): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.sessionId === sessionId) waiting.settle({ error: { message: 'the session has ended.' } })
    }
  }

  #settle (sessionId: string, id: string, answer: { result?: unknown, error?: unknown }): void {
    const waiting = this.#waiting.get(id)
    if (waiting?.sessionId === sessionId) waiting.settle(answer)
  }
}

/** What a timer can count: a longer one would be over at once. */
const maxTimerMs = 2 ** 31 - 1

function reasonOfAbort (signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new CancelledError()
}

function channelOf (instance: string): string { return `answers:${instance}` }

function reasonOf (error: unknown): string {
  return isObject(error) && typeof error['message'] === 'string' ? error['message'].slice(0, 1_000) : 'it gave no reason'
}
