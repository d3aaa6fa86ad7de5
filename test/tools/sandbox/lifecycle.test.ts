import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { CancelledError } from '../../../src/core/call-errors.ts'
import { mib, openSandbox } from '../../helpers/sandbox.ts'

const root = join(import.meta.dirname, '../../..')
/** Loops in one operation of the engine, which only the end of the thread stops. */
const deaf = 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)'
/** Says that it runs, and then loops. */
const loop = 'console.log("begun"); for (;;);'

/** Starts a call that reports when it runs, and a promise for that. */
function begin (start: (onEvent: () => void) => Promise<unknown>): [call: Promise<unknown>, begun: Promise<void>] {
  let report = (): void => {}
  const begun = new Promise<void>((resolve) => { report = resolve })
  return [start(() => { report() }), begun]
}

t.test('a cancelled call is rejected at once, and its thread serves the next', async (t) => {
  for (const [name, code] of [['an interruptible loop', loop], ['a deaf operation', `console.log("begun"); ${deaf}`]] as const) {
    const { run } = openSandbox(t, { maxWorkers: 1 })
    const controller = new AbortController()
    const call = run(code, {}, { timeoutMs: 60_000, signal: controller.signal, onEvent: () => { controller.abort(new CancelledError()) } })
    await t.rejects(call, { code: 'MCP_CANCELLED' }, name)
    t.equal(await run('return 1'), 1, name)
  }
})

t.test('a signal without a reason of ours means cancelled; one that is aborted already starts nothing', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  const controller = new AbortController()
  await t.rejects(run(loop, {}, { signal: controller.signal, onEvent: () => { controller.abort() } }), { code: 'MCP_CANCELLED' })
  await t.rejects(run('return 1', {}, { signal: AbortSignal.abort() }), { code: 'MCP_CANCELLED' })
})

t.test('a waiting call can be cancelled, and the others keep their turn', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  t.strictSame([await run('return 2'), await run('return 3')], [2, 3])
  const looping = new AbortController()
  const waiting = new AbortController()
  const [first, begun] = begin((onEvent) => run(loop, {}, { timeoutMs: 60_000, signal: looping.signal, onEvent }))
  await begun
  const second = run('return 2', {}, { signal: waiting.signal })
  const third = run('return 3')
  waiting.abort()
  await t.rejects(second, { code: 'MCP_CANCELLED' })
  looping.abort()
  await t.rejects(first, { code: 'MCP_CANCELLED' })
  t.equal(await third, 3)
})

t.test('the queue is bounded: calls too many are refused as overload, the others are served', async (t) => {
  const { sandbox, run } = openSandbox(t, { maxWorkers: 1, maxQueue: 3 })
  await sandbox.check(loop)
  await sandbox.check('(args) => args.n')
  const controller = new AbortController()
  const [looping, begun] = begin((onEvent) => run(loop, {}, { timeoutMs: 60_000, signal: controller.signal, onEvent }))
  await begun
  // Each with a signal of its own, as real calls have.
  const calls = Array.from({ length: 5 }, (_, n) => run('(args) => args.n', { n }, { signal: new AbortController().signal }))
  const outcomes = Promise.allSettled(calls)
  controller.abort()
  await t.rejects(looping, { code: 'MCP_CANCELLED' })
  const told = (await outcomes).map((outcome) => outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code)
  t.strictSame(told, [0, 1, 2, 'MCP_OVERLOADED', 'MCP_OVERLOADED'])
})

