import { normalize } from 'node:path'
import { isObject } from '../core/json-rpc.ts'
import { member, quote, valueAt, type Fault, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

interface LogFile { readonly name: string, readonly path: Path, readonly file: unknown }

/** Lines of one log between those of another: in the audit log they would break its chain, and files are put aside by who writes them. */
export function logFileFaults (config: unknown, mask: Mask): Fault[] {
  const files = logFiles(config).filter(({ file }) => typeof file === 'string').map(({ file, ...facts }) => ({ ...facts, file: file as string, place: normalize(file as string) }))
  return files.flatMap(({ name, path, file, place }, index) => {
    const other = files.slice(0, index).find((each) => each.place === place)
    if (other === undefined) return []
    const shown = mask(path) ?? quote(file)
    return [{ path, message: `${name} and ${other.name.toLowerCase()} are the same file, ${shown}: each needs its own.`, found: shown, suggestion: 'Name another file.' }]
  })
}

function logFiles (config: unknown): LogFile[] {
  const audit = valueAt(config, ['security', 'audit'])
  const logging = valueAt(config, ['logging'])
  return [
    { name: 'The log', path: ['logging', 'file'], file: member(logging, 'file') },
    { name: 'The log of errors', path: ['logging', 'errorFile'], file: member(logging, 'errorFile') },
    ...(isObject(audit) && member(audit, 'enabled') !== false ? [{ name: 'The audit log', path: ['security', 'audit', 'logFile'], file: member(audit, 'logFile') ?? 'audit.log' }] : [])
  ]
}
