import { Worker } from 'node:worker_threads'
import { entryBeside } from '../threads/entry.ts'
import type { PoolThread } from '../threads/pool.ts'
import { STOP_FLAG_BYTES } from './messages.ts'

/** The heap holds texts on their way in and out only; the stack must outlast the one that QuickJS may fill (engine.ts). */
const resourceLimits = { maxOldGenerationSizeMb: 256, stackSizeMb: 8 }

/** Starts worker.ts in a thread that has nothing of this process: no environment, no arguments, no streams, none of its loaders or debuggers. */
export function startThread (): PoolThread {
  const shared = new SharedArrayBuffer(STOP_FLAG_BYTES)
  const stopFlag = new Int32Array(shared)
  const { entry, isText } = entryBeside(import.meta.url, (specifier) => import.meta.resolve(specifier))
  // stdout and stderr are streams that nobody reads (reading would keep the process alive): that of the process may carry the protocol.
  const worker = new Worker(entry, { eval: isText, name: 'sandbox', env: {}, argv: [], execArgv: [], resourceLimits, stdout: true, stderr: true, workerData: shared })
  return { worker, setStop (stop) { Atomics.store(stopFlag, 0, stop ? 1 : 0) } }
}
