/** What the threads of a pool are asked, tell on the way, and answer. */
export interface Work { request: unknown, event: unknown, outcome: unknown }

/** A request for a thread, with its limits and those who want to hear of it. */
export interface Job<W extends Work> {
  readonly request: W['request']
  /** How long the request may run in its thread. */
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
  /** Called while the request runs and before it ends. What it throws ends the job. `answer` tells the thread something while it runs. */
  readonly onEvent?: ((event: W['event'], answer: (message: unknown) => void) => void) | undefined
  readonly onDropped?: ((count: number) => void) | undefined
}

/** A job on its way through the pool. It ends once; what comes later is ignored. */
export interface Task<W extends Work> {
  readonly job: Job<W>
  resolve (outcome: W['outcome']): void
  reject (error: unknown): void
  /** Calls one of those who want to hear; what it throws ends the task. */
  report (deliver: () => void): void
}

/** How the owner of a job hears of its end. */
export interface Settle<W extends Work> { resolve (outcome: W['outcome']): void, reject (error: unknown): void }

/** Makes a task; `onGivenUp` is called when its signal or its observer ends it before its thread did. */
export function createTask<W extends Work> (job: Job<W>, settle: Settle<W>, onGivenUp: (task: Task<W>) => void): Task<W> {
  let isEnded = false

  function end (): void {
    isEnded = true
    job.signal?.removeEventListener('abort', onAbort)
  }
  function giveUp (error: unknown): void {
    task.reject(error)
    onGivenUp(task)
  }
  function onAbort (): void {
    giveUp(job.signal?.reason)
  }

  const task: Task<W> = {
    job,
    resolve (outcome) {
      end()
      settle.resolve(outcome)
    },
    reject (error) {
      end()
      settle.reject(error)
    },
    report (deliver) {
      if (isEnded) return
      try {
        deliver()
      } catch (error) {
        giveUp(error)
      }
    }
  }
  job.signal?.addEventListener('abort', onAbort, { once: true })
  return task
}
