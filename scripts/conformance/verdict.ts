import type { Bar, Run } from './bars.ts'
import type { Check, Results, Status } from './results.ts'

/** Waits for a notification that the suite itself has no way to cause, and skips its only check. */
const alwaysSkipped = 'tasks-status-notifications'

/** How a run compares with one of its bars. */
export interface Verdict {
  readonly bar: Bar
  /** Scenarios that passed. */
  readonly passed: number
  readonly checks: Readonly<Record<Status, number>>
  /** What keeps the bar from being met, a line each. */
  readonly faults: readonly string[]
}

/** Holds the results of a run against its bars, one verdict a bar. A warning or a skipped check fails a scenario as a failure does. */
export function judge (run: Run, results: Results): Verdict[] {
  return run.bars.map((bar) => {
    const own = [...results].filter(([scenario]) => run.bars.find((one) => one.holds(scenario)) === bar)
    const checks = count(own.flatMap(([, list]) => list))
    const faults = own.flatMap(([scenario, list]) => faultsOf(scenario, list))
    if (own.length !== bar.scenarios) faults.push(`${own.length} scenarios were run where ${bar.scenarios} belong: another edition of the suite, or one that ended early.`)
    else if (faults.length === 0 && checks.SUCCESS < bar.checks) faults.push(`only ${checks.SUCCESS} checks were made where ${bar.checks} belong: the suite did not find all that it looks at.`)
    return { bar, passed: own.filter(([scenario, list]) => faultsOf(scenario, list).length === 0).length, checks, faults }
  })
}

/** The reasons why a scenario did not pass. */
function faultsOf (scenario: string, checks: readonly Check[]): string[] {
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING' || (status === 'SKIPPED' && scenario !== alwaysSkipped))
  if (bad.length > 0) return bad.map(({ id, status, errorMessage }) => `${scenario}: ${id}: ${status}${errorMessage === undefined ? '' : `: ${errorMessage}`}`)
  return scenario === alwaysSkipped || checks.some(({ status }) => status === 'SUCCESS') ? [] : [`${scenario}: came to no result`]
}

function count (checks: readonly Check[]): Record<Status, number> {
  const counts = { SUCCESS: 0, FAILURE: 0, WARNING: 0, SKIPPED: 0, INFO: 0 }
  for (const { status } of checks) counts[status]++
  return counts
}
