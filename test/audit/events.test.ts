import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { plainSealer, sealLine, beginning, keyedSealer } from '../../src/audit/chain.ts'
import { writeMembers } from '../../src/audit/line.ts'
import { auditEvents, auditFilters } from '../../schemas/audit.ts'
import { configFromObject } from '../../src/config/load.ts'
import { called, check, linesIn, openSink } from './support.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8')

/** The rows of the table whose first heading this is: the name in code, and the rest. */
function table (heading: string): [string, string][] {
  const [, ...sections] = page.split(new RegExp(`^\\| ${heading} \\|.*\\n\\|[-|]+\\n`, 'm'))
  const [rows = ''] = sections[0]?.split(/\n(?!\|)/) ?? []
  return rows.split('\n').map((row) => {
    const [, name = '', meaning = ''] = /^\| `([^`]+)` \| (.+) \|$/.exec(row) ?? []
    return [name, meaning]
  })
}

t.test('the page lists every event as the catalogue does, and no other', async (t) => {
  t.strictSame(table('Event'), Object.entries(auditEvents))
})

t.test('the names of events are permanent', async (t) => {
  t.strictSame(Object.keys(auditEvents), [
    'server.start', 'server.stop', 'server.discover', 'server.ping', 'session.open', 'session.end', 'session.log-level', 'stream.open',
    'tool.list', 'tool.call', 'prompt.list', 'prompt.get', 'resource.list', 'resource.templates', 'resource.read', 'completion.get', 'subscription.open', 'subscription.end',
    'task.start', 'task.get', 'task.update', 'task.cancel',
    'request.refused', 'auth.refused', 'address.refused', 'origin.refused', 'permission.refused', 'rate.refused', 'audit.torn', 'audit.dropped'
  ])
  t.strictSame(auditFilters.filter((name) => name.endsWith('*')), [
    'server.*', 'session.*', 'stream.*', 'tool.*', 'prompt.*', 'resource.*', 'completion.*', 'subscription.*', 'task.*', 'request.*', 'auth.*', 'address.*', 'origin.*', 'permission.*', 'rate.*', 'audit.*'
  ])
})

t.test('the page lists every member that a line can have, and no other', async (t) => {
  const members = writeMembers({
    event: 'tool.call',
    outcome: 'error',
    code: 'x',
    durationMs: 1,
    source: { requestId: 'x', principal: { kind: 'key', name: 'x', permissions: [], tier: undefined }, door: 'mcp', address: 'x', sessionId: 'x', revision: '2026-07-28', clientName: 'x' },
    subject: { name: 'x', uri: 'x', within: 'x', task: 'x', method: 'x', verb: 'x', path: 'x', permission: 'x' },
    arguments: { digest: 'x', text: '1', omittedBytes: 1 }
  }, 0, (text) => text)
  const line = (sealer: typeof plainSealer): string[] => Object.keys(JSON.parse(sealLine(members, beginning, sealer).line) as object)
  const facts = ['version', 'pid', 'bytes', 'digest', 'dropped', 'refused', 'since']
  const all = new Set([...line(plainSealer), ...line(keyedSealer('a key of sixteen characters')), ...facts])
  t.strictSame(table('Member').map(([name]) => name).sort(), [...all].sort())
})

t.test('the page lists every outcome', async (t) => {
  t.strictSame(table('Outcome').map(([name]) => name), ['ok', 'error', 'refused', 'cancelled', 'timeout', 'input_required', 'cut_off'])
})

t.test('the check that the page gives for a shell finds the seal', async (t) => {
  const { sink, file } = openSink(t)
  for (let count = 0; count < 8; count++) sink.record(called(`call-${count}`))
  const [, command = ''] = /^```sh\n(sed .*?) {3}#/m.exec(page) ?? []
  const { stdout } = spawnSync('sh', ['-c', command.replace('audit.log', file)], { encoding: 'utf8' })
  t.equal(stdout.slice(0, 64), linesIn(file)[6]?.['hash'])
  t.equal(stdout.slice(0, 64), linesIn(file)[7]?.['previous'])
  t.match(check(file), { fault: undefined })
})

t.test('a filter that names no event is a fault, with what was probably meant', async (t) => {
  const faultsOf = (events: unknown): object => configFromObject({ security: { audit: { events } } }).faults
  t.strictSame(faultsOf(['tool.call', 'session.*']), [])
  t.match(faultsOf(['tool.cal']), [{ path: ['security', 'audit', 'events', 0], suggestion: 'Did you mean "tool.call"?' }])
  t.match(faultsOf(['tools.*']), [{ suggestion: 'Did you mean "tool.*"?' }])
  t.match(faultsOf(['*']), [{ message: /Expected an event such as "tool\.call", or an area such as "tool\.\*", found the text "\*"/ }])
  t.match(faultsOf('tool.call'), [{ path: ['security', 'audit', 'events'] }])
})
