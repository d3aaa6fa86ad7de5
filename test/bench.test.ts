import { once } from 'node:events'
import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { readArguments } from '../bench/args.ts'
import { ID_MARK } from '../bench/calls.ts'
import { cpuBetween } from '../bench/cpu-time.ts'
import { type LoadOrder, startLoad } from '../bench/load-process.ts'
import { measure, type Row } from '../bench/measure.ts'
import { hotFunctions } from '../bench/profile.ts'
import { markdownReport, terminalReport } from '../bench/report.ts'
import { BARS, REFERENCES, type Scenario, SCENARIOS } from '../bench/scenarios.ts'
import { judge, median, summarize } from '../bench/summary.ts'

const PLAN = { rounds: 1, seconds: 1, warmUpSeconds: 1, connections: 8 }

function scenario (name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no scenario ${name}`)
  return found
}

/** A row whose rounds differ in CPU alone. */
function row (name: string, cpu: number[]): Row {
  const rounds = cpu.map((cpuMicros) => ({ requests: 100, perSecond: 1_000, p50Ms: 1, p99Ms: 2, cpuMicros, loadBusy: 0.5 }))
  return { scenario: scenario(name), rounds }
}

async function target (t: Test, answer: (id: number) => string) {
  const seen: Array<{ id: number, session: string | undefined }> = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const { id } = JSON.parse(Buffer.concat(parts).toString())
    seen.push({ id, session: request.headers['mcp-session-id']?.toString() })
    response.end(answer(id))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const load = startLoad(undefined)
  t.teardown(() => load.stop())
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const order: LoadOrder = {
    url: `http://127.0.0.1:${address.port}/`,
    headers: { 'content-type': 'application/json' },
    body: `{"id":${ID_MARK}}`,
    idMark: ID_MARK,
    sessions: [],
    connections: 4,
    seconds: 1,
    amount: 80,
    expect: { sum: '42', length: 2 }
  }
  return { seen, load, order }
}

t.test('a short run of the bare route yields sane numbers and counts each request', async (t) => {
  const { rows } = await measure({ ...PLAN, scenarios: [scenario('bare')], requests: 240 }, () => {})
  const [round, more] = rows[0]?.rounds ?? []
  if (round === undefined) throw new Error('no round was measured')
  t.equal(more, undefined)
  t.equal(round.requests, 240)
  t.ok(round.perSecond > 10, `${round.perSecond} requests a second`)
  t.ok(round.p50Ms > 0 && round.p50Ms <= round.p99Ms, `p50 ${round.p50Ms}, p99 ${round.p99Ms}`)
  t.ok(round.cpuMicros > 1 && round.cpuMicros < 100_000, `${round.cpuMicros} µs a request`)
})

t.test('the load gives each request an id of its own and each connection its session', async (t) => {
  const { seen, load, order } = await target(t, () => '42')
  const { requests } = await load.run({ ...order, sessions: ['one', 'two'] })
  t.equal(requests, 80)
  t.equal(new Set(seen.map(({ id }) => id)).size, 80)
  t.equal(seen.filter(({ session }) => session === 'one').length, 40)
  t.equal(seen.filter(({ session }) => session === 'two').length, 40)
})

t.test('one wrong answer under load ends the run and is shown', async (t) => {
  let answers = 0
  const { load, order } = await target(t, () => ++answers === 20 ? '41' : '42')
  await t.rejects(load.run(order), /an unexpected answer: 41/)
})

t.test('CPU time comes from the fine counters, and from the whole process when a thread has ended', (t) => {
  const before = { wholeSeconds: 1, threadSeconds: new Map([['1', 0.8], ['2', 0.2]]) }
  const after = { wholeSeconds: 1.51, threadSeconds: new Map([['1', 1.3], ['2', 0.2], ['3', 0.004]]) }
  t.equal(cpuBetween(before, after).toFixed(3), '0.504')
  t.equal(cpuBetween(before, { ...after, threadSeconds: new Map([['1', 1.3]]) }).toFixed(3), '0.510')
  t.equal(cpuBetween(before, { ...after, wholeSeconds: 2 }).toFixed(3), '1.000')
  t.end()
})

