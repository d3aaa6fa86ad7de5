import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createRedactor } from '../../src/core/redaction.ts'
import { openLog, type Log, type LogOptions } from '../../src/logging/logger.ts'
import { fullDisks } from '../helpers/full-disk.ts'
import { until } from '../helpers/waiting.ts'

const secret = 'hunter2-hunter2'
const defaults = { level: 'info', maxFileSize: 1_000_000, maxFiles: 10, maxErrorFiles: 5, access: { enabled: true, sample: 1 } } as const
const access = { outcome: 'ok', durationMs: 1 } as const

interface Changes extends Partial<Omit<LogOptions, 'section'>> { section?: Partial<LogOptions['section']> }

function open (t: Test, file: string, { section, ...changes }: Changes = {}): Log {
  const log = openLog({
    section: { ...defaults, ...section },
    file,
    errorFile: undefined,
    stream: 'stdout',
    forPeople: undefined,
    redactLine: createRedactor([secret]).line,
    complain: (text) => { throw new Error(text) },
    ...changes
  })
  t.teardown(() => { log.close() })
  return log
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)
const read = (file: string): Record<string, unknown>[] => linesOf(file).map((line) => JSON.parse(line) as Record<string, unknown>)
/** All files of a log, oldest first. */
function filesOf (file: string): string[] {
  const folder = join(file, '..')
  const asides = readdirSync(folder).filter((name) => /\.\d+$/.test(name)).map((name) => Number(name.split('.').at(-1))).sort((one, other) => one - other)
  return [...asides.map((number) => `${file}.${number}`), file]
}

t.test('a line of the log is in its file at once, behind those of requests that waited', async (t) => {
  const file = join(t.testdir({}), 'a/b/server.log')
  const { logger, access: accesses } = open(t, file)
  accesses?.write({ ...access, tool: 'first' })
  t.strictSame(linesOf(file), [], 'lines of requests wait for others')
  logger.info('second')
  t.match(read(file), [{ level: 30, time: Number, pid: process.pid, hostname: String, msg: 'access', tool: 'first' }, { msg: 'second' }])
  accesses?.write({ ...access, tool: 'third' })
  await until('a moment has passed', () => linesOf(file).length === 3)
  t.match(read(file).at(-1), { tool: 'third' })
})

t.test('files are put aside by size and kept by count, and no line is lost or torn before that', async (t) => {
  const file = join(t.testdir({}), 'server.log')
  const { logger, access: accesses, close } = open(t, file, { section: { maxFileSize: 4096, maxFiles: 1000 } })
  for (let number = 0; number < 1_000; number++) {
    if (number % 50 === 0) logger.warn({ number, text: '€' }, 'logged')
    else accesses?.write({ ...access, requestId: String(number) })
  }
  close()
  const files = filesOf(file)
  t.ok(files.length > 20)
  for (const name of files) t.ok(readFileSync(name).length <= 4096, name)
  t.strictSame(files.flatMap(read).map(({ number, requestId }) => Number(number ?? requestId)), Array.from({ length: 1_000 }, (_, index) => index))

  const few = join(t.testdir({}), 'server.log')
  const kept = open(t, few, { section: { maxFileSize: 1024, maxFiles: 3 } })
  for (let number = 0; number < 100; number++) kept.logger.info({ number }, 'logged')
  t.equal(filesOf(few).length, 3)
  t.match(read(few).at(-1), { number: 99 })
})

t.test('errors are in a file of their own, too, with a count of its own', async (t) => {
  const folder = t.testdir({})
  const file = join(folder, 'combined.log')
  const errorFile = join(folder, 'error.log')
  const { logger, access: accesses } = open(t, file, { errorFile, section: { maxFileSize: 1024, maxErrorFiles: 2 } })
  logger.warn('warned')
  accesses?.write({ ...access, outcome: 'error' })
  logger.error('failed')
  logger.fatal('ended')
  t.match(read(errorFile), [{ msg: 'failed' }, { msg: 'ended' }])
  t.match(read(file), [{ msg: 'warned' }, { msg: 'access' }, { msg: 'failed' }, { msg: 'ended' }])
  for (let number = 0; number < 50; number++) logger.error({ number }, 'failed')
  t.equal(readdirSync(folder).filter((name) => name.startsWith('error.log')).length, 2)
})

t.test('a secret is in no line, of either kind', async (t) => {
  const file = join(t.testdir({}), 'server.log')
  const { logger, access: accesses, close } = open(t, file)
  accesses?.write({ ...access, tool: `x${secret}x`, principal: secret })
  logger.info({ headers: { authorization: 'Bearer abc', cookie: 'def' }, deep: [secret] }, `It is ${secret}.`)
  logger.error({ err: new Error(`said ${secret}`, { cause: secret }) }, 'failed')
  close()
  const text = readFileSync(file, 'utf8')
  t.notMatch(text, secret)
  t.notMatch(text, /Bearer abc|"def"/)
  t.match(read(file), [{ tool: 'x[redacted]x', principal: '[redacted]' }, { deep: ['[redacted]'], msg: 'It is [redacted].' }, {}])
})

