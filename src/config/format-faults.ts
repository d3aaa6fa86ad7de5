import { escapeHidden } from './hidden-characters.ts'
import { pathText, type Fault, type Path } from './fault.ts'

export interface FormatOptions { color?: boolean }

const bold = ['\u001B[1m', '\u001B[22m'] as const
const red = ['\u001B[31m', '\u001B[39m'] as const

/** Faults as people read them: one block each, with its place first. */
export function formatFaults (faults: readonly Fault[], file: string, { color = false }: FormatOptions = {}): string {
  const paint = (text: string, [on, off]: readonly [string, string]) => color ? `${on}${text}${off}` : text
  return inOrder(faults).map((fault) => {
    const place = fault.line === undefined ? file : `${file}:${fault.line}:${fault.column ?? 1}`
    const head = fault.path.length === 0 ? paint(escapeHidden(place), bold) : `${paint(escapeHidden(place), bold)}  ${pathText(fault.path)}`
    const lines = [head, `  ${paint(escapeHidden(fault.message), red)}`]
    if (fault.suggestion !== undefined) lines.push(`  ${escapeHidden(fault.suggestion)}`)
    return lines.join('\n')
  }).join('\n')
}

export interface FaultReport {
  path: string
  keys: Path
  message: string
  line?: number
  column?: number
  found?: string
  expected?: string
  suggestion?: string
}

/** Faults as programs read them. */
export function faultsToJson (faults: readonly Fault[]): FaultReport[] {
  return inOrder(faults).map(({ path, atKey: _atKey, ...rest }) => ({ path: pathText(path), keys: path, ...rest }))
}

function inOrder (faults: readonly Fault[]): Fault[] {
  return [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
