import t from 'tap'
import { commandLine, run, writeConfig } from '../helpers/server.ts'
import { stdioDoors } from './doors/index.ts'
import { everything } from './fixtures/everything.ts'
import { startApi } from './fixtures/upstream.ts'
import { promises } from './promises/index.ts'
import { check } from './promises/promise.ts'

const api = await startApi(t)
const file = writeConfig(t, everything({ api }), 'yaml')

t.test('a server that its client starts keeps every promise', async (t) => {
  check(t, stdioDoors(), promises, async () => ({ server: undefined, file, env: {} }))
})

t.test('standard output carries the protocol and nothing else, whatever handlers print', async (t) => {
  const program = run(t, [commandLine, 'stdio', file])
  const call = (id: number, name: string, args: object): string => `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })}\n`
  program.write(call(1, 'print', { text: 'one' }) + call(2, 'inline-print', {}) + call(3, 'fail', {}) + 'no JSON\n\n[]\n')
  program.endInput()
  t.strictSame(await program.exited, { code: 0, signal: null })
  const answers = program.stdout.map((line) => JSON.parse(line) as { jsonrpc: string, id?: number, error?: { code: number } })
  t.strictSame(answers.map(({ jsonrpc }) => jsonrpc), ['2.0', '2.0', '2.0', '2.0', '2.0'])
  t.strictSame(answers.flatMap(({ id = [] }) => id).sort(), [1, 2, 3])
  t.strictSame(answers.flatMap(({ error }) => error?.code ?? []), [-32700, -32600])
  for (const printed of ['log one', 'write one', 'buffer one', 'stream one', 'from-a-module', 'log from inside', 'The disk is full.']) {
    t.ok(program.stderr.some((line) => line.includes(printed)), `"${printed}" is on standard error`)
  }
})
