import { CallClock } from '../call-clock.ts'
import type { CallContext } from '../context.ts'
import type { CallTarget } from '../pipeline.ts'
import { timeOut } from '../time-out.ts'

/** A call that waits for a run that others may wait for, too. Its time and its client are its own. */
export class WaitingCall {
  readonly #context: CallContext
  readonly #timeoutMs: number
  readonly #startedAt: number
  readonly #clock: CallClock
  /** Never resolves. */
  readonly #ended: Promise<never>

  constructor (context: CallContext, target: CallTarget<unknown>, startedAt: number) {
    const { timeoutMs } = target
    this.#context = context
    this.#timeoutMs = timeoutMs
    this.#startedAt = startedAt
    this.#clock = new CallClock(Math.max(1, this.leftMs), () => { timeOut(context, target, timeoutMs) })
    this.#ended = new Promise((_resolve, reject) => { context.whenAborted(reject) })
    this.#ended.catch(() => { /* whoever awaits it hears of it */ })
    void context.signal // From now on, a client that goes away is noticed.
  }

  get leftMs (): number { return this.#timeoutMs - (performance.now() - this.#startedAt) }
  /** Whether there is time for more than the end of another run. */
  get hasTime (): boolean { return this.leftMs > this.#timeoutMs / 4 }

  /** Rejects with the reason when the call is given up before. */
  async until<Value> (outcome: Promise<Value>): Promise<Value> { return await Promise.race([outcome, this.#ended]) }

  /** Goes on by itself, in the time that it has left. */
  async goOn<Value> (run: () => Value | Promise<Value>): Promise<Value> {
    this.end()
    const outcome = run()
    this.#context.retime(Math.max(1, this.leftMs))
    return await outcome
  }

  end (): void { this.#clock.end() }
}
