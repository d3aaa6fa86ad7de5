import type { Round, Row } from './measure.ts'
import { BARS, type Bar, REFERENCES } from './scenarios.ts'

/** The medians of one row over its rounds. */
export type Medians = { name: string, title: string, cpuLow: number, cpuHigh: number } & Omit<Round, 'requests'>

/** A bar with what was measured; `ratio` is missing when one of its rows was not run. */
export type Verdict = Bar & { ratio: number | undefined, met: boolean }

const HEADINGS = ['server', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'lowest–highest', ...REFERENCES.map(({ heading }) => heading)]

/** Above this share of its core the load generator, not the server, decides the rate. */
const LOAD_LIMIT = 0.9

/** The middle value; the mean of the two middle ones of an even number. */
export function median (values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new Error('no value has no median')
  return (upper + lower) / 2
}

export function summarize (rows: readonly Row[]): Medians[] {
  return rows.map(({ scenario: { name, title }, rounds }) => {
    const over = (key: keyof Round) => median(rounds.map((round) => round[key]))
    const cpu = rounds.map(({ cpuMicros }) => cpuMicros)
    return {
      name,
      title,
      perSecond: over('perSecond'),
      p50Ms: over('p50Ms'),
      p99Ms: over('p99Ms'),
      cpuMicros: median(cpu),
      loadBusy: over('loadBusy'),
      cpuLow: Math.min(...cpu),
      cpuHigh: Math.max(...cpu)
    }
  })
}

/** How many times the CPU per request of `than` the row `of` needs. */
function ratio (all: readonly Medians[], of: string, than: string): number | undefined {
  const above = all.find(({ name }) => name === of)
  const below = all.find(({ name }) => name === than)
  return above && below && above.cpuMicros / below.cpuMicros
}

export function judge (all: readonly Medians[]): Verdict[] {
  return BARS.map((bar) => {
    const measured = ratio(all, bar.of, bar.than)
    return { ...bar, ratio: measured, met: measured !== undefined && measured >= bar.atLeast }
  })
}

/** The table as text cells, headings first. */
export function cells (all: readonly Medians[]): string[][] {
  return [HEADINGS, ...all.map((row) => [
    row.title,
    (row.loadBusy > LOAD_LIMIT ? '≥ ' : '') + Math.round(row.perSecond).toLocaleString('en'),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    row.cpuMicros.toFixed(1),
    `${row.cpuLow.toFixed(0)}–${row.cpuHigh.toFixed(0)}`,
    ...REFERENCES.map(({ name }) => ratio(all, name, row.name)?.toFixed(2) ?? '–')
  ])]
}

/** With a digit more than the bars have, so that what misses one by a hair does not look as if it met it. */
export function outcome ({ ratio: measured, met }: Verdict): string {
  if (measured === undefined) return 'not measured in this run'
  return `${met ? 'met' : 'NOT MET'} (${measured.toFixed(3)})`
}
