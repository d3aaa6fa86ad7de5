import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startServer } from '../scripts/built-server.ts'
import { fixture, type Run, runs, versionOf } from '../scripts/conformance/bars.ts'
import { markdownReport } from '../scripts/conformance/report.ts'
import type { Check, Status } from '../scripts/conformance/results.ts'
import { runSuite } from '../scripts/conformance/suite.ts'
import { judge } from '../scripts/conformance/verdict.ts'
import { root, run as runProgram, untilClosed } from './helpers/server.ts'

// tap's 30 seconds are too few for all runs of the suite where the machine does other work, too.
t.setTimeout(120_000)
// Mostly waiting, so two at a time; each on a server of its own, because some scenarios change the lists that others listen to.
t.jobs = 2
const servers = await Promise.all([startServer({ config: fixture }), startServer({ config: fixture })])
t.teardown(() => Promise.all(servers.map((server) => server.stop())))
const free = [...servers]

for (const run of runs) {
  t.test(`${run.promise} (${run.arguments.join(' ')}, ${run.edition})`, { buffered: true }, async (t) => {
    const server = free.pop()
    if (server === undefined) throw new Error('More runs at a time than servers.')
    t.teardown(() => { free.push(server) })
    const { faults, verdicts } = await runSuite(run, server.url, t.testdir({}))
    t.strictSame(faults, [])
    for (const { bar, passed } of verdicts) t.equal(passed, bar.scenarios, bar.part)
  })
}

t.test('the bars are the ones that were promised', (t) => {
  t.strictSame(runs.map(({ arguments: words, bars }) => [words.join(' '), ...bars.map(({ part, scenarios }) => `${part} ${scenarios}`)]), [
    ['--requirements 2025-11-25', 'required 30', 'beyond 3'],
    ['--requirements 2026-07-28', 'required 37', 'tasks extension 10', 'beyond 3'],
    ['--suite all --spec-version 2025-03-26', 'all 1'],
    ['--suite all --spec-version 2025-06-18', 'all 27'],
    ['--suite all --spec-version 2025-11-25', 'all 33'],
    ['--suite all --spec-version 2026-07-28', 'all 40'],
    ['--suite all', 'all 32']
  ])
  t.end()
})

t.test('a server that answers nothing fails the run with the names of its scenarios', async (t) => {
  const deaf = createServer((socket) => { socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n') }).listen(0, '127.0.0.1')
  await once(deaf, 'listening')
  t.teardown(() => { deaf.close() })
  const { port } = deaf.address() as AddressInfo
  const shortest = runs.find(({ arguments: words }) => words.includes('2025-03-26'))
  if (shortest === undefined) throw new Error('The shortest run is gone.')
  const { faults, verdicts } = await runSuite(shortest, `http://127.0.0.1:${port}/mcp`, t.testdir({}))
  t.match(faults, [/^server-session-lifecycle: /])
  t.match(verdicts, [{ passed: 0 }])
})

const twoScenarios: Run = {
  promise: 'made up',
  edition: 'current',
  arguments: [],
  bars: [{ part: 'all', holds: () => true, scenarios: 2, checks: 3 }]
}

/** The faults of a run with one scenario that is all right, of two checks, and another that ended like this. */
function faultsWith (...others: Array<[scenario: string, ...statuses: Status[]]>): readonly string[] | undefined {
  const checks = (statuses: Status[]) => statuses.map((status, index): Check => ({ id: `check-${index}`, status }))
  const results = new Map([['right', checks(['SUCCESS', 'SUCCESS'])], ...others.map(([name, ...statuses]) => [name, checks(statuses)] as const)])
  return judge(twoScenarios, results)[0]?.faults
}

t.test('a bar is met only when every scenario ran and made all its checks, without failure, warning or skip', (t) => {
  t.strictSame(faultsWith(['other', 'SUCCESS']), [])
  t.strictSame(faultsWith(['other', 'SUCCESS', 'INFO']), [])
  t.strictSame(faultsWith(['other', 'SUCCESS', 'WARNING']), ['other: check-1: WARNING'])
  t.strictSame(faultsWith(['other', 'FAILURE', 'SUCCESS']), ['other: check-0: FAILURE'])
  t.strictSame(faultsWith(['other', 'SKIPPED']), ['other: check-0: SKIPPED'])
  t.strictSame(faultsWith(['other', 'INFO']), ['other: came to no result'])
  t.strictSame(faultsWith(['other']), ['other: came to no result'])
  t.match(faultsWith(), [/^1 scenarios were run where 2 belong/])
  t.match(faultsWith(['other', 'SUCCESS'], ['one more', 'SUCCESS']), [/^3 scenarios were run where 2 belong/])
  t.match(faultsWith(['tasks-status-notifications', 'SKIPPED']), [/^only 2 checks were made where 3 belong/])
  t.end()
})

t.test('the command that is interrupted leaves no server behind', async (t) => {
  const command = runProgram(t, ['--import=tsx', 'scripts/conformance/run.ts'])
  const port = Number(/:(\d+)\/mcp$/.exec(await command.line(/^The server listens at /))?.[1])
  await command.line(/^running /)
  command.signal('SIGINT')
  t.strictSame(await command.exited, { code: 130, signal: null })
  await untilClosed(port)
})

t.test('the published page is of these bars and of the editions that are installed', (t) => {
  const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8')
  const outcomes = runs.map((run) => ({
    run,
    faults: [],
    verdicts: run.bars.map((bar) => ({ bar, passed: 0, checks: { SUCCESS: 0, FAILURE: 0, WARNING: 0, SKIPPED: 0, INFO: 0 }, faults: [] }))
  }))
  const bars = (text: string) => [...text.matchAll(/^\| (--.*?) \| (.*?) \| \d+ \| (\d+) \|/gm)].map(([, ...cells]) => cells)
  t.equal(bars(page).length, 10)
  t.strictSame(bars(page), bars(markdownReport(outcomes, '', '')))
  for (const edition of ['current', 'stable'] as const) t.match(page, `${versionOf(edition)} (${edition})`)
  t.end()
})
