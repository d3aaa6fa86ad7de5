import { OverloadedError, ToolFailedError } from '../../core/errors.ts'
import type { Outcome, Reply, Request } from './messages.ts'
import { startThread, type SandboxThread } from './thread.ts'

/**
 * The sandbox threads: started when needed, one request at a time each, killed when they do not answer. Piscina, which does
 * most of this, leaves tasks with an abort signal out of its queue limit, strands its queue when such a task is aborted
 * while no thread is left, and cannot keep a thread's stdout from the process.
 */

export interface PoolOptions {
  readonly maxWorkers: number
  readonly maxQueue: number
  /** How long a thread may be without work before it ends. */
  readonly idleTimeoutMs: number
  /** How long a thread may go on after it should have stopped by itself. */
  readonly graceMs: number
}

export interface Job {
  readonly request: Request
  /** How long the request may run in its thread. */
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
  /** Called while the request runs and before it ends. What it throws ends the job. */
  readonly onEvent?: ((text: string) => void) | undefined
  readonly onDropped?: ((count: number) => void) | undefined
}

export interface Pool {
  /** Rejects with the signal's reason, with an OverloadedError when the queue is full, or with a ToolFailedError when the thread breaks. */
  run (job: Job): Promise<Outcome>
  close (): Promise<void>
}

interface Task extends Job {
  resolve (outcome: Outcome): void
  reject (error: unknown): void
  /** Ends the task, wherever it is, with this error. */
  abandon (error: unknown): void
  /** Calls back to whom the task belongs, unless it has ended. */
  report (deliver: () => void): void
}

interface Thread extends SandboxThread {
  ready: boolean
  task: Task | undefined
  /** Of the running task's last resort, or of idleness. */
  timer: NodeJS.Timeout | undefined
}

export function createPool (options: PoolOptions): Pool {
  const threads = new Set<Thread>()
  const queue = new Set<Task>()
  let closed = false

  function run (job: Job): Promise<Outcome> {
    if (closed) return Promise.reject(closedError())
    if (job.signal?.aborted === true) return Promise.reject(job.signal.reason)
    if (queue.size >= options.maxQueue) return Promise.reject(new OverloadedError())
    return new Promise((resolve, reject) => {
      queue.add(createTask(job, resolve, reject))
      pump()
    })
  }

  function createTask (job: Job, resolve: (outcome: Outcome) => void, reject: (error: unknown) => void): Task {
    let settled = false
    const settle = (how: () => void): void => {
      settled = true
      job.signal?.removeEventListener('abort', onAbort)
      how()
    }
    const onAbort = (): void => { task.abandon(job.signal?.reason) }
    const task: Task = {
      ...job,
      resolve (outcome) { settle(() => { resolve(outcome) }) },
      reject (error) { settle(() => { reject(error) }) },
      abandon (error) {
        task.reject(error)
        if (!queue.delete(task)) stop(task)
      },
      report (deliver) {
        if (settled) return
        try {
          deliver()
        } catch (error) {
          task.abandon(error)
        }
      }
    }
    job.signal?.addEventListener('abort', onAbort, { once: true })
    return task
  }

  /** Gives waiting tasks to free threads, and starts a thread when that is not enough. */
  function pump (): void {
    let starting = 0
    let checking = false
    for (const thread of threads) {
      if (thread.ready && thread.task === undefined) assign(thread)
      if (!thread.ready) starting++
      checking ||= !thread.ready || thread.task?.request.type === 'check'
    }
    // The checks of a whole configuration come at once and take no time: one thread does them all.
    const [next] = queue
    const wanted = next?.request.type === 'check' ? !checking : queue.size > starting
    if (wanted && threads.size < options.maxWorkers) start()
  }

  function assign (thread: Thread): void {
    const task = takeFirst(queue)
    if (task === undefined) return
    clearTimeout(thread.timer)
    thread.task = task
    thread.setStop(false)
    thread.worker.ref()
    thread.worker.postMessage(task.request)
    thread.timer = setTimeout(() => { expire(thread, task) }, task.limitMs + options.graceMs)
  }

  /** Takes up the next task; without one, the thread neither keeps the process alive nor stays for long. */
  function release (thread: Thread): void {
    clearTimeout(thread.timer)
    thread.task = undefined
    pump()
    if (thread.task !== undefined) return
    thread.worker.unref()
    thread.timer = setTimeout(() => { void end(thread) }, options.idleTimeoutMs).unref()
  }

  function start (): void {
    const thread: Thread = { ...startThread(), ready: false, task: undefined, timer: undefined }
    const { worker } = thread
    threads.add(thread)
    worker.on('message', (reply: Reply) => { receive(thread, reply) })
    worker.on('error', (error) => { lose(thread, error) })
    worker.on('exit', (code) => { lose(thread, new Error(`The thread exited with code ${code}.`)) })
  }

  function receive (thread: Thread, reply: Reply): void {
    if (!threads.has(thread)) return
    const { task } = thread
    switch (reply.type) {
      case 'ready':
        thread.ready = true
        return release(thread)
      case 'event':
        return task?.report(() => task.onEvent?.(reply.text))
      case 'done':
        if (reply.droppedEvents > 0) task?.report(() => task.onDropped?.(reply.droppedEvents))
        task?.resolve(reply.outcome)
        return release(thread)
      default:
        return reply satisfies never
    }
  }

  /** First line: the flag, which QuickJS looks at while it runs. Second line: the end of the thread. */
  function stop (task: Task): void {
    for (const thread of threads) {
      if (thread.task !== task) continue
      thread.setStop(true)
      clearTimeout(thread.timer)
      thread.timer = setTimeout(() => { expire(thread, task) }, options.graceMs)
    }
  }

  function expire (thread: Thread, task: Task): void {
    // If it was this thread's event loop that was late, the answer is waiting to be read: look once more.
    setImmediate(() => {
      if (thread.task !== task) return
      void end(thread)
      task.resolve({ type: 'timeout' })
      pump()
    })
  }

  /** A thread that broke takes only its own task with it, or, when it never began to work, the one it was started for. */
  function lose (thread: Thread, cause: Error): void {
    if (!threads.has(thread)) return
    void end(thread)
    const task = thread.task ?? (thread.ready ? undefined : takeFirst(queue))
    task?.reject(brokenError(cause))
    pump()
  }

  function end (thread: Thread): Promise<number> {
    clearTimeout(thread.timer)
    threads.delete(thread)
    return thread.worker.terminate()
  }

  async function close (): Promise<void> {
    closed = true
    const tasks = [...queue, ...[...threads].flatMap(({ task }) => task ?? [])]
    queue.clear()
    const ends = [...threads].map(end)
    for (const task of tasks) task.reject(closedError())
    await Promise.all(ends)
  }

  return { run, close }
}

function takeFirst (queue: Set<Task>): Task | undefined {
  const [first] = queue
  if (first !== undefined) queue.delete(first)
  return first
}

function closedError (): Error {
  return new ToolFailedError('The sandbox for inline code is closed: the server is stopping.')
}

function brokenError (cause: Error): Error {
  const outOfMemory = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return new ToolFailedError(outOfMemory ? 'The arguments or the result were too large for the sandbox.' : 'The sandbox that ran this code broke. The server log has the details.', { cause })
}
