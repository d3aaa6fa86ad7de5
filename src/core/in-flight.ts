import { CancelledError } from './call-errors.ts'

/** Something that can be given up: a call, a subscription. */
export interface Running { abort (reason: Error): void }

/** The calls that are running, under the keys by which their clients can cancel them. */
export class InFlight {
  /** Several under one key: what a call reads of this server is cancelled with it, and a client may have used one id twice. */
  readonly #running = new Map<string, Running[]>()

  /** How many calls are running that could be cancelled. */
  get size (): number { return [...this.#running.values()].reduce((sum, contexts) => sum + contexts.length, 0) }

  add (key: string, context: Running): void {
    const contexts = this.#running.get(key)
    if (contexts === undefined) this.#running.set(key, [context])
    else contexts.push(context)
  }

  remove (key: string, context: Running): void {
    const contexts = this.#running.get(key)
    const index = contexts?.indexOf(context) ?? -1
    if (contexts === undefined || index < 0) return
    if (contexts.length === 1) this.#running.delete(key)
    else contexts.splice(index, 1)
  }

  /** Cancels what is running under a key. False when nothing is: it has ended, or runs on another instance. */
  cancel (key: string): boolean {
    const running = this.#running.get(key)
    if (running === undefined) return false
    for (const one of [...running]) one.abort(new CancelledError())
    return true
  }

  /** Cancels all whose keys begin so. */
  cancelAll (prefix: string): void {
    for (const key of [...this.#running.keys()]) if (key.startsWith(prefix)) this.cancel(key)
  }
}
