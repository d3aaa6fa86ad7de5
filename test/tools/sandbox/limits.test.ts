import t from 'tap'
import { mib, openSandbox } from '../../helpers/sandbox.ts'

const { run, fail } = openSandbox(t)
/** Each of these keeps a core busy until its time is up. */
const timedOut = 'sandboxed did not finish within 50 ms.'
const short = { timeoutMs: 50 }

const endless: Record<string, string> = {
  'a plain loop': 'for (;;);',
  'a loop that catches everything': 'for (;;) try { for (;;); } catch {} finally { continue }',
  'a loop in a finally block': 'try { for (;;); } finally { for (;;); }',
  'an awaiting loop': 'while (true) await 0',
  'promise jobs that make promise jobs': 'await new Promise(() => { const again = () => Promise.resolve().then(again); again() })',
  'jobs left behind after the answer': 'const again = () => Promise.resolve().then(again); again(); return 1',
  'an async function that swallows the interrupt': 'const spin = async () => { try { for (;;); } catch { return 1 } }; while (true) await spin()',
  'an async generator': 'for await (const x of (async function * () { for (;;) yield 1 })());',
  'a regular expression, nested quantifiers': 'return /^(a+)+$/.test("a".repeat(64) + "b")',
  'a regular expression, overlapping alternatives': 'return /^(?:a|a|aa)*$/.test("a".repeat(64) + "b")',
  'a regular expression, backreference': 'return /^(a*)*\\1b$/.test("a".repeat(64))',
  'a regular expression, in replace': 'return ("a".repeat(64) + "b").replace(/(?:a+)+$/, "")',
  'a comparison in sort': 'return [3, 2, 1].sort(() => { for (;;); })',
  'a getter while the result is written': 'return { get a () { for (;;); } }',
  'toJSON while the result is written': 'return { toJSON () { for (;;); } }',
  'a proxy while the result is written': 'return new Proxy({}, { ownKeys () { for (;;); } })',
  'a getter of a thrown error': 'throw Object.defineProperty(new Error("x"), "message", { get () { for (;;); } })',
  'a thenable result': 'return { then () { for (;;); } }',
  'an iterator': 'return [...{ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }].length',
  'valueOf in arithmetic': 'return +{ valueOf () { for (;;); } }',
  'JSON.parse with a reviver': 'return JSON.parse("[1]", () => { for (;;); })',
  'generated code': 'return new Function("for (;;);")()',
  'a tagged template': 'return (() => { for (;;); })`x`',
  'an Atomics-free spin on the clock': 'while (Date.now() > 0);'
}

for (const [name, code] of Object.entries(endless)) {
  t.test(`${name} is stopped when its time is up`, async (t) => {
    t.equal(await fail(code, {}, short), timedOut)
  })
}

// These are single operations of the engine, which it cannot interrupt: the thread is killed.
const uninterruptible: Record<string, string> = {
  'a search through an endless array-like': 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  'a reversal of an endless array-like': 'return Array.prototype.reverse.call({ length: 2 ** 53 - 1 })'
}
for (const [name, code] of Object.entries(uninterruptible)) {
  t.test(`${name} is stopped, and the sandbox goes on`, async (t) => {
    t.equal(await fail(code, {}, short), timedOut)
    t.equal(await run('return 1'), 1)
  })
}

const greedy: Record<string, string> = {
  'an array of objects': 'const all = []; for (;;) all.push({})',
  'an array of numbers': 'const all = []; for (;;) all.push(1.5)',
  'typed arrays': 'const all = []; for (;;) all.push(new Uint8Array(100000))',
  'one huge typed array': 'return new Uint8Array(1e9).length',
  strings: 'const all = []; for (;;) all.push("x".repeat(10000) + all.length)',
  'one huge string': 'return "x".repeat(2 ** 29).length',
  'a replaced string': 'return "x".repeat(1e7).replace(/x/g, "y".repeat(1000)).length',
  'a map': 'const all = new Map(); for (let i = 0;; i++) all.set(i, {})',
  properties: 'const all = {}; for (let i = 0;; i++) all["key" + i] = i',
  'a filled array': 'return new Array(2 ** 32 - 1).fill(0).length',
  'a spread string': 'return [..."x".repeat(5e7)].length',
  closures: 'let all = () => 1; for (;;) { const before = all; all = () => before }',
  'bound functions': 'let all = () => 1; for (;;) all = all.bind(null, all)',
  'pending promises': 'const all = []; for (;;) all.push(new Promise(() => {}))',
  'an async recursion': 'const grow = async () => { await grow() }; await grow()',
  'a parsed text': 'return JSON.parse("[" + "[],".repeat(4e6) + "0]").length',
  'a result being written': 'return Array.from({ length: 40 }, () => "x".repeat(1e6))'
}
for (const memoryLimitBytes of [4 * mib, 24 * mib]) {
  for (const [name, code] of Object.entries(greedy)) {
    t.test(`memory for ${name} ends at a limit of ${memoryLimitBytes / mib} MiB`, async (t) => {
      // An async recursion meets the limit of depth first; both are errors inside.
      t.match(await fail(code, {}, { memoryLimitBytes }), /^The code used more memory than its limit of \d+ bytes\.$|^stack overflow$/)
    })
  }
}

