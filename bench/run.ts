import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Arguments, HELP, readArguments } from './args.ts'
import { describeMachine } from './machine.ts'
import { measure, type Plan } from './measure.ts'
import { describeProfiles } from './profile.ts'
import { markdownReport, type Report, terminalReport } from './report.ts'
import { ROOT } from './server-process.ts'
import { summarize } from './summary.ts'

const BUSY = 0.5
const REPORT_FILE = join('docs', 'benchmarks.md')

// Leaving through exit lets the servers be ended on Ctrl-C too.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

try {
  const words = process.argv.slice(2)
  await bench(readArguments(words), ['npm run bench', ...words.length > 0 ? ['--', ...words] : []].join(' '))
} catch (err) {
  console.error(`bench: ${err instanceof Error ? err.message : String(err)}`)
  process.exitCode = 1
}

async function bench (asked: Arguments, command: string): Promise<void> {
  if (asked.help) return console.log(HELP)
  for (const { name, command: [entry] } of asked.leftOut) console.error(`${name} is left out: ${entry} does not exist (npm run build)`)
  const machine = describeMachine()
  if (machine.load > BUSY) console.error(`load average ${machine.load.toFixed(2)}: something else is running here, expect unsteady figures`)
  const profiles = asked.cpuProf ? mkdtempSync(join(tmpdir(), 'gantry-profile-')) : undefined
  const plan: Plan = { ...asked, profiles }

  const guard = setTimeout(giveUp, longest(plan))
  const { rows, cores } = await measure(plan, console.log).finally(() => clearTimeout(guard))

  const report: Report = { date: new Date().toISOString().slice(0, 10), command, plan, cores, machine, medians: summarize(rows) }
  console.log(terminalReport(report))
  if (profiles !== undefined) console.log(`Under the profiler the figures above mean nothing.\n\n${describeProfiles(profiles)}`)
  if (!asked.write) return
  writeFileSync(join(ROOT, REPORT_FILE), markdownReport(report))
  console.log(`${REPORT_FILE} is written.`)
}

/** Three times what the plan should take: past that something hangs, and the run must not. */
function longest ({ scenarios, rounds, seconds, warmUpSeconds, requests }: Plan): number {
  const turn = requests === undefined ? seconds : Math.max(1, requests / 100)
  return 3_000 * scenarios.length * (rounds * turn + warmUpSeconds + 2)
}

function giveUp (): void {
  console.error('bench: the run took three times as long as planned; it is given up')
  process.exit(1)
}
