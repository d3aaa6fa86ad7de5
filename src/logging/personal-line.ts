import { isObject } from '../core/json-rpc.ts'
import { readRecord, type LogRecord, type Severity } from './log-record.ts'

export interface Appearance { color: boolean }

/** SGR parameters of ECMA-48. */
const colors: Readonly<Record<Severity, number>> = { trace: 90, debug: 90, info: 32, warn: 33, error: 31, fatal: 31 }
const grey = 90
const labelWidth = 5
/** What every line has, or what its beginning says already. */
const leading: ReadonlySet<string> = new Set([
  'level', 'time', 'pid', 'hostname', 'msg', 'err', 'event', 'outcome', 'seq', 'previous', 'hash'
])
const leadingOfAccess: ReadonlySet<string> = new Set([...leading, 'method', 'route', 'rpcMethod', 'tool', 'status', 'durationMs'])

/** Controls, line breaks, and characters that are not seen or that turn the reading direction: a terminal would obey them. */
const unseen = /[\p{Cc}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu

/** A line as people read it, with its line break. What is no line of ours stays as it is, but for what a terminal would obey. */
export function personalLine (line: string, appearance: Appearance): string {
  const bare = line.replace(/\r?\n$/, '')
  const record = readRecord(bare)
  return record === undefined ? `${shown(bare)}\n` : personalText(record, appearance)
}

/** One line for people; more where an error has a stack. */
export function personalText (record: LogRecord, { color }: Appearance): string {
  const paint = (text: string, code: number): string => color ? `\u001B[${code}m${text}\u001B[39m` : text
  const { kind, time, severity, members } = record
  const stamp = new Date(time).toISOString().replace('T', ' ')
  const skipped = kind === 'access' ? leadingOfAccess : leading
  const facts = Object.entries(members).filter(([key]) => !skipped.has(key)).map(([key, value]) => `${shown(key)}=${valueText(value)}`).join(' ')
  const head = `${paint(stamp, grey)} ${paint(severity.toUpperCase().padEnd(labelWidth), colors[severity])} ${sentenceOf(record)}`
  return `${facts === '' ? head : `${head}  ${paint(facts, grey)}`}\n${errorText(members['err'])}`
}

function sentenceOf ({ kind, members, outcome }: LogRecord): string {
  const { msg, event, method, route, rpcMethod, tool, status, durationMs } = members
  switch (kind) {
    case 'log': return shown(String(msg ?? ''))
    case 'audit': return `audit ${shown(String(event))} ${outcome}`
    case 'access': {
      const asked = [method, route, rpcMethod, tool].filter((text) => typeof text === 'string').map(shown)
      return `${[...asked, ...(typeof status === 'number' ? [String(status)] : []), outcome].join(' ')} ${Number(durationMs)} ms`
    }
  }
}

/** Text that could be mistaken for several facts, or for none, stands in quotes. */
function valueText (value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return shown(value)
  return shown(JSON.stringify(value))
}

function errorText (error: unknown): string {
  if (!isObject(error)) return error === undefined ? '' : `    ${shown(String(error))}\n`
  const { stack, type, message } = error
  const text = typeof stack === 'string' ? stack : `${String(type ?? 'Error')}: ${String(message ?? '')}`
  return text.split('\n').map((line) => `    ${shown(line.trimEnd())}\n`).join('')
}

function shown (text: string): string {
  return text.replace(unseen, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
