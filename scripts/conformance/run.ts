import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, startServer } from '../built-server.ts'
import { fixture, runs } from './bars.ts'
import { markdownReport, terminalReport } from './report.ts'
import { type Outcome, runSuite } from './suite.ts'

/** Runs the official conformance suite against the built server. With --write, writes docs/conformance.md when all bars are met. */

const page = join('docs', 'conformance.md')

// Leaving through exit ends the server and the suite on Ctrl-C too, and takes the folder along.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

try {
  const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
  process.exitCode = await conformance(values.write)
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function conformance (write: boolean): Promise<number> {
  const started = Date.now()
  const outcomes = await runAll()
  console.log(terminalReport(outcomes))
  const hasPassed = outcomes.every(({ faults }) => faults.length === 0)
  console.log(`${hasPassed ? 'All bars are met' : 'NOT every bar is met'}, after ${((Date.now() - started) / 1000).toFixed(1)} s.`)
  if (!hasPassed) {
    if (write) console.error(`${page} is not written: it says what holds.`)
    return 1
  }
  if (write) {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    writeFileSync(join(root, page), markdownReport(outcomes, new Date().toISOString().slice(0, 10), version))
    console.log(`${page} is written.`)
  }
  return 0
}

/** One after the other on one server: some scenarios change the lists that others listen to. */
async function runAll (): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-conformance-'))
  process.once('exit', () => { rmSync(folder, { recursive: true, force: true }) })
  const server = await startServer({ config: fixture })
  console.log(`The server listens at ${server.url}`)
  const outcomes: Outcome[] = []
  try {
    for (const [index, run] of runs.entries()) {
      console.log(`running ${run.arguments.join(' ')} (${run.edition})`)
      const own = join(folder, String(index))
      mkdirSync(own)
      outcomes.push(await runSuite(run, server.url, own))
    }
  } finally {
    await server.stop()
  }
  return outcomes
}
