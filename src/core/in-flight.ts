import type { CallContext } from './context.ts'
import { CancelledError } from './errors.ts'

/** The calls that are running, under the keys by which their clients can cancel them. */
export class InFlight {
  readonly #running = new Map<string, CallContext>()

  /** How many calls are running that could be cancelled. */
  get size (): number { return this.#running.size }

  add (key: string, context: CallContext): void { this.#running.set(key, context) }

  remove (key: string, context: CallContext): void {
    // A client that used one id twice must not lose the second call's entry when the first ends.
    if (this.#running.get(key) === context) this.#running.delete(key)
  }

  /** Cancels a call; unknown keys and calls that have ended are nothing to do. */
  cancel (key: string): void { this.#running.get(key)?.abort(new CancelledError()) }
}
