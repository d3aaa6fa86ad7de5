/** What a client can see: another status, a broken connection, an error instead of a result. */
export class Failure extends Error {}

/** What no client may ever see. */
export class Fault extends Error {}

export interface FailedCall { readonly what: string, readonly how: string, readonly beganAt: number, readonly endedAt: number }

/** What was done at once, and what became of each: an answer, a Failure, or a Fault. What does not end is a Fault. */
export class CallBook {
  readonly #maxCallMs: number
  readonly #failures: FailedCall[] = []
  readonly #faults: string[] = []
  #begun = 0
  #answered = 0

  constructor (maxCallMs: number) { this.#maxCallMs = maxCallMs }

  get begun (): number { return this.#begun }
  get answered (): number { return this.#answered }
  get failures (): readonly FailedCall[] { return this.#failures }
  get faults (): readonly string[] { return this.#faults }

  async keep (what: string, work: Promise<void>): Promise<void> {
    const beganAt = Date.now()
    this.#begun++
    let timer
    const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => { reject(new Fault(`no end within ${this.#maxCallMs} ms`)) }, this.#maxCallMs) })
    try {
      await Promise.race([work, late])
      this.#answered++
    } catch (error) {
      if (error instanceof Failure) this.#failures.push({ what, how: error.message, beganAt, endedAt: Date.now() })
      else this.#faults.push(`${what}: ${String(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** How many calls failed in each way. */
  countFailures (): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { how } of this.#failures) counts.set(how, (counts.get(how) ?? 0) + 1)
    return counts
  }
}
