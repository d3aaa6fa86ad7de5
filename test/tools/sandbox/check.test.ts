import t from 'tap'
import { openSandbox } from '../../helpers/sandbox.ts'

const { sandbox, run, fail } = openSandbox(t, { maxWorkers: 1 })

t.test('functions in every form run, and so do bodies', async (t) => {
  const expressions = [
    'async (args) => args.a + args.b', '(args, context) => args.a + args.b', '({ a, b }) => a + b', 'function (args) { return args.a + args.b }',
    'async function add (args) { return args.a + args.b }', '(() => { const add = (x, y) => x + y; return (args) => add(args.a, args.b) })()',
    '  (args) => args.a + args.b  ', '(args) => args.a + args.b;', '(args) => args.a + args.b; // a note; here',
    '(args) => args.a + args.b /* a note */;\n// more\n\n/* and more */', '// first\n(args) => args.a + args.b', '(args) => args.a + args.b + "http://x".length - 8;',
    '(args) => { return args.a + args.b };;'
  ]
  for (const code of expressions) {
    t.strictSame(await sandbox.check(code), { ok: true, kind: 'expression' }, code)
    t.equal(await run(code, { a: 1, b: 2 }), 3, code)
  }
  const bodies = [
    'return args.a + args.b', 'const { a, b } = args\nreturn a + b', 'return (await args.a) + (await Promise.resolve(args.b));', '"use strict"; return args.a + args.b // done',
    'function add (x, y) { return x + y }\nreturn add(args.a, args.b)', 'if (context) return args.a + args.b', '{ return args.a + args.b }', '/* first */ return args.a + args.b'
  ]
  for (const code of bodies) {
    t.strictSame(await sandbox.check(code), { ok: true, kind: 'body' }, code)
    t.equal(await run(code, { a: 1, b: 2 }), 3, code)
  }
})

t.test('a syntax error is told with its line and column in the code as written', async (t) => {
  const faults: [code: string, line: number, column: number, message: RegExp][] = [
    ['async (args) => {\n  return args.\n}', 3, 1, /field name/],
    ['(args) => {\n\n  return args.a b\n}', 3, 17, /expecting ';'/],
    ['return 1 +', 1, 11, /unexpected token/],
    ['let x = 1;\nlet x = 2', 2, 7, /redefinition/],
    ['return "unterminated', 1, 8, /unexpected end of string/],
    ['return /(/', 1, 8, /./],
    ['import x from "fs"\nreturn x', 1, 8, /./],
    ['export default (args) => 1', 1, 1, /export/],
    ['const args = 1; return args', 1, 12, /parameter/]
  ]
  for (const [code, line, column, message] of faults) t.match(await sandbox.check(code), { ok: false, line, column, message }, code)
})

t.test('an expression that is no function says what it is and what to write', async (t) => {
  t.match(await sandbox.check('args.a + args.b'), { ok: false, message: /not a function \(evaluating it fails: 'args' is not defined\)\. Write \(args, context\) => … or a body with a return statement/ })
  t.match(await sandbox.check('42'), { ok: false, message: /it gives: number/ })
  t.match(await sandbox.check('{ a: 1 }').then(async (found) => found.ok ? sandbox.check('({ a: 1 })') : found), { ok: false, message: /it gives: object/ })
})

t.test('empty code, endless code and greedy code are refused at load', async (t) => {
  for (const code of ['', '  \n ']) t.match(await sandbox.check(code), { ok: false, message: 'The code is empty' })
  t.match(await sandbox.check('(() => { for (;;); })()'), { ok: false, message: 'The code takes too long before it is even called' })
  t.match(await sandbox.check('(() => { const all = []; for (;;) all.push({}) })()'), { ok: false, message: /too much memory/ })
  t.match(await sandbox.check(`return "${'x'.repeat(30e6)}"`), { ok: false, message: 'The code is too long' })
  t.match(await sandbox.check('('.repeat(100_000)), { ok: false, message: /stack overflow/ })
  t.strictSame(await sandbox.check('(args) => 1'), { ok: true, kind: 'expression' })
})

t.test('a check runs nothing of a body, and of a function only the expression that makes it', async (t) => {
  t.match(await sandbox.check('for (;;);'), { ok: true, kind: 'body' })
  t.match(await sandbox.check('() => { for (;;); }'), { ok: true, kind: 'expression' })
})

t.test('code that was never checked is checked when it is called', async (t) => {
  t.match(await fail('return )'), /cannot run: .* \(line 1, column 8\)/)
})
