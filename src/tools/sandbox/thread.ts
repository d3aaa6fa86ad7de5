import { Worker } from 'node:worker_threads'
import { STOP_FLAG_BYTES } from './messages.ts'

/** The heap holds texts on their way in and out only; the stack must outlast the one that QuickJS may fill (engine.ts). */
const resourceLimits = { maxOldGenerationSizeMb: 256, stackSizeMb: 8 }

export interface SandboxThread {
  readonly worker: Worker
  /** Asks the running request to stop, or takes that back before the next. */
  setStop (stop: boolean): void
}

/** Starts worker.ts in a thread that has nothing of this process: no environment, no arguments, no streams, none of its loaders or debuggers. */
export function startThread (): SandboxThread {
  const shared = new SharedArrayBuffer(STOP_FLAG_BYTES)
  const stopFlag = new Int32Array(shared)
  const { entry, isText } = locateEntry()
  // stdout and stderr are streams that nobody reads (reading would keep the process alive): that of the process may carry the protocol.
  const worker = new Worker(entry, { eval: isText, name: 'sandbox', env: {}, argv: [], execArgv: [], resourceLimits, stdout: true, stderr: true, workerData: shared })
  return { worker, setStop (stop) { Atomics.store(stopFlag, 0, stop ? 1 : 0) } }
}

/** The built worker; or, when this runs from its sources, a line that loads those: tsx does not follow `--import` into threads on Node 20. */
function locateEntry (): { entry: string | URL, isText: boolean } {
  if (!import.meta.url.endsWith('.ts')) return { entry: new URL('./worker.js', import.meta.url), isText: false }
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const file = JSON.stringify(new URL('./worker.ts', import.meta.url).href)
  return { entry: `import(${tsx}).then(({ register }) => { register(); return import(${file}) })`, isText: true }
}
