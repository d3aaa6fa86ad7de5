import t from 'tap'
import { openSandbox } from '../../helpers/sandbox.ts'

/** Each payload looks for something of the host and returns what it got; 'contained' when it got nothing. */
const { run, fail } = openSandbox(t)

/** Names that exist in Node and must not exist inside, whatever way leads to the global object. */
const hostNames = ['process', 'Buffer', 'module', 'exports', '__dirname', '__filename', 'global', 'WebAssembly',
  'Worker', 'MessageChannel', 'MessagePort', 'BroadcastChannel', 'XMLHttpRequest', 'WebSocket', 'Deno', 'Bun', 'std', 'os', 'scriptArgs', 'print', 'load', 'loadScript',
  'navigator', 'performance', 'structuredClone', 'TextDecoder', 'URL', 'Blob', 'AbortController', 'clearTimeout', 'bjson', 'gantry', 'emit', 'kitText', 'kit']

const globals: Record<string, string> = {
  'the global object': 'globalThis',
  'this of a plain function': '(function () { return this })()',
  'a function constructor': 'Function("return this")()',
  'the constructor of a function': '(() => {}).constructor("return this")()',
  'the constructor of a constructor': '({}).constructor.constructor("return this")()',
  'the constructor of an async function, through a prototype': 'await Object.getPrototypeOf(async function () {}).constructor("return this")()',
  'the constructor of a generator': 'Object.getPrototypeOf(function * () {}).constructor("yield this")().next().value',
  'indirect eval': '(0, eval)("this")',
  'a constructor reached from the arguments': 'args.constructor.constructor("return this")()',
  'a constructor reached from an array in the arguments': 'args.list.concat.constructor("return this")()',
  'a constructor reached from the context': 'context.constructor.constructor("return this")()',
  'a constructor reached from a function of the context': 'context.progress.constructor("return this")()',
  'a constructor reached from the logger': 'context.logger.info.constructor.constructor("return this")()',
  'a constructor reached from the console': 'console.log.constructor("return this")()',
  'a constructor reached from a refused function': 'fetch.constructor("return this")()',
  'a constructor reached from an error of the host\'s part': '(() => { try { context.db("x") } catch (error) { return error.constructor.constructor("return this")() } })()',
  'a constructor reached from a stack overflow': '(() => { try { (function f () { f() })() } catch (error) { return error.constructor.constructor("return this")() } })()',
  'Reflect.construct with a foreign prototype': 'Reflect.construct(Function, ["return this"], Object)()',
  'Reflect.apply': 'Reflect.apply(Function, null, ["return this"])()',
  'a getter on Object.prototype': '(() => { Object.defineProperty(Object.prototype, "leak", { get () { return (function () { return this })() } }); return ({}).leak })()',
  'Symbol.species and map': '[1].map(function () { return this })[0]',
  'a callback of replace': '(() => { let found; "a".replace("a", function () { found = this }); return found })()'
}

for (const [name, expression] of Object.entries(globals)) {
  t.test(`${name} leads to nothing of the host`, async (t) => {
    const found = await run(`
      const world = ${expression}
      if (typeof world !== 'object' || world === null) throw new Error('no object was found, so nothing was looked for')
      return args.names.filter((name) => { try { return typeof world[name] !== 'undefined' } catch { return true } })
    `, { names: hostNames, list: [] })
    t.strictSame(found, [])
  })
}

t.test('the global object holds the language, the console and what is refused, and nothing else', async (t) => {
  const language = 'AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array InternalError Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape'
  const ours = 'console fetch require setImmediate setInterval setTimeout'
  t.strictSame(await run('return Object.getOwnPropertyNames(globalThis).sort()'), `${language} ${ours}`.split(' ').sort())
})

t.test('modules cannot be imported, neither by import() nor by a statement nor by require', async (t) => {
  for (const name of ['fs', 'node:fs', 'os', 'std', 'child_process', './x.js', 'data:text/javascript,export default 1', 'https://127.0.0.1/x.js']) {
    t.match(await fail(`return import(${JSON.stringify(name)})`), /could not load module/, `import(${name})`)
  }
  t.equal(await fail('return require("fs")'), 'require is not available in inline code')
  t.match(await fail('return eval("import x from \\"fs\\"")'), /./)
  t.match(await fail('return new Function("return import(\\"node:fs\\")")()'), /could not load module/)
  t.match(await fail('return (0, eval)("import.meta.url")'), /import.meta/)
})

