import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readMessage } from '../../src/core/json-rpc.ts'
import { mendMessage } from '../../src/core/mending.ts'
import { Tolerance } from '../../src/core/tolerating.ts'
import { deviations, type Deviation, type DeviationName } from '../../src/core/tolerance.ts'
import { tolerancePage } from '../../scripts/tolerance-page.ts'
import { keepingLogger, type LogLine } from '../helpers/exchange.ts'

const table = Object.entries<Deviation>(deviations)

function tolerating (strictness: 'strict' | 'lenient' = 'lenient'): { tolerance: Tolerance, lines: LogLine[] } {
  const logger = keepingLogger()
  return { tolerance: new Tolerance({ strictness, logger }), lines: logger.lines }
}

const countsIn = ({ counts }: Tolerance): Record<string, Record<string, number>> => Object.fromEntries([...counts].map(([client, each]) => [client, Object.fromEntries(each)]))

t.test('every deviation says what the client does, which rule it breaks where, what becomes of it, and why', async (t) => {
  t.ok(table.length >= 20)
  for (const [name, { what, rule, served, refused, reason, seen }] of table) {
    t.match(name, /^[a-z]+(-[a-z]+)+$/)
    t.match(rule, /\((?:JSON-RPC 2\.0 §|2025-11-25 |2026-07-28 )/, `${name} cites a section`)
    t.match(reason, /^[A-Z].*\.$/, `${name} has a reason`)
    for (const text of [what, served, refused]) t.ok(text.length > 2, name)
    if (seen !== undefined) t.match(seen, /\[[^\]]+\]\(https:\/\/github\.com\/[^)]+\/\d+\)/, `${name} names its source`)
  }
})

t.test('the page is the one that the table makes', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/tolerance.md'), 'utf8')
  t.equal(page, tolerancePage())
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)]
  t.strictSame(rows.map(([, name]) => name), Object.keys(deviations))
  for (const [name, { what, rule, reason }] of table) for (const text of [what, rule, reason]) t.ok(page.includes(` ${text} |`), `${name}: ${text}`)
})

t.test('a lenient server bears and counts by client and kind; a strict one does neither', async (t) => {
  const { tolerance, lines } = tolerating()
  t.equal(tolerance.bears('params-null', 'ann'), true)
  t.equal(tolerance.bears('params-null', 'ann'), true)
  t.equal(tolerance.bears('cursor-null', 'ann'), true)
  t.equal(tolerance.bears('params-null', undefined), true)
  t.equal(tolerance.bears('params-null', ''), true)
  t.strictSame(countsIn(tolerance), { ann: { 'params-null': 2, 'cursor-null': 1 }, unknown: { 'params-null': 2 } })
  t.strictSame(lines.map(({ level, facts }) => [level, facts]), [
    ['debug', { client: 'ann', deviation: 'params-null' }], ['debug', { client: 'ann', deviation: 'cursor-null' }], ['debug', { client: 'unknown', deviation: 'params-null' }]
  ], 'each is logged once')

  const strict = tolerating('strict')
  for (const name of Object.keys(deviations) as DeviationName[]) t.equal(strict.tolerance.bears(name, 'ann'), false, name)
  t.equal(strict.tolerance.counts.size, 0)
  t.strictSame(strict.lines, [])
})

t.test('what was counted is read as it was at that moment, and cannot be changed through it', async (t) => {
  const { tolerance } = tolerating()
  tolerance.bears('params-null', 'ann')
  const before = tolerance.counts
  tolerance.bears('params-null', 'ann')
  tolerance.bears('params-null', 'bob')
  t.strictSame([before.size, before.get('ann')?.get('params-null')], [1, 1])
  ;(before.get('ann') as Map<string, number>).set('params-null', 99)
  t.equal(tolerance.counts.get('ann')?.get('params-null'), 2)
})

