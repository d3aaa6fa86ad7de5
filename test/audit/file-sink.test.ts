import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { FileSink } from '../../src/audit/file-sink.ts'
import { fullDisks, smallFileSystem } from '../helpers/full-disk.ts'
import { until } from '../helpers/waiting.ts'
import { called, check, linesIn, openSink } from './support.ts'

const refusal = { code: 'MCP_AUDIT_UNAVAILABLE', status: 503, headers: { 'retry-after': '2' } }

/** Whether a call may run. */
function admits (sink: FileSink): boolean {
  try {
    sink.admit()
    return true
  } catch {
    return false
  }
}

t.test('the line is in the file when the call returns', async (t) => {
  const { sink, file } = openSink(t)
  for (let count = 1; count <= 3; count++) {
    sink.record(called(`call-${count}`))
    t.match(linesIn(file).at(-1), { seq: count, time: '2026-01-02T03:04:05.678Z', event: 'tool.call', name: `call-${count}` })
  }
  sink.note({ event: 'request.refused', outcome: 'refused' })
  t.match(linesIn(file).at(-1), { seq: 4, event: 'request.refused' })
})

t.test('events and areas that are named are recorded, and no others but what the file says of itself', async (t) => {
  const { sink, file } = openSink(t, { section: { events: ['prompt.get', 'session.*'] } })
  for (const event of ['tool.call', 'prompt.get', 'prompt.list', 'session.open', 'session.log-level', 'request.refused', 'audit.dropped'] as const) {
    sink.record({ event, outcome: 'ok' })
    sink.note({ event, outcome: 'ok' })
  }
  const wanted = ['prompt.get', 'session.open', 'session.log-level', 'audit.dropped']
  t.strictSame(linesIn(file).map(({ event }) => event), wanted.flatMap((event) => [event, event]))
  t.ok(sink.records('prompt.get'))
  t.notOk(sink.records('tool.call'))
})

t.test('it is closed without a trace but the file, and closing twice is closing once', async (t) => {
  const { sink, file } = openSink(t)
  t.strictSame(readdirSync(dirname(file)).sort(), ['.audit.log.lock', '.audit.log.reserve', 'audit.log'])
  sink.record(called('a'))
  sink.close()
  sink.close()
  t.strictSame(readdirSync(dirname(file)), ['audit.log'])
})

t.test('what comes after the end is not written: the file may be in other hands', async (t) => {
  const { sink, file } = openSink(t)
  sink.close()
  const other = openSink(t, { file })
  other.sink.record(called('theirs'))
  t.throws(() => { sink.admit() }, refusal)
  t.throws(() => { sink.record(called('late')) }, refusal)
  sink.note(called('late'))
  t.strictSame(linesIn(file).map(({ name }) => name), ['theirs'])
})

t.test('two do not write one file', async (t) => {
  const { file, sink } = openSink(t)
  t.throws(() => openSink(t, { file }), { code: 'MCP_AUDIT_FILE', inUse: true, message: /is written by process \d+ on .*: every process needs a file of its own.*AUDIT_LOG_FILE/ })
  sink.close()
  openSink(t, { file }).sink.record(called('a'))
  t.equal(linesIn(file).length, 1)
})

t.test('a file that cannot be written is named, with what is in the way', async (t) => {
  const folder = t.testdir({ file: 'x' })
  t.throws(() => openSink(t, { file: join(folder, 'file', 'audit.log') }), { code: 'MCP_AUDIT_FILE', inUse: false, message: /file\/audit\.log cannot be written: a part of its path is a file\. Name another file/ })
  t.throws(() => openSink(t, { file: join(folder, 'file') }), { code: 'MCP_AUDIT_FILE', message: /is no audit file/ })
  t.notOk(existsSync(join(folder, '.file.lock')), 'nothing is left behind')
  t.throws(() => openSink(t, { file: '/proc/audit.log' }), { code: 'MCP_AUDIT_FILE', message: /cannot be written: / })
})

t.test('a key that could be guessed is refused', async (t) => {
  t.throws(() => openSink(t, { key: 'x'.repeat(15) }), { code: 'MCP_AUDIT_FILE', message: /AUDIT_KEY is too short: a key has at least 16 characters/ })
  openSink(t, { key: 'x'.repeat(16) })
})

t.test('with "block", nothing begins unrecorded while the disk is full', async (t) => {
  for (const disk of fullDisks(t)) {
    await t.test(disk.name, async (t) => {
      const { sink, file, log } = openSink(t, { file: join(disk.folder, 'audit.log') })
      sink.record(called('before'))
      const begun = Array.from({ length: 50 }, (_, index) => { sink.admit(); return `begun-${index}` })
      disk.fill()
      let answered = 0
      for (const name of begun) {
        try {
          sink.record(called(name))
          answered++
        } catch (error) {
          t.match(error, refusal)
        }
        t.match(check(file), { fault: undefined }, 'the file is whole at all times')
      }
      if (disk.hasRoom) t.equal(answered, begun.length, 'there was room for the lines of all that ran')
      t.throws(() => { sink.admit() }, refusal)
      t.throws(() => { sink.admit() }, refusal)
      sink.note({ event: 'request.refused', outcome: 'refused' })
      t.strictSame(linesIn(file).map(({ name }) => name), ['before', ...begun.slice(0, answered)], 'what was answered is recorded')

      disk.free()
      await until('calls may run again', () => admits(sink))
      sink.record(called('after'))
      const lines = linesIn(file)
      t.strictSame(lines.map(({ name, event }) => name ?? event), ['before', ...begun, 'audit.dropped', 'after'], 'what ran is recorded, in its order')
      const { dropped, refused } = sink.missing
      t.match(lines.at(-2), { dropped, refused, since: '2026-01-02T03:04:05.678Z' })
      t.equal(dropped, 1)
      t.ok(refused >= 2)
      t.match(check(file), { fault: undefined, lines: lines.length })
      t.strictSame(log.lines.map(({ level, sentence }) => [level, sentence]), [
        ['error', 'The audit log cannot be written: until it can, calls are refused (security.audit.onFull).'],
        ['warn', 'The audit log can be written again.']
      ], 'it is said once')
    })
  }
})

