import { CancelledError } from '../call-errors.ts'
import type { CallContext } from '../context.ts'
import type { CallToolResult } from '../ports.ts'
import { SharedExchange } from './shared-exchange.ts'

/** What became of a run. */
export type Landing =
  /** `isKept` when it is in the form that is kept, which nobody may change. */
  | { readonly kind: 'result', readonly result: CallToolResult, readonly isKept: boolean }
  /** The tool itself says that it failed. */
  | { readonly kind: 'reported', readonly result: CallToolResult }
  | { readonly kind: 'failed', readonly error: unknown }
  /** The handler turned to its client: every caller has to be served by itself. */
  | { readonly kind: 'own' }

export interface FlightOptions {
  /** Under which its result may be kept; undefined where it may not. */
  ticket: string | undefined
  /** Whether all callers share the result. */
  isShared: boolean
  /** Whether it goes on without anybody who waits for it. */
  isRefresh: boolean
  onAbandoned: (flight: Flight) => void
}

/** One run of a handler for all who ask for the same while it goes on. It ends early when the last of them has left. */
export class Flight {
  readonly landed: Promise<Landing>
  /** That of the handler. */
  readonly context: CallContext
  readonly #options: FlightOptions
  #exchange: SharedExchange | undefined
  #land: (landing: Landing) => void = () => {}
  #landing: Landing | undefined
  #isOwn = false
  #closedAt: number | undefined
  #waiting = 0

  /** `caller` is the call that it is begun for. */
  constructor (caller: CallContext, options: FlightOptions) {
    this.#options = options
    this.landed = new Promise((resolve) => { this.#land = resolve })
    this.context = caller.in((client) => {
      this.#exchange = new SharedExchange(client, (by) => this.#becomeOwn(by))
      return this.#exchange
    })
    if (options.isRefresh) this.#exchange?.detach()
  }

  get ticket (): string | undefined { return this.#options.ticket }
  /** Undefined while it goes on. */
  get landing (): Landing | undefined { return this.#landing }
  get isGivenUp (): boolean { return this.context.abortReason !== undefined }

  /** Whether a call may have its result that began at this time, by `performance.now()`: all may until it is closed, then those that began before. */
  isOpenTo (startedAt: number): boolean { return this.#closedAt === undefined || startedAt <= this.#closedAt }
  /** From now on it is for nobody who was not there before: what it has made is found where it is kept. */
  close (): void { this.#closedAt ??= performance.now() }
  get isClosed (): boolean { return this.#closedAt !== undefined }

  join (): void { this.#waiting++ }

  /** `isFirst` of the call that it was begun for. */
  leave (isFirst: boolean): void {
    if (isFirst) this.#exchange?.detach()
    if (--this.#waiting > 0 || this.#options.isRefresh || this.#landing !== undefined) return
    this.#options.onAbandoned(this)
    this.cancel()
  }

  cancel (): void { this.context.abort(new CancelledError()) }

  /** Whether its outcome is that of every call that began before its end; a run that had no time left, or was given up, says nothing of others. */
  get isForLate (): boolean { return this.#landing !== undefined && this.#landing.kind !== 'own' && !this.isGivenUp }

  /** Whether the result is for those who asked for the same. */
  get isForAll (): boolean { return !this.#isOwn && !this.isGivenUp }

  land (landing: Landing): void {
    this.#landing = this.#isOwn ? { kind: 'own' } : landing
    this.context.finish()
    this.#land(this.#landing)
  }

  /** Gives what the handler's question, or its reading, ends with: nobody else could be given what it says after that. */
  #becomeOwn (by: 'client' | 'rights'): Error | undefined {
    if (by === 'rights' && !this.#options.isShared) return undefined
    this.#isOwn = true
    const reason = new CancelledError()
    this.context.abort(reason)
    return reason
  }
}
