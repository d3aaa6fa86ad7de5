import { readLogLines } from '../logging/log-lines.ts'
import { outcomes, readRecord, severities, type LogRecord } from '../logging/log-record.ts'
import { personalLine, personalText } from '../logging/personal-line.ts'
import { fileProblem } from './file-problem.ts'
import { readDuration } from './moments.ts'
import { takesColor } from '../logging/color.ts'

/** Which lines are wanted. What is undefined leaves none out. */
export type Filter = ((record: LogRecord) => boolean) | undefined

/** What the options ask for, or what is wrong with them. */
export function readFilter (valueOf: (option: string) => string | undefined, nowMs: number): Filter | string {
  const level = valueOf('level')
  const least = severities.findIndex((each) => each === level)
  if (level !== undefined && least < 0) return `"${level}" is not a level: use one of ${severities.join(', ')}.`
  const outcome = valueOf('outcome')
  if (outcome !== undefined && !outcomes.some((each) => each === outcome)) return `"${outcome}" is not an outcome: use one of ${outcomes.join(', ')}.`
  const since = valueOf('since')
  const sinceMs = since === undefined ? -Infinity : momentOf(since, nowMs)
  if (Number.isNaN(sinceMs)) return `"${since}" is neither a moment, such as 2026-01-31T12:00:00Z, nor a time, such as 15m, 2h or 7d.`
  const tool = valueOf('tool')
  const request = valueOf('request')
  if ([level, outcome, since, tool, request].every((option) => option === undefined)) return undefined
  return (record) =>
    severities.indexOf(record.severity) >= least &&
    record.time >= sinceMs &&
    (outcome === undefined || record.outcome === outcome) &&
    (tool === undefined || record.tool === tool) &&
    (request === undefined || record.requestId === request)
}

function momentOf (text: string, nowMs: number): number {
  const durationMs = readDuration(text)
  return durationMs === undefined ? Date.parse(text) : nowMs - durationMs
}

/** Prints the lines that are wanted, coloured on a terminal. What is no line of a log is printed only where nothing is filtered. Resolves with what went wrong. */
export async function printRecords (file: string, filter: Filter): Promise<string | undefined> {
  const { stdout } = process
  const appearance = { color: takesColor(stdout) }
  // The reader of a pipe may have seen enough.
  let isRead = true
  stdout.on('error', () => { isRead = false })
  const written = async (): Promise<void> => { await new Promise<void>((resolve) => { stdout.write('', () => { resolve() }) }) }
  try {
    for await (const line of readLogLines(file)) {
      const record = readRecord(line)
      if (record === undefined ? filter !== undefined : filter?.(record) === false) continue
      if (!stdout.write(record === undefined ? personalLine(line, appearance) : personalText(record, appearance))) await written()
      if (!isRead) break
    }
    await written()
    return undefined
  } catch (error) {
    return `${file} cannot be read. ${fileProblem(error)}`
  }
}
