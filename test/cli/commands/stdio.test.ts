import { join } from 'node:path'
import t from 'tap'
import { gantry } from '../../helpers/command-line.ts'
import { commandLine, root, run } from '../../helpers/server.ts'

const loud = `console.log('loaded')
export default function loud () {
  console.log('called')
  process.stdout.write('called again\\n')
  return 'done'
}
`
const config = 'tools:\n  - name: loud\n    handler: { type: file, path: loud.mjs }\n'

t.test('stdio answers on standard output until its input ends, and ends with exit code 0', async (t) => {
  const program = run(t, [commandLine, 'stdio', join(root, 'config/example.json')], { cwd: t.testdir() })
  program.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n')
  await program.line(/"id":1/)
  program.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  program.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}\n')
  program.endInput()
  t.strictSame(await program.exited, { code: 0, signal: null })
  const [first, second, ...rest] = program.stdout.map((line) => JSON.parse(line) as object)
  t.match(first, { id: 1, result: { protocolVersion: '2025-11-25', serverInfo: { name: 'gantry-example' } } })
  t.match(second, { id: 2, result: { structuredContent: { sum: 3 } } })
  t.strictSame(rest, [])
})

t.test('nothing but the protocol comes out of standard output, whatever a handler prints', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': config, 'loud.mjs': loud })
  const program = run(t, [commandLine, 'stdio'], { cwd })
  program.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"loud"}}\n')
  program.endInput()
  t.strictSame(await program.exited, { code: 0, signal: null })
  t.equal(program.stdout.length, 1)
  t.match(JSON.parse(program.stdout[0] ?? ''), { id: 1, result: { content: [{ text: 'done' }] } })
  for (const line of ['loaded', 'called', 'called again']) t.ok(program.stderr.includes(line), `"${line}" went to standard error`)
})

t.test('a file with a fault: exit code 78, and the faults on standard error only', async (t) => {
  const cwd = t.testdir({ 'gantry.yaml': config })
  const { code, stdout, stderr } = await gantry(t, ['stdio'], { cwd })
  t.equal(code, 78)
  t.equal(stdout, '')
  t.match(stderr, /There is no file "loud\.mjs"/)
})

t.test('a signal ends it with exit code 0', async (t) => {
  const program = run(t, [commandLine, 'stdio', join(root, 'config/example.json')])
  program.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
  await program.line(/"id":1/)
  program.signal('SIGTERM')
  t.strictSame(await program.exited, { code: 0, signal: null })
})
