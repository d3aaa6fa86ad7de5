import { normalize } from 'node:path'
import { isObject } from '../core/json-rpc.ts'
import { member, quote, valueAt, type Fault, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

const path: Path = ['security', 'audit', 'logFile']

/** Lines of the log between those of the audit would break its chain. */
export function auditFaults (config: unknown, mask: Mask): Fault[] {
  const audit = valueAt(config, ['security', 'audit'])
  const logFile = member(audit, 'logFile') ?? 'audit.log'
  const log = valueAt(config, ['logging', 'file'])
  if (!isObject(audit) || member(audit, 'enabled') === false || typeof logFile !== 'string' || typeof log !== 'string' || normalize(logFile) !== normalize(log)) return []
  const shown = mask(path) ?? quote(logFile)
  return [{ path, message: `The audit log and the log are the same file, ${shown}: each needs its own.`, found: shown, suggestion: 'Name another file.' }]
}
