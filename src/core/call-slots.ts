import { ToolBusyError } from './call-errors.ts'
import type { CallContext } from './context.ts'

/** How many calls of one tool run at once, and how many wait for their turn. */

export interface SlotLimits {
  readonly maxConcurrent: number
  /** 100 unless given; 0 lets none wait. */
  readonly maxQueue?: number | undefined
}

interface Waiter { readonly call: () => void }

const defaultMaxQueue = 100

/**
 * The places of one tool. Those who wait are served in the order in which they came, the callers taking turns: one that sends many calls
 * does not hold up the others.
 */
export class CallSlots {
  readonly #toolName: string
  readonly #maxRunning: number
  readonly #maxWaiting: number
  readonly #queues = new Map<string, Waiter[]>()
  #running = 0
  #waiting = 0
  #refused = 0

  constructor (toolName: string, { maxConcurrent, maxQueue = defaultMaxQueue }: SlotLimits) {
    this.#toolName = toolName
    this.#maxRunning = maxConcurrent
    this.#maxWaiting = maxQueue
  }

  /** Calls whose handlers run, also those that were answered before because their time was up. */
  get running (): number { return this.#running }
  get waiting (): number { return this.#waiting }
  /** Calls that found the queue full, since the start. */
  get refused (): number { return this.#refused }

  /** Whether a call that came now would be refused. */
  get isFull (): boolean { return this.#running >= this.#maxRunning && this.#waiting >= this.#maxWaiting }

  /** Takes a place at once, if one is free. Who gets one gives it back with `release`. */
  take (): boolean {
    if (this.#running >= this.#maxRunning) return false
    this.#running++
    return true
  }

  release (): void {
    const next = this.#shift()
    if (next === undefined) this.#running--
    else next.call() // It gets the place as it is.
  }

  /** Resolves with a place. Rejects with what ended the call while it waited. Throws ToolBusyError when no more may wait. */
  wait (context: CallContext): Promise<void> {
    if (this.#waiting >= this.#maxWaiting) {
      this.#refused++
      throw new ToolBusyError(this.#toolName)
    }
    const { signal, principal: { name } } = context
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#remove(name, waiter)
        reject(context.abortReason as Error) // The signal has fired, so there is one.
      }
      const waiter: Waiter = { call () { signal.removeEventListener('abort', giveUp); resolve() } }
      if (signal.aborted) { reject(context.abortReason as Error); return }
      signal.addEventListener('abort', giveUp, { once: true })
      const queue = this.#queues.get(name)
      if (queue === undefined) this.#queues.set(name, [waiter])
      else queue.push(waiter)
      this.#waiting++
    })
  }

  /** The caller whose turn it is goes to the end of the line. */
  #shift (): Waiter | undefined {
    const [first] = this.#queues
    if (first === undefined) return undefined
    const [name, queue] = first
    const waiter = queue.shift()
    this.#queues.delete(name)
    if (queue.length > 0) this.#queues.set(name, queue)
    this.#waiting--
    return waiter
  }

  #remove (name: string, waiter: Waiter): void {
    const queue = this.#queues.get(name) ?? []
    queue.splice(queue.indexOf(waiter), 1)
    if (queue.length === 0) this.#queues.delete(name)
    this.#waiting--
  }
}
