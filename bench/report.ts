import type { Machine } from './machine.ts'
import type { Plan } from './measure.ts'
import { cells, judge, type Medians, outcome } from './summary.ts'

export type Report = { date: string, command: string, plan: Plan, cores: string, machine: Machine, medians: Medians[] }

/** The report for a terminal. */
export function terminalReport ({ medians }: Pick<Report, 'medians'>): string {
  const table = cells(medians)
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) => row.map((cell, column) => {
    const width = widths[column] ?? 0
    return column === 0 ? cell.padEnd(width) : cell.padStart(width)
  }).join('  '))
  const bars = judge(medians).filter(({ ratio }) => ratio !== undefined).map((verdict) => `${verdict.claim}: ${outcome(verdict)}`)
  return ['', ...lines, '', ...bars, ''].join('\n')
}

/** The report as docs/benchmarks.md holds it. */
export function markdownReport ({ date, command, plan, cores, machine, medians }: Report): string {
  const [headings = [], ...rows] = cells(medians)
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return `# Benchmarks

Written by \`${command}\`; do not edit by hand.

- Date: ${date}
- Machine: ${machine.cpu}, ${machine.memory}; load average at the start ${machine.load.toFixed(2)}
- Node.js: ${machine.node}
- Packages: ${machine.packages.join(', ')}
- Run: ${plan.rounds} rounds of about ${plan.seconds} s a server, ${plan.connections} connections, ${cores}

## Result

Medians over the rounds. A ratio is CPU per request divided by CPU per request; above 1, this row is the cheaper one. A rate with ≥ was limited by the load generator, not by the server.

${line(headings)}
${line(headings.map((_, column) => column === 0 ? '---' : '---:'))}
${rows.map(line).join('\n')}

| bar | outcome (ratio measured) |
| --- | --- |
${judge(medians).map((verdict) => line([verdict.claim, outcome(verdict)])).join('\n')}

## How it is measured

Every server offers one tool, \`add\`, with the same schema (two required numbers, nothing else), and answers the same sum. It runs as plain Node.js with \`NODE_ENV=production\` in a process of its own, output going to a file. Gantry is started as a user starts it, \`node dist/src/server.js bench/config/add.json\`, without security and without the lines of requests, which the others do not write either (one row measures them).

All servers are up at the same time and take turns: in each round each one gets the same load, in the same order. Before that each is checked for the right answer and warmed for ${plan.warmUpSeconds} s, which also settles how many requests its turns have. During the load every answer must have status 200, the right sum and the right length; one that does not ends the run.

CPU per request is the user and system time of the server process, all its threads, as the operating system counts it (\`/proc\`), divided by the requests of the turn. Requests per second and latencies depend on how busy the machine is; CPU per request much less, so the ratios are made of it.

- Bare Fastify route: \`POST /add\` with a body schema, logger off.
- SDK v2: \`createMcpHandler\` with \`toNodeHandler\` on Fastify, the schema made once outside the factory.
- SDK v1: \`StreamableHTTPServerTransport\` on Fastify, one session a connection, \`enableJsonResponse\`.
- fastmcp: its HTTP stream with sessions, one a connection, \`enableJsonResponse\`.
- The 2025 rows open their sessions before the load; the 2026-07-28 rows send the complete request each time.
`
}
