import { parentPort, workerData } from 'node:worker_threads'
import { checkCode, runCall, type Verdict } from './call.ts'
import { COMMON_MEMORY_BYTES, createEngine, type Machine } from './engine.ts'
import type { Reply } from '../threads/pool.ts'
import type { CallRequest, Request, SandboxWork, StopReason } from './messages.ts'

/** A sandbox thread: serves one request after the other, each in a context of its own. Started by threads/pool.ts. */

/** Bounds what one call can make the main thread deliver. */
const MAX_EVENTS = 1000
const MAX_EVENT_CHARS = 1024 * 1024

if (parentPort === null) throw new Error('This file is the entry of a worker thread: it cannot be run by itself.')
const port = parentPort
const stopFlag = new Int32Array(workerData as SharedArrayBuffer)
const engine = await createEngine()

let last: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => { last = last.then(() => serve(request)) })
post({ type: 'ready' })

async function serve (request: Request): Promise<void> {
  const memoryLimitBytes = request.type === 'check' ? COMMON_MEMORY_BYTES : request.memoryLimitBytes
  const machine = await engine.take(memoryLimitBytes)
  const events = collectEvents()
  machine.emit = events.emit
  const { outcome, sound } = request.type === 'check' ? checkCode(machine, request.code, now) : call(machine, request)
  post({ type: 'done', outcome, droppedEvents: events.dropped() })
  // After the answer is on its way, so that nobody waits for it.
  await engine.renew(memoryLimitBytes, sound)
}

function call (machine: Machine, request: CallRequest): Verdict {
  const deadline = now() + request.timeoutMs
  return runCall(machine, request, (): StopReason | undefined => {
    if (Atomics.load(stopFlag, 0) === 1) return 'stopped'
    return now() > deadline ? 'timeout' : undefined
  })
}

function collectEvents (): { emit: (text: string) => void, dropped: () => number } {
  let count = 0
  let chars = 0
  let dropped = 0
  return {
    emit (text) {
      if (text === '' || count >= MAX_EVENTS || chars + text.length > MAX_EVENT_CHARS) {
        dropped++
        return
      }
      count++
      chars += text.length
      post({ type: 'event', event: text })
    },
    dropped: () => dropped
  }
}

function post (reply: Reply<SandboxWork>): void {
  port.postMessage(reply)
}

function now (): number {
  return performance.now()
}
