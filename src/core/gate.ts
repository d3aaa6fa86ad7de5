/** As many wait for their turn as may. */
export class GateFull extends Error {
  override get name (): string { return 'GateFull' }
}
/** The turn did not come in time. */
export class GateTimeout extends Error {
  readonly timeoutMs: number
  constructor (timeoutMs: number) {
    super(`No place was free within ${timeoutMs} ms.`)
    this.timeoutMs = timeoutMs
  }

  override get name (): string { return 'GateTimeout' }
}

export interface GateLimits {
  /** How many may run at once. */
  readonly maxConcurrent: number
  /** How many more may wait. */
  readonly maxQueue: number
}

/** Lets so many run at once (requests to an API, statements on a database); the others wait in line, in the order in which they came. */
export class Gate {
  readonly #limits: GateLimits
  readonly #line = new Set<() => void>()
  #running = 0

  constructor (limits: GateLimits) { this.#limits = limits }

  get running (): number { return this.#running }
  get waiting (): number { return this.#line.size }

  /** Takes a place if one is free. Who got one has to leave. */
  enter (): boolean {
    if (this.#running >= this.#limits.maxConcurrent) return false
    this.#running++
    return true
  }

  /** Resolves with a place. Rejects with GateFull, GateTimeout or the reason of the signal; there is no place to leave then. */
  wait (timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (this.#line.size >= this.#limits.maxQueue) throw new GateFull()
      const stop = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#line.delete(onTurn)
      }
      const onTurn = (): void => { stop(); resolve() }
      const onAbort = (): void => { stop(); reject(signal?.reason) }
      const timer = setTimeout(() => { stop(); reject(new GateTimeout(timeoutMs)) }, timeoutMs)
      signal?.addEventListener('abort', onAbort)
      this.#line.add(onTurn)
    })
  }

  /** Gives the place to the next in line. */
  leave (): void {
    const [next] = this.#line
    if (next === undefined) this.#running--
    else next()
  }
}