t.test('Error.prepareStackTrace is never called, and stacks name no file of the host', async (t) => {
  const hostFile = /node_modules|node:|file:|worker|\.[tj]s|[\\/]/
  const stacks = [
    await run('let calls = 0; Error.prepareStackTrace = () => { calls++; return [] }; const { stack } = new Error("x"); return stack + calls'),
    await run('try { context.elicit() } catch (error) { return error.stack }'),
    await run('Error.stackTraceLimit = Infinity; try { null.x } catch (error) { return error.stack }'),
    await run('try { (function f () { f() })() } catch (error) { return error.stack }'),
    await run('return await import("fs").catch((error) => error.stack)')
  ]
  for (const stack of stacks) t.notMatch(stack, hostFile)
  t.match(stacks[0], /at <anonymous> \(inline:1:\d+\)\n[^]*0$/)
})

t.test('callers cannot be reached through arguments or function objects', async (t) => {
  t.match(await run('function look () { try { return typeof look.caller } catch (error) { return error.name } } return look()'), /undefined|object|TypeError/)
  t.equal(await run('function look () { try { return String(arguments.callee.caller) } catch (error) { return "contained" } } const found = look(); return found === "undefined" || found === "null" ? "contained" : found'), 'contained')
})

t.test('a changed Promise, JSON, Object or Function changes only what the code itself gets back', async (t) => {
  t.equal(await run('globalThis.Promise = class { then (resolve) { resolve("bent") } }; return 1'), 1)
  t.equal(await run('Promise.prototype.then = () => { throw new Error("bent") }; return 2'), 2)
  t.equal(await run('JSON.stringify = () => "bent"; JSON.parse = () => "bent"; return 3'), 3)
  t.equal(await run('Function.prototype.call = Function.prototype.apply = () => "bent"; return 4'), 4)
  t.equal(await run('Object.defineProperty = () => { throw new Error("bent") }; globalThis.String = globalThis.Error = undefined; return 5'), 5)
  t.equal(await fail('globalThis.Error = globalThis.String = undefined; JSON.stringify = () => "bent"; null.x'), 'cannot read property \'x\' of null')
})

t.test('getters, proxies and toJSON in a result run inside, and give nothing but JSON', async (t) => {
  t.strictSame(await run('return { get a () { return typeof process } }'), { a: 'undefined' })
  t.strictSame(await run('return { toJSON () { return { from: typeof require("x") } } }').catch((error: Error) => error.message), 'The result cannot be sent as JSON: require is not available in inline code')
  t.strictSame(await run('return new Proxy({ a: 1 }, { get: (target, key) => key === "toJSON" ? undefined : 7 })'), { a: 7 })
  t.strictSame(await run('return new Proxy([1, 2], {})'), [1, 2])
  t.strictSame(await run('return new Proxy({}, { ownKeys () { return ["a", "b"] }, getOwnPropertyDescriptor () { return { enumerable: true, configurable: true, value: 1 } }, get () {} })'), {})
  t.strictSame(await run('return { then (resolve) { resolve({ then (again) { again("settled") } }) } }'), 'settled')
  t.strictSame(await run('Object.prototype.toJSON = () => ({ bent: true }); return { a: 1 }'), { bent: true })
  t.match(await fail('throw { get message () { throw new Error("again") } }'), /cannot be described/)
  t.match(await fail('throw new Proxy({}, { get () { throw new Error("again") } })'), /cannot be described/)
  t.match(await fail('Object.prototype.toJSON = () => null; throw new Error("unseen")'), /./)
})

t.test('a result never changes a prototype of the host', async (t) => {
  const result = await run('return JSON.parse("{\\"__proto__\\": { \\"polluted\\": true }, \\"constructor\\": { \\"prototype\\": { \\"polluted\\": true } } }")')
  t.equal(Object.getPrototypeOf(result), Object.prototype)
  t.notOk('polluted' in {})
})

t.test('code that closes the wrapper\'s brackets is refused or stays inside', async (t) => {
  for (const code of ['1)); (() => {}', '(args) => 1\n), (1', '} ; () => { ', 'return 1 } , async function () {', '*/ 1 /*', '`']) {
    const result = await run(`${code}`).then((value) => value, (error: Error) => error.message)
    t.notMatch(String(result), /\[object process\]/, code)
  }
  t.match(await fail('1)); (() => {}'), /cannot run/)
})

t.test('Atomics cannot put the thread to sleep', async (t) => {
  t.match(await fail('return Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)'), /not defined/)
})
