import { isObject } from '../core/json-rpc.ts'
import { outcomes as callOutcomes, type Outcome } from '../core/outcome.ts'
import { logLevelNames } from '../../schemas/config/observability.ts'

export type Severity = Exclude<typeof logLevelNames[number], 'silent'>

/** Least severe first. */
export const severities: readonly Severity[] = logLevelNames.filter((name) => name !== 'silent')

/** A line of the log, of the access log or of the audit log, read. */
export interface LogRecord {
  readonly kind: 'log' | 'access' | 'audit'
  /** Milliseconds since the epoch. */
  readonly time: number
  /** How much it deserves to be seen: of a request, by what became of it. */
  readonly severity: Severity
  readonly outcome: Outcome | undefined
  readonly tool: string | undefined
  readonly requestId: string | undefined
  readonly members: Readonly<Record<string, unknown>>
}

/** The words of all logs. */
export const outcomes: readonly Outcome[] = [...callOutcomes, 'cut_off']

const severityOf: Readonly<Record<Outcome, Severity>> = {
  ok: 'info', input_required: 'info', cancelled: 'info', refused: 'warn', timeout: 'warn', cut_off: 'warn', error: 'error'
}

/** Undefined for what is none of these lines. */
export function readRecord (line: string): LogRecord | undefined {
  const members = readMembers(line)
  if (members === undefined) return undefined
  const { time, level, event, outcome: word, name, tool, requestId, msg } = members
  const outcome = outcomes.find((each) => each === word)
  const common = { members, outcome, requestId: textIn(requestId) }
  if (typeof time === 'string' && typeof event === 'string' && outcome !== undefined) {
    const at = Date.parse(time)
    return Number.isNaN(at) ? undefined : { ...common, kind: 'audit', time: at, severity: severityOf[outcome], tool: event === 'tool.call' ? textIn(name) : undefined }
  }
  if (typeof time !== 'number' || typeof level !== 'number' || !isDate(time)) return undefined
  const isAccess = msg === 'access' && outcome !== undefined
  return { ...common, kind: isAccess ? 'access' : 'log', time, severity: isAccess ? severityOf[outcome] : severityAt(level), tool: textIn(tool) }
}

function readMembers (line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The levels of pino are 10, 20, … */
function severityAt (level: number): Severity {
  return severities[Math.min(Math.max(Math.floor(level / 10), 1), severities.length) - 1] ?? 'info'
}

function isDate (time: number): boolean { return Math.abs(time) <= 8.64e15 }

function textIn (value: unknown): string | undefined { return typeof value === 'string' ? value : undefined }
