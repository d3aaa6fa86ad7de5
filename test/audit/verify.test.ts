import { createHash, createHmac } from 'node:crypto'
import { copyFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { KeyNeededError } from '../../src/audit/verify.ts'
import { called, check, openSink, textsIn, type SinkChanges } from './support.ts'

const key = 'a key of sixteen characters'

/** A file with so many calls. */
function written (t: Test, count: number, changes: SinkChanges = {}): string {
  const { sink, file } = openSink(t, changes)
  for (let index = 1; index <= count; index++) sink.record(called(`call-${index}`))
  sink.close()
  return file
}

function rewrite (file: string, change: (lines: string[]) => void): void {
  const lines = textsIn(file)
  change(lines)
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
}

interface Parts { seq: number, previous: string, members: string }

/** A line that is sealed as anybody could seal it. */
function forged ({ seq, previous, members }: Parts): string {
  const body = `{"seq":${seq},${members},"previous":"${previous}"`
  return `${body},"hash":"${createHash('sha256').update(body).digest('hex')}"}`
}

const partsOf = (line = ''): Parts & { seal: string } => {
  const [, seq, members = '', previous = '', seal = ''] = /^\{"seq":(\d+),(.*),"previous":"(.*)","(?:hash|mac)":"(.*)"\}$/.exec(line) ?? []
  return { seq: Number(seq), members, previous, seal }
}

t.test('the seal of a line is what sha256sum makes of its text, so that others can check it too', async (t) => {
  const [, line = ''] = textsIn(written(t, 2))
  const at = line.lastIndexOf(',"hash":"')
  t.equal(createHash('sha256').update(line.slice(0, at)).digest('hex'), line.slice(at + 9, -2))
  const [keyed = ''] = textsIn(written(t, 1, { key }))
  const keyedAt = keyed.lastIndexOf(',"mac":"')
  t.equal(createHmac('sha256', key).update(keyed.slice(0, keyedAt)).digest('hex'), keyed.slice(keyedAt + 8, -2))
})

const tampering: readonly [what: string, change: (lines: string[]) => void, line: number, kind: string, message: RegExp][] = [
  ['one character of a line', (lines) => { lines[4] = lines[4]?.replace('call-5', 'call-4') ?? '' }, 5, 'changed', /does not say what was sealed/],
  ['the seal of a line', (lines) => { lines[4] = lines[4]?.replace(/"hash":"..../, '"hash":"0000') ?? '' }, 5, 'changed', /does not say what was sealed/],
  ['a line that was written anew by a program that formats JSON', (lines) => { lines[4] = JSON.stringify(JSON.parse(lines[4] ?? ''), null, 1).replaceAll('\n', ' ') }, 5, 'changed', /no line of an audit/],
  ['a line that is no JSON any more', (lines) => { lines[4] = 'nothing to see here' }, 5, 'changed', /no line of an audit/],
  ['a line that was emptied', (lines) => { lines[4] = '' }, 5, 'changed', /no line of an audit/],
  ['two lines that are no lines any more', (lines) => { lines[4] = 'x'; lines[5] = 'y' }, 5, 'changed', /no line of an audit/],
  ['a line that was changed and sealed anew', (lines) => { lines[4] = forged({ ...partsOf(lines[4]), members: partsOf(lines[3]).members }) }, 5, 'changed', /sealed anew/],
  ['a line that is gone', (lines) => { lines.splice(4, 1) }, 5, 'removed', /^Line number 5 is missing/],
  ['lines that are gone', (lines) => { lines.splice(4, 3) }, 5, 'removed', /^Lines number 5 to 7 are missing/],
  ['two lines that changed places', (lines) => { lines.splice(4, 2, lines[5] ?? '', lines[4] ?? '') }, 5, 'reordered', /^Line number 6 stands here, after number 4/],
  ['a line that was moved up', (lines) => { lines.splice(2, 0, ...lines.splice(7, 1)) }, 3, 'reordered', /^Line number 8 stands here, after number 2/],
  ['a line that was moved down', (lines) => { lines.splice(7, 0, ...lines.splice(2, 1)) }, 3, 'reordered', /^Line number 4 stands here, after number 2/],
  ['the first line, moved to the end', (lines) => { lines.push(lines.shift() ?? '') }, 10, 'reordered', /^Line number 1 stands after number 10/],
  ['a copy of a line', (lines) => { lines.splice(7, 0, lines[2] ?? '') }, 8, 'inserted', /another line of number 3/],
  ['a copy of a line right behind it', (lines) => { lines.splice(5, 0, lines[4] ?? '') }, 6, 'inserted', /another line of number 5/],
  ['a foreign line', (lines) => { lines.splice(4, 0, '{"level":30,"msg":"hi"}') }, 5, 'inserted', /the lines around it belong together/],
  ['a foreign line at the beginning', (lines) => { lines.unshift('{"level":30,"msg":"hi"}') }, 1, 'inserted', /the lines around it belong together/],
  ['a foreign line at the end', (lines) => { lines.push('{"level":30,"msg":"hi"}') }, 11, 'changed', /no line of an audit/],
  ['a sealed line of somebody else, before the true one', (lines) => { lines.splice(4, 0, forged({ ...partsOf(lines[4]), members: '"event":"x"' })) }, 5, 'inserted', /another line of number 5/],
  ['a sealed line of somebody else, behind the true one', (lines) => { lines.splice(5, 0, forged({ ...partsOf(lines[4]), members: '"event":"x"' })) }, 6, 'inserted', /another line of number 5/],
  ['a first line that was never the first', (lines) => { lines.shift(); lines[0] = forged({ ...partsOf(lines[0]), seq: 1 }) }, 1, 'changed', /says that there was one before it/],
  ['a line with an end that no line has', (lines) => { lines[4] = `${lines[4] ?? ''} ` }, 5, 'changed', /no line of an audit/],
  ['a line that is longer than any', (lines) => { lines[4] = `{"seq":5,"a":"${'x'.repeat(300_000)}"${lines[4]?.slice(8) ?? ''}` }, 5, 'changed', /no line of an audit/]
]
for (const [what, change, line, kind, message] of tampering) {
  t.test(`${what}: found, as ${kind}, in its place`, async (t) => {
    const file = written(t, 10)
    rewrite(file, change)
    t.match(check(file), { lines: Math.min(line - 1, 10), fault: { file, line, kind, message } })
  })
}

t.test('the first of several faults is the one that is named', async (t) => {
  const file = written(t, 10)
  rewrite(file, (lines) => {
    lines[8] = 'x'
    lines.splice(5, 1)
    lines[2] = lines[2]?.replace('call', 'tall') ?? ''
  })
  t.match(check(file), { fault: { line: 3, kind: 'changed' } })
})

t.test('a cut at the end shows where something of it is known', async (t) => {
  const file = written(t, 10)
  const known = partsOf(textsIn(file)[8]).seal
  t.match(check(file, { expected: known }), { fault: undefined })
  for (const expected of ['9', '10']) t.match(check(file, { expected }), { fault: undefined })
  rewrite(file, (lines) => { lines.length = 8 })
  t.match(check(file), { fault: undefined, lines: 8 }, 'the chain by itself cannot tell')
  for (const expected of [known, '9', '10']) t.match(check(file, { expected }), { fault: { kind: 'truncated', file, line: 8 } })
  rewrite(file, (lines) => { lines.length = 0 })
  t.match(check(file), { fault: undefined, lines: 0, first: undefined, last: undefined })
  t.match(check(file, { expected: '1' }), { fault: { kind: 'truncated' } })
})

t.test('a chain that was made anew from some line on shows where something of it is known, or where there is a key', async (t) => {
  const file = written(t, 10)
  const known = partsOf(textsIn(file)[9]).seal
  let previous = ''
  rewrite(file, (lines) => {
    lines.forEach((line, index) => {
      const parts = partsOf(line)
      lines[index] = index < 4 ? line : forged({ ...parts, members: parts.members.replace('call-5', 'tall-5'), previous })
      previous = partsOf(lines[index]).seal
    })
  })
  t.match(check(file), { fault: undefined }, 'who may write the file may write another one')
  t.match(check(file, { expected: known }), { fault: { kind: 'truncated' } })
})

t.test('lines that were sealed with a key need it', async (t) => {
  const file = written(t, 5, { key })
  t.throws(() => check(file), KeyNeededError)
  t.match(check(file, { key }), { lines: 5, unkeyed: 0, fault: undefined })
  t.match(check(file, { key: `${key}x` }), { lines: 0, fault: { line: 1, kind: 'changed', message: /another key/ } })
})

t.test('under a key, lines that anybody could have sealed count only from before there was one', async (t) => {
  const file = written(t, 3)
  const { sink } = openSink(t, { file, key })
  for (const name of ['a', 'b']) sink.record(called(name))
  sink.close()
  t.match(check(file, { key }), { lines: 5, unkeyed: 3, fault: undefined })
  const last = partsOf(textsIn(file)[4])
  rewrite(file, (lines) => { lines.push(forged({ seq: last.seq + 1, previous: last.seal, members: '"event":"x"' })) })
  t.match(check(file, { key }), { fault: { line: 6, kind: 'changed', message: /without the key/ } })
  t.match(check(written(t, 3), { key }), { lines: 3, fault: { line: 3, kind: 'changed', message: /without the key/ } })
})

t.test('the files that were put aside are checked with it, in their order', async (t) => {
  const file = written(t, 60, { section: { maxFileSize: 1024, maxFiles: 100 } })
  const { files, lines, fault } = check(file)
  t.equal(fault, undefined)
  t.equal(lines, 60)
  t.ok(files.length > 10)
  t.strictSame(files, [...Array.from({ length: files.length - 1 }, (_, index) => `${file}.${index + 1}`), file])
  t.match(check(`${file}.11`), { files: [`${file}.11`], fault: undefined })
  t.match(check(file, { alone: true }), { files: [file], fault: undefined })
})

t.test('a file of the set that was changed, removed, doubled or exchanged is found', async (t) => {
  const make = (): string => written(t, 30, { section: { maxFileSize: 1024, maxFiles: 100 } })
  const changed = make()
  rewrite(`${changed}.2`, (lines) => { lines[0] = lines[0]?.replace('call', 'tall') ?? '' })
  t.match(check(changed), { fault: { file: `${changed}.2`, line: 1, kind: 'changed' } })
  const removed = make()
  unlinkSync(`${removed}.2`)
  t.match(check(removed), { fault: { file: `${removed}.3`, line: 1, kind: 'removed' } })
  const exchanged = make()
  renameSync(`${exchanged}.1`, `${exchanged}.x`)
  renameSync(`${exchanged}.2`, `${exchanged}.1`)
  renameSync(`${exchanged}.x`, `${exchanged}.2`)
  t.match(check(exchanged), { fault: { file: `${exchanged}.2`, line: 1, kind: 'reordered' } })
  const doubled = make()
  copyFileSync(`${doubled}.2`, `${doubled}.99`)
  t.match(check(doubled), { fault: { file: `${doubled}.99`, line: 1, kind: 'inserted' } })
  const cut = make()
  writeFileSync(`${cut}.2`, textsIn(`${cut}.2`).join('\n').slice(0, -30))
  t.match(check(cut), { fault: { file: `${cut}.2`, kind: 'torn' } })
})

t.test('what was before the first line is not asked for: old files are deleted', async (t) => {
  const file = written(t, 60, { section: { maxFileSize: 1024, maxFiles: 3 } })
  t.equal(readdirSync(dirname(file)).filter((name) => name.startsWith('audit.log')).length, 3)
  const { first, fault } = check(file)
  t.equal(fault, undefined)
  t.ok((first?.seq ?? 0) > 1)
})

t.test('a torn line that nobody tells of is a fault, wherever it is', async (t) => {
  const file = written(t, 5)
  const last = textsIn(file)[4] ?? ''
  writeFileSync(file, `${textsIn(file).slice(0, 4).join('\n')}\n${last.slice(0, 50)}`)
  t.match(check(file), { lines: 4, fault: { line: 5, kind: 'torn' } })
  // As a restart leaves it, but for the line that tells of it.
  writeFileSync(file, `${textsIn(file).join('\n')}\n${last.slice(0, 50)}\n${forged({ seq: 5, previous: partsOf(textsIn(file)[3]).seal, members: '"event":"audit.torn","digest":"0"' })}\n`)
  t.match(check(file), { lines: 4, fault: { line: 5, kind: 'inserted' } })
})

t.test('a file of any size takes little memory', async (t) => {
  const file = join(t.testdir({}), 'audit.log')
  const line = `${'x'.repeat(1_000_000)}`
  writeFileSync(file, line)
  for (let count = 0; count < 50; count++) writeFileSync(file, line, { flag: 'a' })
  const before = process.memoryUsage().arrayBuffers
  t.match(check(file), { fault: { line: 1, kind: 'torn' } })
  t.ok(process.memoryUsage().arrayBuffers - before < 20_000_000)
})

t.test('a file that is not there is an error of the file system', async (t) => {
  t.throws(() => check(join(t.testdir({}), 'audit.log')), { code: 'ENOENT' })
})