t.test('ratios are made of the medians of CPU per request, and a bar says whether it is met', (t) => {
  const medians = summarize([row('bare', [90, 500, 80]), row('bare-modern', [90, 500, 80]), row('gantry', [100, 101, 99]), row('sdk-v2', [799, 700, 900])])
  const verdicts = judge(medians)
  const measured = verdicts.filter(({ ratio }) => ratio !== undefined)
  t.strictSame(measured.map(({ than, ratio, met }) => [than, ratio, met]), [['gantry', 0.9, true], ['gantry', 7.99, false]])
  t.notOk(verdicts.some(({ ratio, met }) => ratio === undefined && met), 'a bar that was not measured is not met')
  t.equal(median([4, 1, 3, 2]), 2.5)

  const machine = { cpu: 'a CPU', memory: '1 GiB', node: 'v20', packages: ['x 1'], load: 0 }
  const report = { date: '2030-01-01', command: 'npm run bench', plan: { ...PLAN, scenarios: [] }, cores: 'two cores', machine, medians }
  t.match(markdownReport(report), '| Gantry, 2026-07-28 | 1,000 | 1.00 | 2.00 | 100.0 | 99–101 | 0.90 | 7.99 |')
  t.match(markdownReport(report), '| Gantry (2026-07-28) ≤ ⅛ of SDK v2 | NOT MET (7.990) |')
  t.match(terminalReport(report), 'bare route ÷ Gantry (2026-07-28) ≥ 0.85, same bytes: met (0.900)')

  const missed = summarize([row('bare-modern', [84.6]), row('gantry', [100])])
  t.match(markdownReport({ ...report, medians: missed }), '≥ 0.85, same bytes | NOT MET (0.846) |', 'a bar that was missed by a hair does not look met')
  t.match(terminalReport({ medians: missed }), '≥ 0.85, same bytes: NOT MET (0.846)')
  t.end()
})

t.test('bars and references name rows that exist', (t) => {
  for (const name of [...BARS.flatMap(({ of, than }) => [of, than]), ...REFERENCES.map(({ name }) => name)]) {
    t.ok(SCENARIOS.some((one) => one.name === name), name)
  }
  t.end()
})

t.test('a command line that cannot be served is refused in one sentence', (t) => {
  t.match(readArguments(['--only', 'bare', '--rounds', '3']), { rounds: 3, scenarios: [{ name: 'bare' }] })
  t.throws(() => readArguments(['--only', 'bear']), /no row is called "bear"; there are bare, /)
  t.throws(() => readArguments(['--rounds', '1.5']), /--rounds must be a whole number/)
  t.throws(() => readArguments(['--seconds', 'x']), /--seconds must be a number above 0/)
  t.throws(() => readArguments(['--requests', '8']), /less than one for each of the 32 connections/)
  t.throws(() => readArguments(['--write', '--quick']), /--write needs every row/)
  t.throws(() => readArguments(['--write', '--only', 'bare']), /--write needs every row/)
  t.end()
})

t.test('a profile is summed up by the functions that took the time, idle time left out', (t) => {
  const frame = (functionName: string) => ({ functionName, url: '', lineNumber: 0 })
  const nodes = [{ id: 1, callFrame: frame('(idle)') }, { id: 2, callFrame: frame('hot') }, { id: 3, callFrame: frame('cool') }]
  t.strictSame(hotFunctions({ nodes, samples: [1, 2, 3, 2], timeDeltas: [1_000, 20, 25, 55] }), [
    { place: 'hot', share: 0.75 },
    { place: 'cool', share: 0.25 }
  ])
  t.end()
})
