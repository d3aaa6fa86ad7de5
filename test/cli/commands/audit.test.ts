import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { called, linesIn, openSink, textsIn } from '../../audit/support.ts'
import { gantry } from '../../helpers/command-line.ts'

/** A folder with an audit of so many lines; a file of it has about three. */
function written (t: Test, count: number, key?: string): string {
  const { sink, file } = openSink(t, { key, section: { maxFileSize: 1024 } })
  for (let index = 1; index <= count; index++) sink.record(called(`call-${index}`))
  sink.close()
  return join(file, '..')
}

t.test('a sound audit is reported with what it holds, and exit code 0', async (t) => {
  const cwd = written(t, 7)
  const [last] = linesIn(join(cwd, 'audit.log')).slice(-1)
  t.strictSame(await gantry(t, ['audit', 'verify', 'audit.log'], { cwd }), {
    code: 0, stdout: `audit.log is sound: 7 lines in 3 files.\n  last line  number 7, seal ${String(last?.['hash'])}\n`, stderr: ''
  })
  t.match(await gantry(t, ['audit', 'verify', '--alone', 'audit.log.2'], { cwd }), {
    code: 0, stdout: /^audit\.log\.2 is sound: 3 lines in 1 file\.\n {2}last line {2}number 6, .*\nnote: it begins with line number 4; those before it are not here\.\n$/
  })
})

t.test('the first wrong line is named with its kind, and exit code 1', async (t) => {
  const cwd = written(t, 7)
  const file = join(cwd, 'audit.log.2')
  writeFileSync(file, textsIn(file).map((line) => `${line.replace('call-5', 'tall-5')}\n`).join(''))
  t.strictSame(await gantry(t, ['audit', 'verify', 'audit.log'], { cwd }), {
    code: 1, stdout: 'audit.log.2:2  changed\n  This line does not say what was sealed.\n\n4 lines before it are as written.\n', stderr: ''
  })
})

t.test('--json reports either as one document', async (t) => {
  const cwd = written(t, 4)
  const sound = await gantry(t, ['audit', 'verify', 'audit.log', '--json'], { cwd })
  const [last] = linesIn(join(cwd, 'audit.log')).slice(-1)
  t.equal(sound.code, 0)
  t.match(JSON.parse(sound.stdout), { sound: true, files: ['audit.log.1', 'audit.log'], lines: 4, first: { seq: 1 }, last: { seq: 4, seal: last?.['hash'] }, torn: [], unkeyed: 4, fault: null })
  rmSync(join(cwd, 'audit.log.1'))
  writeFileSync(join(cwd, 'audit.log'), '', { flag: 'a' })
  const cut = await gantry(t, ['audit', 'verify', 'audit.log', '9', '--json'], { cwd })
  t.equal(cut.code, 1)
  t.match(JSON.parse(cut.stdout), { sound: false, lines: 1, first: { seq: 4 }, fault: { kind: 'truncated', file: 'audit.log', line: 1, message: String } })
})

t.test('what is known of the end is held against it', async (t) => {
  const cwd = written(t, 4)
  const seals = linesIn(join(cwd, 'audit.log.1')).map(({ hash }) => String(hash))
  for (const known of ['4', '2', seals[1] ?? '']) t.equal((await gantry(t, ['audit', 'verify', 'audit.log', known], { cwd })).code, 0, known)
  for (const known of ['5', '0'.repeat(64)]) t.match(await gantry(t, ['audit', 'verify', 'audit.log', known], { cwd }), { code: 1, stdout: /^audit\.log:1 {2}truncated\n/ }, known)
})

t.test('a keyed audit needs its key', async (t) => {
  const key = 'a key of sixteen characters'
  const cwd = written(t, 2, key)
  t.match(await gantry(t, ['audit', 'verify', 'audit.log'], { cwd }), { code: 1, stdout: '', stderr: 'audit.log cannot be checked. These lines are sealed with a key: set AUDIT_KEY to it.\n' })
  t.match(await gantry(t, ['audit', 'verify', 'audit.log'], { cwd, env: { AUDIT_KEY: key } }), { code: 0 })
  t.match(await gantry(t, ['audit', 'verify', 'audit.log'], { cwd, env: { AUDIT_KEY: 'another key, just as long' } }), { code: 1, stdout: /changed/ })
})

t.test('a file that cannot be read is told in a sentence', async (t) => {
  const cwd = t.testdir({ folder: {} })
  t.match(await gantry(t, ['audit', 'verify', 'gone.log'], { cwd }), { code: 1, stdout: '', stderr: 'gone.log cannot be checked. There is no such file.\n' })
  t.match(await gantry(t, ['audit', 'verify', 'folder'], { cwd }), { code: 1, stdout: '', stderr: 'folder cannot be checked. It is a directory.\n' })
})

t.test('a command line that is wrong gets exit code 2 and a sentence', async (t) => {
  const cases: [args: string[], text: RegExp][] = [
    [['audit'], /^Say what to do with which file\.\nUsage: gantry audit verify FILE/],
    [['audit', 'verify'], /^Say what to do with which file\./],
    [['audit', 'mend', 'audit.log'], /^Say what to do with which file\./],
    [['audit', 'verify', 'audit.log', 'last'], /^"last" is neither the seal of a line \(64 hexadecimal digits\) nor its number\./],
    [['audit', 'verify', 'audit.log', '1', '2'], /"2" is one argument too many/]
  ]
  for (const [args, text] of cases) t.match(await gantry(t, args), { code: 2, stdout: '', stderr: text })
})