t.test('names without end and names of any length take no memory without end', async (t) => {
  const { tolerance, lines } = tolerating()
  tolerance.bears('params-null', 'x'.repeat(10_000))
  t.strictSame([...tolerance.counts.keys()], ['x'.repeat(64)])
  for (let n = 0; n < 5_000; n++) tolerance.bears(n % 2 === 0 ? 'params-null' : 'cursor-null', `client-${n}`)
  const { counts } = tolerance
  t.equal(counts.size, 101)
  t.equal(counts.get('client-98')?.get('params-null'), 1)
  t.notOk(counts.has('client-99'))
  t.equal([...counts.get('other')?.values() ?? []].reduce((sum, count) => sum + count), 5_000 - 99)
  t.equal(lines.length, 1 + 99 + 2, 'nor lines in the log')
  tolerance.bears('cursor-null', 'client-98')
  t.equal(tolerance.counts.get('client-98')?.get('cursor-null'), 1, 'who is counted by name goes on being so')
  for (const name of ['__proto__', 'constructor', 'toString']) t.doesNotThrow(() => tolerance.bears('params-null', name))
})

const lenient = tolerating().tolerance
const mend = (value: unknown) => mendMessage(value, lenient)

t.test('a message is mended in what is known, and comes back as it was meant', async (t) => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const read = { kind: 'request', id: 1, method: 'ping', params: {} }
  const rows: [value: unknown, message: unknown, deviations: DeviationName[]][] = [
    [{ ...ping, params: null }, read, ['params-null']],
    [{ ...ping, params: [] }, read, ['params-empty-list']],
    [{ id: 1, method: 'ping' }, read, ['jsonrpc-missing']],
    [{ id: 1, method: 'ping', params: null }, read, ['jsonrpc-missing', 'params-null']],
    [{ jsonrpc: '2.0', id: null, method: 'notifications/initialized' }, { kind: 'notification', method: 'notifications/initialized', params: {} }, ['notification-id-null']],
    [{ jsonrpc: '2.0', id: 'a', result: { x: 1 }, error: null }, { kind: 'response', id: 'a', result: { x: 1 }, error: undefined }, ['response-null-member']],
    [{ jsonrpc: '2.0', id: 'a', result: null, error: { code: 1 } }, { kind: 'response', id: 'a', result: undefined, error: { code: 1 } }, ['response-null-member']],
    [{ jsonrpc: '2.0', id: 'a', result: null, error: null }, { kind: 'response', id: 'a', result: null, error: undefined }, ['response-null-member']]
  ]
  for (const [value, message, deviations] of rows) {
    t.equal(readMessage(value).kind, 'invalid', `${JSON.stringify(value)} needs it`)
    const before = JSON.stringify(value)
    t.strictSame(mend(value), { message, deviations }, before)
    t.equal(JSON.stringify(value), before, 'what came stays as it came')
    t.equal(mendMessage(value, tolerating('strict').tolerance), undefined, 'not in strict mode')
  }
})

t.test('what is not meant as a message, or deviates in another way too, is not mended', async (t) => {
  const rows: unknown[] = [
    undefined, null, 5, 'ping', [], [{}], {}, { id: 1 }, { jsonrpc: '2.0' }, { jsonrpc: '1.0', id: 1, method: 'ping' }, { jsonrpc: null, id: 1, method: 'ping' },
    { jsonrpc: '2.0', id: null, method: 'ping' }, { jsonrpc: '2.0', id: null, method: 'tools/call', params: { name: 'x' } }, { jsonrpc: '2.0', id: 1.5, method: 'ping' }, { jsonrpc: '2.0', id: {}, method: 'ping', params: null },
    { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }, { jsonrpc: '2.0', id: 1, method: 'ping', params: 'x' }, { jsonrpc: '2.0', id: 1, method: 5, params: null },
    { jsonrpc: '2.0', id: 1, result: {}, error: {} }, { jsonrpc: '2.0', id: null, result: {} }, { jsonrpc: '2.0', id: false, method: 'notifications/x' }
  ]
  for (const value of rows) t.equal(mend(value), undefined, JSON.stringify(value))
})
