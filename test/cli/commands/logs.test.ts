import { join } from 'node:path'
import t, { type Test } from 'tap'
import { gantry } from '../../helpers/command-line.ts'
import { commandLine, run } from '../../helpers/server.ts'

const now = Date.now()
const minuteMs = 60_000
const line = (agoMs: number, members: object): string => JSON.stringify({ level: 30, time: now - agoMs, pid: 1, hostname: 'h', ...members })
const access = (agoMs: number, members: object): string => line(agoMs, { msg: 'access', durationMs: 1, ...members })
const text = [
  line(600 * minuteMs, { msg: 'It starts.' }),
  access(60 * minuteMs, { outcome: 'ok', tool: 'echo', requestId: 'r-1' }),
  access(30 * minuteMs, { outcome: 'refused', tool: 'echo', requestId: 'r-2' }),
  line(30 * minuteMs, { level: 50, msg: 'It failed.', requestId: 'r-3' }),
  access(20 * minuteMs, { outcome: 'error', tool: 'other', requestId: 'r-3' }),
  JSON.stringify({ time: new Date(now - 10 * minuteMs).toISOString(), event: 'tool.call', outcome: 'ok', name: 'echo', requestId: 'r-4' }),
  'what Node itself said'
].map((each) => `${each}\n`).join('')

/** What is printed of each line, in a word. */
async function printed (t: Test, ...options: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await gantry(t, ['logs', 'server.log', ...options], { cwd: t.testdir({ 'server.log': text }) })
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
  return stdout.split('\n').slice(0, -1).map((each) => /r-\d|It \w+|Node/.exec(each)?.[0] ?? each)
}

t.test('without options all lines are printed, in their order', async (t) => {
  t.strictSame(await printed(t), ['It starts', 'r-1', 'r-2', 'It failed', 'r-3', 'r-4', 'Node'])
})

t.test('each option chooses, and several have to fit all', async (t) => {
  t.strictSame(await printed(t, '--level', 'warn'), ['r-2', 'It failed', 'r-3'])
  t.strictSame(await printed(t, '--level=error'), ['It failed', 'r-3'])
  t.strictSame(await printed(t, '--tool', 'echo'), ['r-1', 'r-2', 'r-4'])
  t.strictSame(await printed(t, '--outcome', 'refused'), ['r-2'])
  t.strictSame(await printed(t, '--request', 'r-3'), ['It failed', 'r-3'])
  t.strictSame(await printed(t, '--since', '45m'), ['r-2', 'It failed', 'r-3', 'r-4'])
  t.strictSame(await printed(t, '--since', new Date(now - 15 * minuteMs).toISOString()), ['r-4'])
  t.strictSame(await printed(t, '--tool', 'echo', '--since', '45m', '--outcome', 'ok'), ['r-4'])
})

t.test('in a pipe there are no colours, and the standard input can be read', async (t) => {
  const program = run(t, [commandLine, 'logs', '-', '--request', 'r-1'])
  program.write(text)
  t.match(await program.line(/r-1/), /^[\d-]+ [\d:.]+Z INFO {2}echo ok 1 ms {2}requestId=r-1$/)
  program.endInput()
  t.match(await program.exited, { code: 0 })
  t.equal(program.stdout.length, 1)
})

t.test('what cannot be done is said', async (t) => {
  const cwd = t.testdir({ folder: {} })
  t.strictSame(await gantry(t, ['logs', 'absent.log'], { cwd }), { code: 1, stdout: '', stderr: 'absent.log cannot be read. There is no such file.\n' })
  t.strictSame(await gantry(t, ['logs', 'folder'], { cwd }), { code: 1, stdout: '', stderr: 'folder cannot be read. It is a directory.\n' })
  const misuses: [args: string[], message: RegExp][] = [
    [[], /^Say which file\.\nUsage: gantry logs FILE/],
    [[join(cwd, 'x'), '--level', 'warning'], /^"warning" is not a level: use one of trace, debug, info, warn, error, fatal\./],
    [[join(cwd, 'x'), '--outcome', 'fine'], /^"fine" is not an outcome: use one of ok, error, refused, /],
    [[join(cwd, 'x'), '--since', 'yesterday'], /^"yesterday" is neither a moment/]
  ]
  for (const [args, message] of misuses) t.match(await gantry(t, ['logs', ...args], { cwd }), { code: 2, stdout: '', stderr: message })
})
