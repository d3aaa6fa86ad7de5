/** Times one call. It stands still while the call waits for the client: people take longer than a handler may. */
export class CallClock {
  readonly #expire: (limitMs: number) => void
  #limitMs: number
  #leftMs: number
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #pauses = 0
  #ended = false

  constructor (limitMs: number, expire: (limitMs: number) => void) {
    this.#limitMs = limitMs
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

  /** Gives the call this much time from now on. */
  restart (limitMs: number): void {
    if (this.#ended) return
    this.#limitMs = limitMs
    this.#leftMs = limitMs
    clearTimeout(this.#timer)
    if (this.#pauses === 0) this.#start()
  }

  end (): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  #start (): void {
    this.#startedAt = performance.now()
    this.#timer = setTimeout(() => { this.#expire(this.#limitMs) }, this.#leftMs)
  }
}