t.test('the memory limit counts bytes: what fits runs, what does not fit does not', async (t) => {
  const fill = 'const all = []; for (let i = 0; i < args.mib; i++) all.push(new Uint8Array(1024 * 1024).fill(1)); return all.length'
  for (const limit of [2, 8, 16, 48]) {
    t.equal(await run(fill, { mib: Math.floor(limit * 0.8) - 1 }, { memoryLimitBytes: limit * mib }), Math.floor(limit * 0.8) - 1, `below ${limit} MiB`)
    t.match(await fail(fill, { mib: limit + 1 }, { memoryLimitBytes: limit * mib }), /more memory than its limit/, `above ${limit} MiB`)
  }
})

t.test('a call that caught its lack of memory and went on leaves no trace in the next', async (t) => {
  const more = { memoryLimitBytes: 16 * mib }
  const hoard = 'globalThis.all = []; const fill = () => { try { for (let size = 1e5; size > 1; size /= 2) for (;;) try { all.push(new Uint8Array(size)) } catch { break } } catch {} }'
  for (const last of ['console.log("x")', 'context.log("info", { text: "x".repeat(1000) })', 'return "x"', 'throw new Error("x")', 'await 0; return { a: 1 }']) {
    await run(`${hoard}; fill(); try { ${last} } catch {} all.length = 0; return 1`, {}, more).catch((error: Error) => error.message)
    t.equal(await run('console.log("x"); return [new Uint8Array(12e6).length, JSON.stringify({ a: 1.5, b: [true, null] }), /a(b)c/.exec("abc")[1]].join()', {}, more), '12000000,{"a":1.5,"b":[true,null]},b', last)
  }
})

t.test('arguments too large for the memory limit are refused before anything runs', async (t) => {
  t.match(await fail('return 1', { text: 'x'.repeat(4 * mib) }, { memoryLimitBytes: 8 * mib }), /arguments are too large for a memory limit of 8388608 bytes/)
  t.equal(await run('return args.text.length', { text: '€'.repeat(mib) }, { memoryLimitBytes: 24 * mib }), mib)
})

const deep: Record<string, string> = {
  'a function': '(function f () { f() })(); return 1',
  'a method through a getter': 'const o = { get a () { return this.a } }; return o.a',
  toString: 'const o = { toString: () => "" + o }; return "" + o',
  'a constructor': 'class A { constructor () { new A() } } new A()',
  'a proxy': 'const p = new Proxy({}, { get: (target, key, receiver) => receiver[key] }); return p.x',
  'a sort': 'const f = () => [1, 2].sort(f); f()',
  'a replace': 'const f = () => "a".replace(/a/, f); f()',
  'a generator': 'const g = function * () { yield * g() }; return [...g()]',
  'parentheses in generated code': 'return eval("(".repeat(100000))',
  'brackets in generated code': 'return eval("[".repeat(100000))',
  'templates in generated code': 'return eval("`${".repeat(100000))',
  'groups in a regular expression': 'return new RegExp("(?:".repeat(100000) + ")".repeat(100000))',
  'JSON text': 'return JSON.parse("[".repeat(100000) + "]".repeat(100000))',
  'a nested array as text': 'let a = []; for (let i = 0; i < 100000; i++) a = [a]; return String(a)',
  'a chain of proxies': 'let p = {}; for (let i = 0; i < 20000; i++) p = new Proxy(p, {}); return p.x',
  'a chain of classes': 'let C = class {}; for (let i = 0; i < 10000; i++) C = class extends C {}; new C()'
}
for (const [name, code] of Object.entries(deep)) {
  t.test(`endless depth in ${name} ends as an error, and the sandbox goes on`, async (t) => {
    t.match(await fail(code), /stack overflow/)
    t.equal(await run('return 1'), 1)
  })
}

t.test('a result nested too deep is an error, and one nested deep comes back', async (t) => {
  const nest = 'let a = 0; for (let i = 0; i < args.depth; i++) a = [a]; return a'
  t.match(await fail(nest, { depth: 50_000 }, { timeoutMs: 1000 }), /stack overflow|did not finish/)
  t.equal(JSON.stringify(await run(nest, { depth: 500 })).length, 1001)
})

t.test('ordinary recursion works', async (t) => {
  t.equal(await run('const sum = (n) => n === 0 ? 0 : n + sum(n - 1); return sum(1000)'), 500_500)
})

t.test('a result larger than the limit is refused, in characters and in bytes', async (t) => {
  const more = { maxOutputBytes: 1000 }
  t.equal(await run('return "x".repeat(998)', {}, more), 'x'.repeat(998))
  t.match(await fail('return "x".repeat(999)', {}, more), /too large: 1001 characters .* 1000 bytes/)
  t.match(await fail('return "€".repeat(500)', {}, more), /too large: 1502 bytes .* 1000/)
  t.match(await fail('return Array(1e6).fill({ a: 1 })', {}, more), /too large|memory/)
})

t.test('an error message is cut, however long it is', async (t) => {
  t.equal((await fail('throw new Error("x".repeat(1e6))')).length, 10_000)
  t.equal((await fail('throw "x".repeat(1e6)')).length, 10_000)
})
