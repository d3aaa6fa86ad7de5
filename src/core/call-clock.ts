/** Times one call. It stands still while the call waits for the client: people take longer than a handler may. */
export class CallClock {
  readonly #expire: () => void
  #leftMs: number
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #pauses = 0
  #ended = false

  constructor (limitMs: number, expire: () => void) {
    this.#leftMs = limitMs
    this.#expire = expire
    this.#start()
  }

  /** Stops the clock, until as many resumes as pauses have come. */
  pause (): void {
    if (this.#ended || this.#pauses++ > 0) return
    clearTimeout(this.#timer)
    this.#leftMs = Math.max(1, this.#leftMs - (performance.now() - this.#startedAt))
  }

  resume (): void {
    if (!this.#ended && --this.#pauses === 0) this.#start()
  }

  end (): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  #start (): void {
    this.#startedAt = performance.now()
    this.#timer = setTimeout(this.#expire, this.#leftMs)
  }
}
