import { ToolFailedError } from '../../core/call-errors.ts'
import { OverloadedError } from '../../core/errors.ts'
import type { Outcome, Reply } from './messages.ts'
import { createTask, type Job, type Task } from './task.ts'
import { startThread, type SandboxThread } from './thread.ts'

/** What setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1

export interface PoolOptions {
  readonly maxWorkers: number
  readonly maxQueue: number
  /** How long a thread may be without work before it ends. */
  readonly idleTimeoutMs: number
  /** How long a thread may go on after it should have stopped by itself. */
  readonly graceMs: number
}

interface Thread extends SandboxThread {
  ready: boolean
  task: Task | undefined
  /** Of the running task's last resort, or of idleness. */
  timer: NodeJS.Timeout | undefined
}

/**
 * The sandbox threads: started when needed, one request at a time each, killed when they do not answer. Piscina, which does
 * most of this, leaves tasks with an abort signal out of its queue limit, strands its queue when such a task is aborted
 * while no other thread is left, and cannot keep a thread's stdout from the process.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #threads = new Set<Thread>()
  readonly #queue = new Set<Task>()
  #closed = false

  constructor (options: PoolOptions) {
    this.#options = options
  }

  /** Rejects with the signal's reason, with an OverloadedError when the queue is full, or with a ToolFailedError when the thread breaks. */
  async run (job: Job): Promise<Outcome> {
    if (this.#closed) throw closedError()
    if (job.signal?.aborted === true) throw job.signal.reason
    if (this.#queue.size >= this.#options.maxQueue) throw new OverloadedError()
    return new Promise((resolve, reject) => {
      this.#queue.add(createTask(job, { resolve, reject }, (task) => { this.#abandon(task) }))
      this.#pump()
    })
  }

  /** Ends all threads; what runs or waits is rejected. */
  async close (): Promise<void> {
    this.#closed = true
    const threads = [...this.#threads]
    const tasks = [...this.#queue, ...threads.flatMap(({ task }) => task ?? [])]
    this.#queue.clear()
    const ends = threads.map((thread) => this.#end(thread))
    for (const task of tasks) task.reject(closedError())
    await Promise.all(ends)
  }

  /** Gives waiting tasks to free threads, and starts a thread when that is not enough. */
  #pump (): void {
    let starting = 0
    let checking = false
    for (const thread of this.#threads) {
      if (thread.ready && thread.task === undefined) this.#assign(thread)
      if (!thread.ready) starting++
      checking ||= !thread.ready || thread.task?.job.request.type === 'check'
    }
    // The checks of a whole configuration come at once and take no time: one thread does them all.
    const [next] = this.#queue
    const wanted = next?.job.request.type === 'check' ? !checking : this.#queue.size > starting
    if (wanted && this.#threads.size < this.#options.maxWorkers) this.#start()
  }

  #start (): void {
    const thread: Thread = { ...startThread(), ready: false, task: undefined, timer: undefined }
    this.#threads.add(thread)
    thread.worker.on('message', (reply: Reply) => { this.#receive(thread, reply) })
    thread.worker.on('error', (error) => { this.#lose(thread, error) })
    thread.worker.on('exit', (code) => { this.#lose(thread, new Error(`The thread exited with code ${code}.`)) })
  }

  #assign (thread: Thread): void {
    const task = this.#takeFirst()
    if (task === undefined) return
    thread.task = task
    thread.setStop(false)
    thread.worker.ref()
    thread.worker.postMessage(task.job.request)
    this.#allow(thread, task, task.job.limitMs + this.#options.graceMs)
  }

  #receive (thread: Thread, reply: Reply): void {
    if (!this.#threads.has(thread)) return
    const { task } = thread
    switch (reply.type) {
      case 'ready':
        thread.ready = true
        return this.#release(thread)
      case 'event':
        return task?.report(() => task.job.onEvent?.(reply.text))
      case 'done':
        if (reply.droppedEvents > 0) task?.report(() => task.job.onDropped?.(reply.droppedEvents))
        task?.resolve(reply.outcome)
        return this.#release(thread)
      default:
        return reply satisfies never
    }
  }

  /** Takes up the next task; without one, the thread neither keeps the process alive nor stays for long. */
  #release (thread: Thread): void {
    clearTimeout(thread.timer)
    thread.task = undefined
    this.#pump()
    if (thread.task !== undefined) return
    thread.worker.unref()
    thread.timer = setTimeout(() => { void this.#end(thread) }, this.#options.idleTimeoutMs).unref()
  }

  /** Nobody wants the answer any more. First the flag, which QuickJS looks at while it runs; then the end of the thread. */
  #abandon (task: Task): void {
    if (this.#queue.delete(task)) return
    for (const thread of this.#threads) {
      if (thread.task !== task) continue
      thread.setStop(true)
      this.#allow(thread, task, this.#options.graceMs)
    }
  }

  /** Ends the thread if it still has the task after this time. */
  #allow (thread: Thread, task: Task, ms: number): void {
    clearTimeout(thread.timer)
    thread.timer = setTimeout(() => {
      // If it was this process that was late, the answer is there and waits to be read: look once more.
      setImmediate(() => {
        if (thread.task !== task) return
        void this.#end(thread)
        task.resolve({ type: 'timeout' })
        this.#pump()
      })
    }, Math.min(ms, MAX_TIMER_MS))
  }

  /** A thread that broke takes only its own task with it, or, when it never began to work, the one it was started for. */
  #lose (thread: Thread, cause: Error): void {
    if (!this.#threads.has(thread)) return
    void this.#end(thread)
    const task = thread.task ?? (thread.ready ? undefined : this.#takeFirst())
    task?.reject(brokenError(cause))
    this.#pump()
  }

  #end (thread: Thread): Promise<number> {
    clearTimeout(thread.timer)
    this.#threads.delete(thread)
    return thread.worker.terminate()
  }

  #takeFirst (): Task | undefined {
    const [first] = this.#queue
    if (first !== undefined) this.#queue.delete(first)
    return first
  }
}

function closedError (): Error {
  return new ToolFailedError('The sandbox for inline code is closed: the server is stopping.')
}

function brokenError (cause: Error): Error {
  const outOfMemory = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return new ToolFailedError(outOfMemory ? 'The arguments or the result were too large for the sandbox.' : 'The sandbox that ran this code broke. The server log has the details.', { cause })
}