t.test('what is not seen stands in escapes, and a line stays one', async (t) => {
  const file = join(t.testdir({}), 'server.log')
  const { logger } = open(t, file)
  const hidden = 'a\nb\u2028\u202Ec\u200Bd\u001B[2Je\uFEFF\u0085'
  logger.info({ name: hidden }, 'Größe')
  t.equal(linesOf(file).length, 1)
  t.match(linesOf(file)[0], /^[ -~]+$/)
  t.match(read(file), [{ name: hidden, msg: 'Größe' }])
  logger.info('Größe 😀')
  t.match(linesOf(file).at(-1), 'Größe 😀', 'what is seen stays as it is')
})

t.test('of requests that succeeded a share is written, of all others each', async (t) => {
  const count = 400
  const writtenOf = (sample: number): Record<string, unknown>[] => {
    const file = join(t.testdir({}), 'server.log')
    const { access: accesses, close } = open(t, file, { section: { access: { enabled: true, sample } } })
    for (let number = 0; number < count; number++) {
      accesses?.write(access)
      accesses?.write({ ...access, outcome: 'refused' })
    }
    close()
    return read(file)
  }
  const lines = writtenOf(0.5)
  const succeeded = lines.filter(({ outcome }) => outcome === 'ok')
  t.equal(lines.length - succeeded.length, count)
  // Five standard deviations of a fair coin: once in two million runs it is outside.
  t.ok(Math.abs(succeeded.length - count / 2) < 50, `${succeeded.length} of ${count}`)
  t.ok(succeeded.every(({ sample }) => sample === 0.5), 'a line says what it stands for')
  t.ok(lines.every(({ outcome, sample }) => outcome === 'ok' || sample === undefined))
  t.equal(writtenOf(0).length, count)
  t.ok(writtenOf(1).every(({ sample }) => sample === undefined))
})

t.test('lines of requests are of level info, and follow it', async (t) => {
  const { logger, access: accesses } = open(t, join(t.testdir({}), 'server.log'), { section: { level: 'warn' } })
  t.equal(accesses?.isOn, false)
  logger.level = 'debug'
  t.equal(accesses?.isOn, true)
  t.equal(open(t, join(t.testdir({}), 'server.log'), { section: { access: { enabled: false, sample: 1 } } }).access, undefined)
})

t.test('where the file was moved, as logrotate does it, a new one is begun', async (t) => {
  const file = join(t.testdir({}), 'server.log')
  const { logger } = open(t, file)
  logger.info('before')
  renameSync(file, `${file}-moved`)
  await until('it is looked at again', () => { logger.info('after'); return existsSync(file) })
  t.match(read(file), [{ msg: 'after' }])
  t.match(read(`${file}-moved`)[0], { msg: 'before' })
})

t.test('a path that cannot be written is known at once', async (t) => {
  const folder = t.testdir({ file: '' })
  mkdirSync(join(folder, 'folder'))
  t.throws(() => open(t, join(folder, 'folder')), { code: 'EISDIR' })
  t.throws(() => open(t, join(folder, 'file/server.log')), { code: /ENOTDIR|EEXIST/ })
})

for (const disk of fullDisks(t)) {
  t.test(`on ${disk.name} the server goes on: what fits is kept, what is missing is counted, and one sentence is said`, async (t) => {
    const file = join(disk.folder, 'server.log')
    const said: string[] = []
    const { logger, access: accesses, close } = open(t, file, { complain: (text) => { said.push(text) }, section: { maxFileSize: 10_000_000 } })
    writeFileSync(file, '')
    logger.info('before')
    disk.fill()
    const padding = 'x'.repeat(2_000)
    for (let number = 0; number < 1_000; number++) logger.info({ number, padding }, 'during')
    accesses?.write({ ...access, tool: 'during' })
    disk.free()
    t.equal(said.length, 1)
    t.match(said[0], /^The log cannot be written to .*server\.log: .* The server goes on/)
    await until('it is tried again', () => { logger.info('after'); return linesOf(file).at(-1)?.includes('"after"') === true })
    close()
    const lines = read(file)
    t.ok(lines.every(({ msg }) => typeof msg === 'string'), 'no line is torn')
    const numbers = lines.filter(({ msg }) => msg === 'during').map(({ number }) => number)
    t.strictSame(numbers, Array.from({ length: numbers.length }, (_, index) => index), 'the first ones were kept, in their order')
    const missing = /^(\d+) lines of the log are missing here/.exec(lines.map(({ msg }) => msg as string).find((msg) => msg.includes('missing')) ?? '')
    t.ok(Number(missing?.[1]) >= 1_000 - numbers.length, 'and the others counted')
    t.equal(said.length, 1)
  })
}
