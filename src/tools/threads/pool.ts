import type { Worker } from 'node:worker_threads'
import { OverloadedError } from '../../core/errors.ts'
import type { PoolState } from '../../core/handler-check.ts'
import { createTask, type Job, type Task, type Work } from './task.ts'

/** What setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A thread of a pool. */
export interface PoolThread {
  readonly worker: Worker
  /** Asks the running request to stop, or takes that back before the next. */
  setStop (stop: boolean): void
}

/** Thread to pool. `ready` comes once; every request is answered by one `done`, after its events. */
export type Reply<W extends Work> =
  | { readonly type: 'ready' }
  | { readonly type: 'event', readonly event: W['event'] }
  | { readonly type: 'done', readonly outcome: W['outcome'], readonly droppedEvents: number }
  /** Something failed in the thread that belongs to no request any more. */
  | { readonly type: 'stray', readonly cause: Error }

export interface PoolOptions<W extends Work> {
  start (): PoolThread
  /** The outcome of a request whose thread was killed because its time was up. */
  readonly timedOut: W['outcome']
  /** What a request is rejected with when the pool is closed, and when its thread broke. */
  readonly failures: { closed (): Error, broken (cause: Error): Error }
  /** Whether requests of this kind take no time, so that one thread does all that wait. */
  isBrief? (request: W['request']): boolean
  /** Told what failed in a thread while no request ran. */
  onStray? (cause: Error): void
  readonly maxWorkers: number
  readonly maxQueue: number
  /** How long a thread may be without work before it ends. */
  readonly idleTimeoutMs: number
  /** How long a thread may go on after it should have stopped by itself. */
  readonly graceMs: number
}

interface Thread<W extends Work> extends PoolThread {
  ready: boolean
  task: Task<W> | undefined
  /** Of the running task's last resort, or of idleness. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Threads for code that may block: started when needed, one request at a time each, killed when they do not answer. Piscina, which does
 * most of this, leaves tasks with an abort signal out of its queue limit, strands its queue when such a task is aborted
 * while no other thread is left, and cannot keep a thread's stdout from the process.
 */
export class Pool<W extends Work> {
  readonly #options: PoolOptions<W>
  readonly #threads = new Set<Thread<W>>()
  readonly #queue = new Set<Task<W>>()
  #failedStarts = 0
  #closed = false

  constructor (options: PoolOptions<W>) {
    this.#options = options
  }

  get state (): PoolState {
    const running = [...this.#threads].filter(({ task }) => task !== undefined).length
    return { running, waiting: this.#queue.size, isFull: this.#queue.size >= this.#options.maxQueue, failedStarts: this.#failedStarts }
  }

  /** Rejects with the signal's reason, with an OverloadedError when the queue is full, or with what `failures` says. */
  async run (job: Job<W>): Promise<W['outcome']> {
    if (this.#closed) throw this.#options.failures.closed()
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
    for (const task of tasks) task.reject(this.#options.failures.closed())
    await Promise.all(ends)
  }

  /** Gives waiting tasks to free threads, and starts a thread when that is not enough. */
  #pump (): void {
    let starting = 0
    let brief = false
    for (const thread of this.#threads) {
      if (thread.ready && thread.task === undefined) this.#assign(thread)
      if (!thread.ready) starting++
      brief ||= !thread.ready || (thread.task !== undefined && this.#isBrief(thread.task))
    }
    const [next] = this.#queue
    const wanted = next !== undefined && this.#isBrief(next) ? !brief : this.#queue.size > starting
    if (wanted && this.#threads.size < this.#options.maxWorkers) this.#start()
  }

  #isBrief ({ job }: Task<W>): boolean {
    return this.#options.isBrief?.(job.request) ?? false
  }

  #start (): void {
    const thread: Thread<W> = { ...this.#options.start(), ready: false, task: undefined, timer: undefined }
    this.#threads.add(thread)
    thread.worker.on('message', (reply: Reply<W>) => { this.#receive(thread, reply) })
    thread.worker.on('error', (error) => { this.#lose(thread, error) })
    thread.worker.on('exit', (code) => { this.#lose(thread, new Error(`The thread exited with code ${code}.`)) })
  }

  #assign (thread: Thread<W>): void {
    const task = this.#takeFirst()
    if (task === undefined) return
    thread.task = task
    thread.setStop(false)
    thread.worker.ref()
    thread.worker.postMessage(task.job.request)
    this.#allow(thread, task, task.job.limitMs + this.#options.graceMs)
  }

  #receive (thread: Thread<W>, reply: Reply<W>): void {
    if (!this.#threads.has(thread)) return
    const { task } = thread
    switch (reply.type) {
      case 'ready':
        thread.ready = true
        this.#failedStarts = 0
        return this.#release(thread)
      case 'event':
        return task?.report(() => task.job.onEvent?.(reply.event, (message) => { if (thread.task === task) thread.worker.postMessage(message) }))
      case 'done':
        if (reply.droppedEvents > 0) task?.report(() => task.job.onDropped?.(reply.droppedEvents))
        task?.resolve(reply.outcome)
        return this.#release(thread)
      case 'stray':
        return this.#options.onStray?.(reply.cause)
      default:
        return reply satisfies never
    }
  }

  /** Takes up the next task; without one, the thread neither keeps the process alive nor stays for long. */
  #release (thread: Thread<W>): void {
    clearTimeout(thread.timer)
    thread.task = undefined
    this.#pump()
    if (thread.task !== undefined) return
    thread.worker.unref()
    thread.timer = setTimeout(() => { void this.#end(thread) }, this.#options.idleTimeoutMs).unref()
  }

  /** Nobody wants the answer any more. First the flag, which QuickJS looks at while it runs; then the end of the thread. */
  #abandon (task: Task<W>): void {
    if (this.#queue.delete(task)) return
    for (const thread of this.#threads) {
      if (thread.task !== task) continue
      thread.setStop(true)
      this.#allow(thread, task, this.#options.graceMs)
    }
  }

  /** Ends the thread if it still has the task after this time. */
  #allow (thread: Thread<W>, task: Task<W>, ms: number): void {
    clearTimeout(thread.timer)
    thread.timer = setTimeout(() => {
      // If it was this process that was late, the answer is there and waits to be read: look once more.
      setImmediate(() => {
        if (thread.task !== task) return
        void this.#end(thread)
        task.resolve(this.#options.timedOut)
        this.#pump()
      })
    }, Math.min(ms, MAX_TIMER_MS))
  }

  /** A thread that broke takes only its own task with it, or, when it never began to work, the one it was started for. */
  #lose (thread: Thread<W>, cause: Error): void {
    if (!this.#threads.has(thread)) return
    void this.#end(thread)
    if (!thread.ready) this.#failedStarts++
    const task = thread.task ?? (thread.ready ? undefined : this.#takeFirst())
    if (task === undefined) this.#options.onStray?.(cause)
    else task.reject(this.#options.failures.broken(cause))
    this.#pump()
  }

  #end (thread: Thread<W>): Promise<number> {
    clearTimeout(thread.timer)
    this.#threads.delete(thread)
    return thread.worker.terminate()
  }

  #takeFirst (): Task<W> | undefined {
    const [first] = this.#queue
    if (first !== undefined) this.#queue.delete(first)
    return first
  }
}
