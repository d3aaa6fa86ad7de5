import { chmodSync, existsSync, lstatSync, lutimesSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Lock } from '../../src/audit/lock.ts'
import { fromSources, run } from '../helpers/server.ts'

const place = (t: Test): string => join(t.testdir({}), '.lock')

function take (t: Test, path: string): Lock | { holder: string } {
  const taken = Lock.take(path)
  if (taken instanceof Lock) t.teardown(() => { taken.release() })
  return taken
}

t.test('one holder at a time, also within one process', async (t) => {
  const path = place(t)
  const first = take(t, path)
  t.ok(first instanceof Lock)
  t.strictSame(take(t, path), { holder: `process ${process.pid} on ${hostname()}` })
  if (first instanceof Lock) first.release()
  t.notOk(existsSync(path))
  t.ok(take(t, path) instanceof Lock)
})

t.test('a process that runs keeps its lock, and one that was killed does not', async (t) => {
  const path = place(t)
  const script = `import { Lock } from '${join(import.meta.dirname, '../../src/audit/lock.ts')}'; Lock.take('${path}'); console.log('taken'); setInterval(() => {}, 1000)`
  const holder = run(t, [fromSources, '--input-type=module', '-e', script])
  await holder.line(/^taken$/)
  t.strictSame(take(t, path), { holder: `process ${holder.pid} on ${hostname()}` })
  holder.signal('SIGKILL')
  await holder.exited
  t.ok(take(t, path) instanceof Lock)
})

t.test('a process that has the number of a dead holder is not taken for it', async (t) => {
  for (const holder of [`${hostname()}:${process.pid}:1`, `${hostname()}:1:1`, `${hostname()}:999999999:5`, `${hostname()}:${process.pid}:`]) {
    const path = place(t)
    symlinkSync(holder, path)
    const lock = Lock.take(path)
    t.ok(lock instanceof Lock, holder)
    t.match(readlinkSync(path), new RegExp(`:${process.pid}:\\d+$`))
    t.strictSame(readdirSync(join(path, '..')), ['.lock'], 'nothing is left of the old one')
    if (lock instanceof Lock) lock.release()
  }
})

t.test('a holder on another machine counts for as long as it says that it is there', async (t) => {
  const path = place(t)
  symlinkSync('another:host:7:1', path)
  t.strictSame(take(t, path), { holder: 'process 7 on another:host' })
  const past = new Date(Date.now() - 61_000)
  lutimesSync(path, past, past)
  t.ok(take(t, path) instanceof Lock)
})

t.test('a holder says that it is there', async (t) => {
  const path = place(t)
  const lock = take(t, path)
  if (!(lock instanceof Lock)) throw new Error('Nobody else holds it.')
  const past = new Date(Date.now() - 61_000)
  lutimesSync(path, past, past)
  lock.renew()
  t.ok(Date.now() - lstatSync(path).mtimeMs < 60_000)
})

t.test('a lock of somebody else that cannot be removed is an error, at once', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, '.lock')
  symlinkSync(`${hostname()}:999999999:5`, path)
  chmodSync(folder, 0o1777)
  const script = `import { Lock } from '${join(import.meta.dirname, '../../src/audit/lock.ts')}'
    if (process.getuid() === 0) { process.setegid(65534); process.seteuid(65534) }
    try { console.log(Lock.take('${path}') instanceof Lock ? 'taken' : 'refused') } catch (error) { console.log(error.code) }`
  const outcome = await run(t, [fromSources, '--input-type=module', '-e', script]).line(/^(?:taken|refused|E[A-Z]+)$/)
  // Whoever made the folder may remove what is in it.
  t.equal(outcome, process.getuid?.() === 0 ? 'EPERM' : 'taken')
})

t.test('where no lock can be made, the reason is that of the file system', async (t) => {
  t.throws(() => Lock.take(join(place(t), 'no/such/folder')), { code: 'ENOENT' })
})

t.test('of many that come at once upon the lock of a dead holder, one gets it', async (t) => {
  const path = place(t)
  symlinkSync(`${hostname()}:999999999:5`, path)
  const script = `import { Lock } from '${join(import.meta.dirname, '../../src/audit/lock.ts')}'
    console.log('ready')
    process.stdin.once('data', () => { console.log(Lock.take('${path}') instanceof Lock ? 'taken' : 'refused') })`
  const programs = Array.from({ length: 6 }, () => run(t, [fromSources, '--input-type=module', '-e', script]))
  await Promise.all(programs.map(async (program) => await program.line(/^ready$/)))
  for (const program of programs) program.write('go\n')
  const outcomes = await Promise.all(programs.map(async (program) => await program.line(/^(?:taken|refused)$/)))
  t.equal(outcomes.filter((outcome) => outcome === 'taken').length, 1)
})