t.test('with "drop", calls go on while the disk is full, and what is missing is counted', async (t) => {
  for (const disk of fullDisks(t)) {
    await t.test(disk.name, async (t) => {
      const { sink, file, log } = openSink(t, { file: join(disk.folder, 'audit.log'), section: { onFull: 'drop' } })
      t.notOk(existsSync(join(disk.folder, '.audit.log.reserve')), 'no room is taken')
      sink.record(called('before'))
      disk.fill()
      for (let count = 0; count < 200; count++) {
        sink.admit()
        if (count % 2 === 0) sink.record(called(`during-${count}`))
        else sink.note(called(`during-${count}`))
      }
      const kept = linesIn(file).length
      t.ok(kept < 50, 'the rest of a page at most')
      t.equal(sink.missing.dropped, 201 - kept)
      t.match(check(file), { fault: undefined, lines: kept })

      disk.free()
      let attempts = 0
      await until('lines are written again', () => { sink.record(called(`after-${attempts++}`)); return linesIn(file).length > kept })
      const lines = linesIn(file)
      t.match(lines[kept], { event: 'audit.dropped', dropped: sink.missing.dropped, refused: 0, since: '2026-01-02T03:04:05.678Z' })
      t.equal(sink.missing.dropped + lines.length - 1, 201 + attempts, 'every event is a line or is counted')
      t.match(check(file), { fault: undefined })
      t.strictSame(log.sentences(), ['The audit log cannot be written: until it can, its lines are dropped (security.audit.onFull).', 'The audit log can be written again.'])
    })
  }
})

t.test('a full disk at the start is a reason not to start, unless lines may be missing', async (t) => {
  const disk = smallFileSystem(t, 'size=2m')
  if (disk === undefined) return t.comment('This user may not mount a file system.')
  disk.fill()
  const file = join(disk.folder, 'audit.log')
  t.throws(() => openSink(t, { file }), { code: 'MCP_AUDIT_FILE', message: /cannot be written: the disk is full\./ })
  const { sink } = openSink(t, { file, section: { onFull: 'drop' } })
  sink.record(called('a'))
  t.equal(sink.missing.dropped, 1)
})

t.test('what could not be written until the end is written at the end, or said to be missing', async (t) => {
  for (const frees of [true, false]) {
    for (const disk of fullDisks(t)) {
      const { sink, file, log } = openSink(t, { file: join(disk.folder, `${frees}.log`), section: { maxFileSize: 1024, maxFiles: 2 } })
      disk.fill()
      let held = 0
      for (let count = 0; count < 20_000 && held < 2; count++) {
        try {
          sink.record(called('x'.repeat(200)))
        } catch {
          held++
        }
      }
      if (frees) disk.free()
      sink.close()
      if (!frees) disk.free()
      const said = log.sentences().filter((sentence) => sentence.includes('not complete'))
      t.equal(said.length, frees || held === 0 ? 0 : 1, disk.name)
      t.match(check(file), { fault: undefined })
    }
  }
})

t.test('where no further file can be begun, the old one stays, and nothing runs unrecorded', async (t) => {
  // The folder, the file, the lock and the room that is taken: no more files than these.
  const disk = smallFileSystem(t, 'size=2m,nr_inodes=4')
  if (disk === undefined) return t.comment('This user may not mount a file system.')
  const file = join(disk.folder, 'audit.log')
  const { sink } = openSink(t, { file, section: { maxFileSize: 1024 } })
  for (let count = 0; count < 4; count++) {
    try {
      sink.record(called(`call-${count}`))
    } catch (error) {
      t.match(error, refusal)
    }
  }
  t.throws(() => { sink.admit() }, refusal)
  t.strictSame(readdirSync(disk.folder).sort(), ['.audit.log.lock', '.audit.log.reserve', 'audit.log'])
  t.ok(statSync(file).size <= 1024)
  t.match(check(file), { fault: undefined })
})

t.test('a file that grew old in the hands of others is gone on with', async (t) => {
  const folder = t.testdir({})
  const first = openSink(t, { file: join(folder, 'audit.log') })
  first.sink.record(called('a'))
  first.sink.close()
  mkdirSync(join(folder, 'kept'))
  writeFileSync(join(folder, 'kept', 'audit.log'), readFileSync(first.file))
  const second = openSink(t, { file: join(folder, 'kept', 'audit.log') })
  second.sink.record(called('b'))
  t.match(check(second.file), { fault: undefined, lines: 2 })
})
