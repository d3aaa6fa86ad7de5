import type { Worker } from 'node:worker_threads'
import t from 'tap'
import { openSandbox } from '../../helpers/sandbox.ts'

/** Collects the sandbox threads that this process starts while `work` runs. Node has threads of its own, for loaders. */
async function threadsOf (work: () => Promise<unknown>): Promise<Worker[]> {
  const started: Worker[] = []
  const collect = (worker: Worker): void => { if (worker.resourceLimits?.stackSizeMb === 8) started.push(worker) }
  process.on('worker', collect)
  await work()
  process.off('worker', collect)
  return started
}

t.test('a sandbox that is made and not used starts no thread', async (t) => {
  t.strictSame(await threadsOf(async () => { await openSandbox(t).sandbox.close() }), [])
})

t.test('the checks of a whole configuration start one thread, which then serves the calls', async (t) => {
  const { sandbox, run } = openSandbox(t, { maxWorkers: 4 })
  const threads = await threadsOf(async () => {
    const found = await Promise.all(Array.from({ length: 20 }, (_, n) => sandbox.check(`(args) => ${n}`)))
    t.ok(found.every(({ ok }) => ok))
    t.equal(await run('(args) => 7'), 7)
  })
  t.equal(threads.length, 1)
})

t.test('calls one after the other use one thread; calls at once use as many as are allowed, and no more', async (t) => {
  const { sandbox, run } = openSandbox(t, { maxWorkers: 2 })
  await sandbox.check('return 1')
  t.strictSame(await threadsOf(async () => {
    for (let n = 0; n < 5; n++) await run('return 1')
  }), [])
  const more = await threadsOf(async () => { await Promise.all(Array.from({ length: 10 }, () => run('return 1'))) })
  t.equal(more.length, 1)
})

t.test('a thread without work ends after its idle time, and the next call starts another', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1, idleTimeoutMs: 1 })
  let exited = Promise.resolve(0)
  await threadsOf(async () => {
    const watch = (worker: Worker): void => { exited = new Promise((resolve) => { worker.once('exit', resolve) }) }
    process.once('worker', watch)
    t.equal(await run('return 1'), 1)
  })
  // An idle thread does not keep the process alive; this timer does, until it has ended.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { clearInterval(alive) })
  t.equal(await exited, 1)
  const next = await threadsOf(async () => { t.equal(await run('return 1'), 1) })
  t.equal(next.length, 1)
})

t.test('a thread that does not answer in time is ended', async (t) => {
  const { run, fail } = openSandbox(t, { maxWorkers: 1 })
  const [thread] = await threadsOf(() => run('return 1'))
  const exited = new Promise((resolve) => { thread?.once('exit', resolve) })
  t.match(await fail('return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)', {}, { timeoutMs: 50 }), /did not finish within 50 ms/)
  t.equal(await exited, 1)
})

t.test('a loop that is interrupted does not cost its thread', async (t) => {
  const { run, fail } = openSandbox(t, { maxWorkers: 1 })
  await run('return 1')
  t.strictSame(await threadsOf(async () => {
    for (const code of ['for (;;);', 'while (true) await 0', 'const all = []; for (;;) all.push({})', 'return eval("(".repeat(100000))']) await fail(code, {}, { timeoutMs: 1000 })
    t.equal(await run('return 1'), 1)
  }), [])
})

t.test('a loop that is cancelled does not cost its thread', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1, graceMs: 60_000 })
  await run('return 1')
  t.strictSame(await threadsOf(async () => {
    for (const code of ['console.log("begun"); for (;;);', 'console.log("begun"); while (true) await 0', 'console.log("begun"); /^(a+)+$/.test("a".repeat(64) + "b")']) {
      const controller = new AbortController()
      await t.rejects(run(code, {}, { timeoutMs: 60_000, signal: controller.signal, onEvent: () => { controller.abort() } }), { code: 'MCP_CANCELLED' })
    }
    t.equal(await run('return 1'), 1)
  }), [])
})

t.test('a thread has limits of its own and no standard input', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  const [thread] = await threadsOf(() => run('return 1'))
  t.not(thread, undefined)
  t.equal(thread?.stdin, null)
  t.match(thread?.resourceLimits, { maxOldGenerationSizeMb: 256, stackSizeMb: 8 })
})
