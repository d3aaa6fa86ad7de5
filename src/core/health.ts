import type { Clock } from './ports.ts'

/** What runs and what does not, asked in the background: whoever reports it never waits for a peer. */

export interface Finding {
  /** `degraded` works in part. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** What is wrong, for operators. */
  readonly message?: string | undefined
  /** What more there is to know, as JSON. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** Looks at one thing. What it throws or rejects with is why that is unhealthy. */
export type Check = () => Finding | Promise<Finding>

export interface Outcome {
  /** `unknown`: there is no outcome yet, or it is too old to say anything. */
  readonly status: Finding['status'] | 'unknown'
  readonly message?: string | undefined
  readonly facts?: Readonly<Record<string, unknown>>
  /** In milliseconds of the clock; undefined where there is no outcome yet. */
  readonly checkedAt?: number
  readonly durationMs?: number
}

export interface HealthReport {
  /** `unhealthy` when a required check is, or is not known; `degraded` when anything else is not healthy. */
  readonly status: Finding['status']
  readonly checks: ReadonlyMap<string, Outcome>
}

export interface HealthOptions {
  readonly checks: ReadonlyMap<string, Check>
  /** Names of checks. Those that there are not count for nothing. */
  readonly required: readonly string[]
  /** From the outcome of a check to its next run. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly clock: Clock
}

const notYet: Outcome = { status: 'unknown', message: 'It has not been looked at yet.' }

/** Runs checks from `start` to `stop`, each by itself, never twice at a time. */
export class Health {
  readonly #watches: ReadonlyMap<string, Watch>
  readonly #required: ReadonlySet<string>

  constructor ({ checks, required, ...timing }: HealthOptions) {
    this.#watches = new Map([...checks].map(([name, check]) => [name, new Watch(check, timing)]))
    this.#required = new Set(required)
  }

  start (): void {
    for (const watch of this.#watches.values()) watch.run()
  }

  stop (): void {
    for (const watch of this.#watches.values()) watch.stop()
  }

  /** Whether every check has had an outcome. */
  get isKnown (): boolean {
    return [...this.#watches.values()].every(({ outcome }) => outcome !== notYet)
  }

  report (): HealthReport {
    let status: HealthReport['status'] = 'healthy'
    const checks = new Map<string, Outcome>()
    for (const [name, { outcome }] of this.#watches) {
      checks.set(name, outcome)
      const isFailed = outcome.status === 'unhealthy' || outcome.status === 'unknown'
      if (isFailed && this.#required.has(name)) status = 'unhealthy'
      else if (outcome.status !== 'healthy' && status === 'healthy') status = 'degraded'
    }
    return { status, checks }
  }
}

/** One check and its last outcome. */
class Watch {
  readonly #check: Check
  readonly #timing: Pick<HealthOptions, 'intervalMs' | 'timeoutMs' | 'clock'>
  #last = notYet
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor (check: Check, timing: Pick<HealthOptions, 'intervalMs' | 'timeoutMs' | 'clock'>) {
    this.#check = check
    this.#timing = timing
  }

  /** An outcome that should have been followed by another long ago says nothing about now. */
  get outcome (): Outcome {
    const { intervalMs, timeoutMs, clock } = this.#timing
    const { checkedAt } = this.#last
    if (checkedAt === undefined || clock.now() - checkedAt <= 2 * (intervalMs + timeoutMs)) return this.#last
    return { ...this.#last, status: 'unknown', message: 'The last outcome is too old to say how it is now.' }
  }

  run (): void {
    const startedAt = this.#timing.clock.now()
    let found
    try {
      found = this.#check()
    } catch (error) {
      found = failure(error)
    }
    if (!(found instanceof Promise)) return this.#end(found, startedAt)
    this.#expect(startedAt)
    found.then((finding) => { this.#end(finding, startedAt) }, (error: unknown) => { this.#end(failure(error), startedAt) })
  }

  stop (): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** One that hangs is not asked again before it has ended: its attempts would pile up. */
  #expect (startedAt: number): void {
    const { timeoutMs, clock } = this.#timing
    this.#timer = setTimeout(() => {
      this.#note({ status: 'unhealthy', message: `It has not answered for ${clock.now() - startedAt} ms.` }, startedAt)
      this.#expect(startedAt)
    }, timeoutMs).unref()
  }

  #end (finding: Finding, startedAt: number): void {
    clearTimeout(this.#timer)
    this.#note(finding, startedAt)
    if (!this.#isStopped) this.#timer = setTimeout(() => { this.run() }, this.#timing.intervalMs).unref()
  }

  #note (finding: Finding, startedAt: number): void {
    const checkedAt = this.#timing.clock.now()
    this.#last = { ...finding, checkedAt, durationMs: checkedAt - startedAt }
  }
}

function failure (error: unknown): Finding {
  return { status: 'unhealthy', message: reasonOf(error) }
}

/** What a failure is to operators: its cause says more than the words that clients get. */
export function reasonOf (error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  return cause instanceof Error ? cause.message : message
}
