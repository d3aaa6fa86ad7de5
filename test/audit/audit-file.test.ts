import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { AuditFile, type AuditFileOptions } from '../../src/audit/audit-file.ts'
import { plainSealer } from '../../src/audit/chain.ts'
import { tornLine } from '../../src/audit/tail.ts'
import { check, linesIn, textsIn } from './support.ts'

function open (t: Test, file: string, changes: Partial<AuditFileOptions> = {}): AuditFile {
  const opened = new AuditFile({
    file, sealer: plainSealer, maxBytes: 1_000_000, maxFiles: 5, fsync: false, tellTorn: ({ bytes, digest }) => `"event":"audit.torn","bytes":${bytes},"digest":"${digest}"`, ...changes
  })
  t.teardown(() => { opened.close() })
  return opened
}
const place = (t: Test): string => join(t.testdir({}), 'audit.log')
const say = (text: string): string => `"event":"server.ping","name":"${text}"`
const namesIn = (file: string): (string | undefined)[] => linesIn(file).map(({ name }) => name)

t.test('each line carries its number, the seal of the line before it, and its own', async (t) => {
  const file = place(t)
  const audit = open(t, file)
  for (const name of ['a', 'b', 'c']) audit.append(say(name))
  const lines = linesIn(file)
  t.strictSame(lines.map(({ seq }) => seq), [1, 2, 3])
  t.equal(lines[0]?.['previous'], '0'.repeat(64))
  t.strictSame(lines.map(({ previous }) => previous).slice(1), lines.map(({ hash }) => hash).slice(0, -1))
  t.match(check(file), { lines: 3, fault: undefined })
})

t.test('a line is in the file when the call returns', async (t) => {
  const file = place(t)
  for (const fsync of [false, true]) {
    const audit = open(t, file, { fsync })
    for (let count = 0; count < 3; count++) {
      const before = existsSync(file) ? textsIn(file).length : 0
      audit.append(say('a'))
      t.equal(textsIn(file).length, before + 1)
    }
    audit.close()
  }
})

t.test('the chain goes on after a restart', async (t) => {
  const file = place(t)
  for (const name of ['a', 'b', 'c']) {
    const audit = open(t, file)
    audit.append(say(name))
    audit.close()
  }
  t.strictSame(namesIn(file), ['a', 'b', 'c'])
  t.match(check(file), { lines: 3, fault: undefined })
})

t.test('directories that are missing are made, and the file is closed to others', async (t) => {
  const file = join(t.testdir({}), 'a/b/audit.log')
  open(t, file).append(say('a'))
  t.equal(statSync(file).mode & 0o007, 0)
})

t.test('a file that would grow too large is put aside, and so many are kept', async (t) => {
  const file = place(t)
  const audit = open(t, file, { maxBytes: 1_000, maxFiles: 3 })
  for (let count = 1; count <= 40; count++) audit.append(say(`line-${count}`))
  const names = readdirSync(dirname(file)).sort()
  t.equal(names.length, 3)
  t.equal(names[0], 'audit.log')
  for (const name of names) t.ok(statSync(join(dirname(file), name)).size <= 1_000)
  const verdict = check(file)
  t.match(verdict, { fault: undefined, last: { seq: 40 } })
  t.strictSame(verdict.files.flatMap(namesIn), Array.from({ length: verdict.lines }, (_, index) => `line-${41 - verdict.lines + index}`), 'in the order of the numbers, whole at the seams')
})

t.test('numbers of files grow, and a file keeps its name for as long as it is there', async (t) => {
  const file = place(t)
  const audit = open(t, file, { maxBytes: 300, maxFiles: 3 })
  for (let count = 1; count <= 14; count++) audit.append(say(`${count}`))
  t.strictSame(readdirSync(dirname(file)).sort(), ['audit.log', 'audit.log.12', 'audit.log.13'])
  t.strictSame(namesIn(`${file}.12`), ['12'])
})

t.test('of files that are kept, one may be all', async (t) => {
  const file = place(t)
  const audit = open(t, file, { maxBytes: 300, maxFiles: 1 })
  for (let count = 1; count <= 4; count++) audit.append(say(`${count}`))
  t.strictSame(readdirSync(dirname(file)), ['audit.log'])
  t.strictSame(namesIn(file), ['4'])
  t.match(check(file), { fault: undefined, first: { seq: 4 } })
})

t.test('a line that is larger than a file may be has a file of its own', async (t) => {
  const file = place(t)
  const audit = open(t, file, { maxBytes: 10 })
  for (const name of ['a', 'b']) audit.append(say(name))
  t.strictSame([namesIn(`${file}.1`), namesIn(file)], [['a'], ['b']])
})

t.test('names beside it that are not of its own making are left alone', async (t) => {
  const strangers = ['audit.log.old', 'audit.log.01', 'audit.log.1.gz', 'other.log.1', 'audit.log.0', 'audit.log.-1']
  const folder = t.testdir(Object.fromEntries(strangers.map((name) => [name, 'x'])))
  const audit = open(t, join(folder, 'audit.log'), { maxBytes: 10, maxFiles: 1 })
  for (const name of ['a', 'b', 'c']) audit.append(say(name))
  t.strictSame(readdirSync(folder).sort(), [...strangers, 'audit.log'].sort())
})

