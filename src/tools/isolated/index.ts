import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { CancelledError, ToolFailedError, ToolTimeoutError } from '../../core/call-errors.ts'
import { GantryError, HandlerLoadError } from '../../core/errors.ts'
import { logThrown } from '../../core/thrown.ts'
import type { PoolState } from '../../core/handler-check.ts'
import type { HandlerContext, HandlerOwner, JsonObject, Logger, ToolHandler } from '../../core/ports.ts'
import type { HandlerModule } from '../handler-module.ts'
import { entryBeside } from '../threads/entry.ts'
import { Pool, type PoolThread } from '../threads/pool.ts'
import { createBridge } from './bridge.ts'
import type { IsolatedWork, ThreadData } from './messages.ts'

export interface IsolationOptions {
  /** Told of what handlers leave running. */
  readonly logger: Logger | undefined
  /** How long a handler whose call was given up may take to notice before its thread is killed. Default 250 ms. */
  readonly graceMs?: number
}

/** Runs handlers in threads of their own: one that blocks, eats memory or ends its thread takes its own call with it, and no other. */
export interface Isolation {
  /** Loads the module in its thread. Rejects with a HandlerLoadError. */
  isolate (module: HandlerModule, memoryLimitBytes: number | undefined, owner: HandlerOwner): Promise<ToolHandler>
  /** How it goes with the threads of each module. */
  threads (): PoolState[]
  /** Ends all threads; what runs or waits is rejected. */
  close (): Promise<void>
}

const mib = 1024 * 1024
const defaultMemoryBytes = 256 * mib
/** How long a module may take to load. */
const loadLimitMs = 30_000
const maxQueue = 1000
const idleTimeoutMs = 60_000
/** The signal of the call is the limit: its time stands still while the client is asked. */
const noLimitMs = Infinity

export function createIsolation ({ logger, graceMs = 250 }: IsolationOptions): Isolation {
  /** By module and memory: handlers of one module share its threads. */
  const pools = new Map<string, Pool<IsolatedWork>>()

  function poolOf ({ url, path }: HandlerModule, memoryLimitBytes: number): Pool<IsolatedWork> {
    const key = `${memoryLimitBytes} ${url}`
    const known = pools.get(key)
    if (known !== undefined) return known
    const pool = new Pool<IsolatedWork>({
      start: () => startThread({ url, path }, memoryLimitBytes),
      timedOut: { type: 'timeout' },
      failures: { closed: closedError, broken: (cause) => brokenError(cause, memoryLimitBytes) },
      isBrief: ({ type }) => type === 'check',
      onStray (cause) { if (logger !== undefined) logThrown(logger, cause, { file: path }, 'A handler left something running that failed, and nobody was there to catch it.', 'error') },
      maxWorkers: Math.min(Math.max(availableParallelism(), 2), 8),
      maxQueue,
      idleTimeoutMs,
      graceMs
    })
    pools.set(key, pool)
    return pool
  }

  return {
    async isolate (module, memoryLimitBytes = defaultMemoryBytes, { name, timeoutMs }) {
      const pool = poolOf(module, memoryLimitBytes)
      await check(pool, module)
      return async (args, context) => await callIn(pool, module.exportName, args, context, () => new ToolTimeoutError(name, timeoutMs))
    },
    threads: () => [...pools.values()].map((pool) => pool.state),
    async close () {
      await Promise.all([...pools.values()].map((pool) => pool.close()))
    }
  }
}

async function check (pool: Pool<IsolatedWork>, { path, exportName }: HandlerModule): Promise<void> {
  let outcome
  try {
    outcome = await pool.run({ request: { type: 'check', exportName }, limitMs: loadLimitMs })
  } catch (error) {
    throw new HandlerLoadError(['path'], `${JSON.stringify(path)} could not be loaded: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (outcome.type === 'faulty') throw new HandlerLoadError(outcome.path, outcome.message)
  if (outcome.type !== 'checked') throw new HandlerLoadError(['path'], `${JSON.stringify(path)} was not loaded after ${loadLimitMs} ms.`)
}

async function callIn (pool: Pool<IsolatedWork>, exportName: string, args: JsonObject, context: HandlerContext, timeout: () => Error): Promise<unknown> {
  const { requestId, sessionId, principal: { kind, name, permissions, tier }, metadata, traceparent, signal } = context
  const facts = { requestId, sessionId, principal: { kind, name, permissions: [...permissions], tier }, metadata: { ...metadata }, traceparent }
  const bridge = createBridge(context)
  try {
    const outcome = await pool.run({ request: { type: 'call', exportName, args, facts }, limitMs: noLimitMs, signal, onEvent: bridge.deliver })
    switch (outcome.type) {
      case 'value': return outcome.value
      case 'thrown': throw bridge.errorOf(outcome)
      case 'timeout': throw timeout()
      case 'checked':
      case 'faulty': throw new Error(`A call cannot end as ${outcome.type}.`)
      default: return outcome satisfies never
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason && !(error instanceof GantryError)) throw new CancelledError()
    throw error
  }
}

function startThread (workerData: ThreadData, memoryLimitBytes: number): PoolThread {
  const { entry, isText } = entryBeside(import.meta.url, (specifier) => import.meta.resolve(specifier))
  const worker = new Worker(entry, {
    eval: isText, name: 'handler', argv: [], execArgv: [], workerData, resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memoryLimitBytes / mib) }
  })
  return { worker, setStop (stop) { if (stop) worker.postMessage({ type: 'abort' }) } }
}

function closedError (): Error {
  return new ToolFailedError('The threads of handlers are closed: the server is stopping.')
}

function brokenError (cause: Error, memoryLimitBytes: number): Error {
  const outOfMemory = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return new ToolFailedError(outOfMemory ? `The handler used more memory than its limit of ${memoryLimitBytes} bytes.` : `The handler ended its thread: ${cause.message}`, { cause })
}
