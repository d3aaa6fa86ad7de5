import { Worker } from 'node:worker_threads'
import t from 'tap'
import { createHandlerCheck } from '../../../src/core/handler-check.ts'
import { Registry } from '../../../src/core/registry.ts'
import { Pool } from '../../../src/tools/threads/pool.ts'

interface Echo { request: string, event: never, outcome: string }

const broken = 'process.exit(1)'
const echo = "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (outcome) => parentPort.postMessage({ type: 'done', outcome, droppedEvents: 0 })); parentPort.postMessage({ type: 'ready' })"

t.test('threads that end before they can work make the server unhealthy for a while, and one that works ends that', async (t) => {
  let code = broken
  let now = 0
  const pool = new Pool<Echo>({
    start: () => ({ worker: new Worker(code, { eval: true }), setStop () {} }),
    timedOut: 'late',
    failures: { closed: () => new Error('closed'), broken: (cause) => cause },
    maxWorkers: 1,
    maxQueue: 1,
    idleTimeoutMs: 60_000,
    graceMs: 100
  })
  t.teardown(() => pool.close())
  const registries = { tools: new Registry<never>(), prompts: new Registry<never>(), resources: new Registry<never>(), templates: new Registry<never>() }
  const check = createHandlerCheck({ registries, pools: () => [pool.state], clock: { now: () => now } })
  const call = async () => await pool.run({ request: 'hello', limitMs: 10_000 })

  for (const status of ['healthy', 'healthy', 'unhealthy']) {
    await t.rejects(call(), { message: /exited with code 1/ })
    t.match(check(), { status })
  }
  t.match(check(), { message: 'Threads for handlers do not start.', facts: { threads: { failedStarts: 3 } } })
  now = 30_000
  t.match(check(), { status: 'degraded' }, 'calls have to come again, or nobody would see the end of it')
  await t.rejects(call())
  t.match(check(), { status: 'unhealthy' })

  code = echo
  t.equal(await call(), 'hello')
  t.match(check(), { status: 'healthy', facts: { threads: { running: 0, waiting: 0, failedStarts: 0 } } })
  const calls = [call(), call()]
  t.match(check(), { status: 'degraded', message: 'No more calls may wait for a thread.', facts: { threads: { running: 1, waiting: 1 } } })
  t.strictSame(await Promise.all(calls), ['hello', 'hello'])
})
