import t from 'tap'
import { openSandbox } from '../../helpers/sandbox.ts'

t.test('nothing that one call changes reaches another, though one thread serves both', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  const pollutions = [
    'globalThis.secret = 1',
    'Object.prototype.secret = 1',
    'Array.prototype.map = () => "bent"',
    'Object.defineProperty(Object.prototype, "toJSON", { value: () => "bent" })',
    'JSON.stringify = JSON.parse = () => "bent"',
    'globalThis.Promise = globalThis.Error = undefined',
    'Function.prototype.constructor = () => () => "bent"',
    'console.log = context.progress = () => "bent"',
    'Object.freeze(Object.prototype); Object.freeze(globalThis)',
    'for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {}',
    'Promise.resolve().then(() => { globalThis.secret = 1 })',
    'new FinalizationRegistry(() => { globalThis.secret = 1 }).register({}, 1)',
    'Symbol.for("secret"); Math.secret = Symbol.iterator.description',
    'RegExp.prototype.exec = () => null; /(secret)/.test("secret")',
    'for (;;) await null'
  ]
  const look = `
    const names = Object.getOwnPropertyNames(globalThis).length
    return [typeof secret, ({}).secret, [1].map((x) => x + 1), JSON.stringify({ a: JSON.parse("1") }), (() => {}).constructor("return 2")(), typeof Promise, typeof Math.secret, /a/.test("a"), names]
  `
  const clean = await run(look)
  t.match(clean, ['undefined', null, [2], '{"a":1}', 2, 'function', 'undefined', true, Number])
  for (const pollution of pollutions) {
    await run(pollution, {}, { timeoutMs: 100 }).catch((error: Error) => error)
    t.strictSame(await run(look), clean, pollution)
  }
})

t.test('a function made once for many calls keeps nothing between them', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 1 })
  const counter = '(() => { let calls = 0; return () => ++calls })()'
  t.strictSame([await run(counter), await run(counter), await run(counter)], [1, 1, 1])
})

t.test('100 calls at once each get their own answer, and their own memory', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 2 })
  const code = 'async (args) => { globalThis.mine = args.n; await 0; context = args.n; return [mine, context, args.n * 2] }'
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => run(code, { n })))
  t.strictSame(answers, Array.from({ length: 100 }, (_, n) => [n, n, n * 2]))
})

t.test('while one call loops, others are served and the event loop of the process turns', async (t) => {
  const { run } = openSandbox(t, { maxWorkers: 2 })
  await Promise.all([run('return 1'), run('return 2')])

  const controller = new AbortController()
  const begun = new Promise<void>((resolve) => {
    const looping = run('console.log("begun"); for (;;);', {}, { timeoutMs: 60_000, signal: controller.signal, onEvent: () => { resolve() } })
    looping.catch(() => {})
  })
  await begun
  for (let n = 0; n < 20; n++) t.equal(await run('(args) => args.n', { n }), n)
  controller.abort()
})

t.test('the event loop turns thousands of times while a call loops for 300 ms', async (t) => {
  const { fail } = openSandbox(t, { maxWorkers: 1 })
  await fail('throw new Error("warm")')
  let turns = 0
  let looping = true
  const turn = (): void => {
    turns++
    if (looping) setImmediate(turn)
  }
  turn()
  t.match(await fail('for (;;);', {}, { timeoutMs: 300 }), /did not finish within 300 ms/)
  looping = false
  // Were the code run in this thread, there would be one turn or two.
  t.ok(turns > 1000, `${turns} turns`)
})