t.test('a thread that breaks takes only its own call with it', async (t) => {
  const { run, fail } = openSandbox(t, { maxWorkers: 2 })
  await Promise.all([run('return 1'), run('return 2')])
  // No WebAssembly memory has such a size: the thread itself fails.
  const broken = fail('return 1', {}, { memoryLimitBytes: NaN })
  const others = Promise.all(Array.from({ length: 10 }, (_, n) => run('(args) => args.n', { n })))
  t.match(await broken, /The sandbox that ran this code broke/)
  t.strictSame(await others, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('calls with many different memory limits are all served by one thread', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  for (const size of [1, 2, 3, 4, 5, 6, 64, 1, 1024, 2048, 6]) t.equal(await run('return args.size', { size }, { memoryLimitBytes: size * mib }), size)
})

t.test('close ends what runs and what waits, and refuses what comes after', async (t) => {
  const { sandbox, run } = openSandbox(t, { maxWorkers: 1 })
  const [running, begun] = begin((onEvent) => run(loop, {}, { timeoutMs: 60_000, onEvent }))
  const waiting = run('return 1')
  const rejected = Promise.all([t.rejects(running, /sandbox for inline code is closed/), t.rejects(waiting, /sandbox for inline code is closed/)])
  await begun
  await sandbox.close()
  await rejected
  await t.rejects(run('return 1'), /sandbox for inline code is closed/)
  await t.rejects(sandbox.check('return 2'), /sandbox for inline code is closed/)
  await sandbox.close()
})

t.test('close before first use does nothing', async (t) => {
  const { sandbox } = openSandbox(t)
  await sandbox.close()
})

/** Uses a sandbox in a process of its own; prints to stderr only. */
function program (sandboxUrl: string): string {
  return `
    import { createSandbox } from ${JSON.stringify(sandboxUrl)}
    const sandbox = createSandbox({ maxWorkers: 1 })
    const run = (code) => sandbox.run({ code, args: { a: 1, b: 2 }, info: { requestId: 'r', metadata: { toolName: 't' } }, timeoutMs: 5000, memoryLimitBytes: ${64 * mib}, maxOutputBytes: 1000 })
    const results = [await run('async (args) => args.a + args.b')]
    for (const code of ['console.log("to stdout?"); return 1', 'throw new Error("x")', 'return eval("(".repeat(100000))', 'const all = []; for (;;) all.push({})', 'return Object.keys(globalThis).length']) {
      results.push(await run(code).catch((error) => error.code))
    }
    console.error(JSON.stringify(results))
  `
}

async function execute (t: Test, folder: string, sandboxFile: string, flags: readonly string[]): Promise<{ code: number | null, stdout: string, stderr: string }> {
  const file = join(folder, 'program.mjs')
  writeFileSync(file, program(pathToFileURL(sandboxFile).href))
  const child = spawn(process.execPath, [...flags, file], { cwd: root, env: { SECRET: 'not for the sandbox' } })
  t.teardown(() => { child.kill('SIGKILL') })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const code = await new Promise<number | null>((resolve) => { child.on('close', resolve) })
  return { code, stdout, stderr }
}

const expected = '[3,1,"MCP_TOOL_FAILED","MCP_TOOL_FAILED","MCP_TOOL_FAILED",0]\n'

t.test('a process that uses a sandbox writes nothing to stdout and ends by itself, without close', async (t) => {
  t.strictSame(await execute(t, t.testdir({}), join(root, 'src/tools/sandbox/index.ts'), ['--import=tsx']), { code: 0, stdout: '', stderr: expected })
})

t.test('the compiled files run without tsx', async (t) => {
  const dist = t.testdir({ 'package.json': '{ "type": "module" }' })
  compile('src/tools/sandbox', dist)
  compile('src/tools/threads', dist)
  compile('src/core', dist)
  t.ok(existsSync(join(dist, 'src/tools/sandbox/worker.js')))
  t.strictSame(await execute(t, dist, join(dist, 'src/tools/sandbox/index.js'), []), { code: 0, stdout: '', stderr: expected })
})

/** Compiles each file of a folder by itself, as the build does. */
function compile (folder: string, dist: string): void {
  mkdirSync(join(dist, folder), { recursive: true })
  for (const name of readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, folder, name), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, rewriteRelativeImportExtensions: true, verbatimModuleSyntax: true }
    })
    writeFileSync(join(dist, folder, name.replace(/\.ts$/, '.js')), outputText)
  }
}