t.test('after a restart between putting aside and beginning anew, the chain goes on', async (t) => {
  const file = place(t)
  const first = open(t, file)
  first.append(say('a'))
  first.close()
  renameSync(file, `${file}.1`)
  open(t, file).append(say('b'))
  t.match(check(file), { files: [`${file}.1`, file], lines: 2, fault: undefined })
})

for (const [what, kept] of [['most of a line', 190], ['half of a line', 100], ['the first character of a line', 1]] as const) {
  t.test(`what a crash left of ${what} stays, is told of, and the chain goes on`, async (t) => {
    const file = place(t)
    const first = open(t, file)
    for (const name of ['a', 'b']) first.append(say(name))
    first.close()
    const start = readFileSync(file).indexOf('\n') + 1
    truncateSync(file, start + kept)
    const torn = readFileSync(file).subarray(start)
    t.match(check(file), { lines: 1, fault: { kind: 'torn', line: 2 } }, 'until a server goes on')
    const second = open(t, file)
    second.append(say('c'))
    const texts = textsIn(file)
    t.equal(texts[1], torn.toString())
    t.match(JSON.parse(texts[2] ?? ''), { seq: 2, event: 'audit.torn', ...tornLine(torn) })
    t.match(check(file), { lines: 3, fault: undefined, torn: [{ file, line: 2 }] })
  })
}

t.test('a line that lacks nothing but its line break is a whole one', async (t) => {
  const file = place(t)
  const first = open(t, file)
  for (const name of ['a', 'b']) first.append(say(name))
  first.close()
  truncateSync(file, statSync(file).size - 1)
  t.match(check(file), { lines: 2, fault: undefined })
  open(t, file).append(say('c'))
  t.strictSame(namesIn(file), ['a', 'b', 'c'])
  t.match(check(file), { lines: 3, fault: undefined })
})

t.test('a torn line may be the first of all, or the first of its file', async (t) => {
  const file = place(t)
  writeFileSync(file, '{"seq":1,"ti')
  const first = open(t, file)
  first.append(say('a'))
  first.close()
  t.match(check(file), { lines: 2, fault: undefined, torn: [{ line: 1 }] })
  renameSync(file, `${file}.1`)
  writeFileSync(file, '{"seq":3,"ti')
  open(t, file).append(say('b'))
  t.match(check(file), { lines: 4, fault: undefined, torn: [{ file: `${file}.1` }, { file }] })
})

t.test('a file that holds something else is refused, and not touched', async (t) => {
  const whole = 'x'.repeat(200_000)
  const contents: [what: string, content: string, message: RegExp][] = [
    ['the lines of a log', '{"level":30,"msg":"hi"}\n', /is no audit file, or its last line was changed/],
    ['something behind the last line', `${JSON.stringify({ seq: 1 })}\n\n`, /is no audit file/],
    ['a text without lines', whole, /is no audit file/],
    ['a short text without lines', 'hunter22', /is no audit file/],
    ['a line without end', `${whole}\n`, /is no audit file/]
  ]
  for (const [what, content, message] of contents) {
    const file = join(t.testdir({ 'audit.log': content }), 'audit.log')
    t.throws(() => open(t, file), { code: 'MCP_AUDIT_FILE', message }, what)
    t.equal(readFileSync(file, 'utf8'), content)
  }
})

t.test('what is no regular file is refused', async (t) => {
  const folder = t.testdir({ 'audit.log': {} })
  t.throws(() => open(t, join(folder, 'audit.log')), { code: 'MCP_AUDIT_FILE', message: /is no regular file/ })
  t.throws(() => open(t, '/dev/full'), { code: 'MCP_AUDIT_FILE', message: /is no regular file/ })
})

t.test('a file that was moved or removed is noticed, and the chain goes on in a new one', async (t) => {
  const file = place(t)
  const audit = open(t, file)
  audit.append(say('a'))
  t.ok(audit.isInPlace())
  renameSync(file, `${file}.1`)
  t.notOk(audit.isInPlace())
  audit.append(say('b'))
  unlinkSync(file)
  t.notOk(audit.isInPlace())
  t.ok(audit.isInPlace(), 'until the next line there is none to be in place')
  audit.append(say('c'))
  t.strictSame([namesIn(`${file}.1`), namesIn(file)], [['a'], ['c']])
  t.match(check(file), { fault: { kind: 'removed', line: 1, message: /^Line number 2 is missing/ } })
})

t.test('a number that is taken by something else is left out', async (t) => {
  const file = place(t)
  const audit = open(t, file, { maxBytes: 300 })
  audit.append(say('a'))
  mkdirSync(`${file}.1`)
  audit.append(say('b'))
  t.strictSame([namesIn(`${file}.2`), namesIn(file)], [['a'], ['b']])
})

t.test('the seal is made over every byte: one changed bit is found', async (t) => {
  const file = place(t)
  const audit = open(t, file)
  for (const name of ['a', 'b', 'c']) audit.append(say(name))
  const bytes = readFileSync(file)
  const start = bytes.indexOf('\n') + 1
  const end = bytes.indexOf('\n', start)
  for (let index = start; index < end; index++) {
    const changed = Buffer.from(bytes)
    changed[index] = (changed[index] ?? 0) ^ 1
    writeFileSync(file, changed)
    const { fault } = check(file)
    if (fault?.line !== 2) t.fail(`the bit in byte ${index - start}: ${JSON.stringify(fault)}`)
  }
  t.pass('all of them')
})
