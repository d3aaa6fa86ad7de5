import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { turn } from './waiting.ts'

// What the tests of faults share: the tables of docs/reliability.md, and callers who go on calling while something fails.

/** One table: what callers of each feature may see, by fault. */
export interface Matrix { readonly columns: readonly string[], readonly rows: ReadonlyMap<string, Row> }
/** `cells` has the answers that may be seen, by the heads of the columns. */
export interface Row { readonly cells: Readonly<Record<string, readonly string[]>>, readonly wait: string, readonly lost: string }

/** Reads the table whose first head is this one. Its last two columns are the longest wait and what is lost for good. */
export function readMatrix (firstHead: string): Matrix {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reliability.md'), 'utf8')
  const lines = page.slice(page.indexOf(`| ${firstHead} |`)).split('\n')
  const [head = [], , ...rows] = lines.slice(0, lines.indexOf('')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
  const columns = head.slice(1, -2)
  return {
    columns,
    rows: new Map(rows.map(([fault = '', ...cells]) => {
      const [wait = '', lost = ''] = cells.slice(-2)
      return [fault, { cells: Object.fromEntries(columns.map((feature, index) => [feature, (cells[index] ?? '').split(' or ')])), wait, lost }]
    }))
  }
}

/** Asks for a feature once. Resolves with what that caller saw, in the words of the cells. */
export type Ask = (client: number) => Promise<string>
/** Times are those of `performance.now`. */
export interface Seen { readonly feature: string, readonly begunAt: number, readonly endedAt: number, readonly answer: string }
export interface Pressure {
  readonly seen: readonly Seen[]
  /** What was seen by those who asked from one moment on and were answered until another, by feature. */
  answers (from: number, until?: number): ReadonlyMap<string, readonly string[]>
  stop (): Promise<void>
}

/** Asks for every feature, once after the other, from several clients each, until it is told to stop. */
export function press (features: Readonly<Record<string, Ask>>, clientsPerFeature: number): Pressure {
  const seen: Seen[] = []
  const over = new AbortController()
  const clients = Object.entries(features).flatMap(([feature, ask]) => Array.from({ length: clientsPerFeature }, async (_each, client) => {
    while (!over.signal.aborted) {
      const begunAt = performance.now()
      const answer = await ask(client)
      seen.push({ feature, begunAt, endedAt: performance.now(), answer })
      await turn()
    }
  }))
  return {
    seen,
    answers (from, until = Infinity) {
      const answers = new Map<string, string[]>(Object.keys(features).map((feature) => [feature, []]))
      for (const { feature, begunAt, endedAt, answer } of seen) if (begunAt >= from && endedAt <= until) answers.get(feature)?.push(answer)
      return answers
    },
    async stop () {
      over.abort()
      await Promise.all(clients)
    }
  }
}
