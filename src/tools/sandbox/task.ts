import type { Outcome, Request } from './messages.ts'

/** A request for a sandbox thread, with its limits and those who want to hear of it. */
export interface Job {
  readonly request: Request
  /** How long the request may run in its thread. */
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
  /** Called while the request runs and before it ends. What it throws ends the job. */
  readonly onEvent?: ((text: string) => void) | undefined
  readonly onDropped?: ((count: number) => void) | undefined
}

/** A job on its way through the pool. It ends once; what comes later is ignored. */
export interface Task {
  readonly job: Job
  resolve (outcome: Outcome): void
  reject (error: unknown): void
  /** Calls one of those who want to hear; what it throws ends the task. */
  report (deliver: () => void): void
}

/** How the owner of a job hears of its end. */
export interface Settle { resolve (outcome: Outcome): void, reject (error: unknown): void }

/** Makes a task; `onGivenUp` is called when its signal or its observer ends it before its thread did. */
export function createTask (job: Job, settle: Settle, onGivenUp: (task: Task) => void): Task {
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

  const task: Task = {
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
