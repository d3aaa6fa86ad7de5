import { editions, fixture, versionOf } from './bars.ts'
import type { Outcome } from './suite.ts'

const headings = ['run', 'scenarios', 'passed', 'of', 'checks passed', 'failed', 'warnings', 'skipped', 'bar']
const wordColumns = new Set(['run', 'scenarios', 'bar'])

/** The table for a terminal, and below it what failed. */
export function terminalReport (outcomes: readonly Outcome[]): string {
  const table = [headings, ...rowsOf(outcomes)]
  const widths = headings.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) => row.map((cell, column) => {
    const width = widths[column] ?? 0
    return wordColumns.has(headings[column] ?? '') ? cell.padEnd(width) : cell.padStart(width)
  }).join('  ').trimEnd())
  return ['', ...lines, '', ...outcomes.flatMap(faultLines)].join('\n')
}

/** The page that docs/conformance.md is. */
export function markdownReport (outcomes: readonly Outcome[], date: string, gantry: string): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return `# Conformance

Written by \`npm run conformance -- --write\`; do not edit by hand.

- Date: ${date}
- Gantry ${gantry} on Node.js ${process.version}
- Suite: ${Object.keys(editions).map((edition) => `\`@modelcontextprotocol/conformance\` ${versionOf(edition as keyof typeof editions)} (${edition})`).join(' and ')}

## Result

${line(headings)}
${line(headings.map((heading) => wordColumns.has(heading) ? '---' : '---:'))}
${rowsOf(outcomes).map(line).join('\n')}

## How it is measured

The command builds the project, starts the built server once on \`${fixture}\` (a configuration file and its handlers, nothing else) and runs the official suite against it, each run with the arguments in the first column. \`npm test\` does the same.

- Each run is strict: the suite gets an empty list of expected failures, so that a warning fails it as a failure does.
- A run has to do all that its bar names. A suite that ran fewer scenarios or checks than that fails, too.
- "required" are the scenarios that the suite froze as required when the revision was released; "beyond" and "tasks extension" are those that it runs and does not score; here they count.
- "stable" is the edition before the frozen lists; "current" is the one that knows 2026-07-28.
- One scenario, \`tasks-status-notifications\`, always skips its only check.

The suite has nothing for 2024-11-05, and nothing about authorization, pagination, batches, malformed messages, cancellation or stdio. The project's own tests cover these.
`
}

function rowsOf (outcomes: readonly Outcome[]): string[][] {
  return outcomes.flatMap(({ run, verdicts }) => verdicts.map(({ bar, passed, checks, faults }) => {
    const name = `${run.arguments.join(' ')}${run.edition === 'current' ? '' : ` (${run.edition})`}`
    return [name, bar.part, ...[passed, bar.scenarios, checks.SUCCESS, checks.FAILURE, checks.WARNING, checks.SKIPPED].map(String), faults.length === 0 ? 'met' : 'NOT MET']
  }))
}

function faultLines ({ run, faults }: Outcome): string[] {
  return faults.length === 0 ? [] : [`Failed: ${run.arguments.join(' ')} (${run.edition})`, ...faults.map((line) => `  ${line}`), '']
}
