import type { Link } from './chain.ts'
import { ChainCheck, type AuditFault, type CheckOptions } from './chain-check.ts'
import { filesOf, readLines, type Place } from './read-lines.ts'

export { KeyNeededError, type AuditFault, type AuditFaultKind } from './chain-check.ts'

export interface VerifyOptions extends CheckOptions {
  /** Only this file, without those that were put aside before it. */
  alone: boolean
}

export interface Verdict {
  readonly files: readonly string[]
  /** How many lines are as they were written: all, or those up to the fault. */
  readonly lines: number
  /** The first of them; what was before it is not there any more. */
  readonly first: Link | undefined
  readonly last: Link | undefined
  readonly torn: readonly Place[]
  /** Lines that are sealed without a key. */
  readonly unkeyed: number
  /** The first one. */
  readonly fault: AuditFault | undefined
}

/** Checks the chain of a file and of those before it. Throws KeyNeededError, and what the file system throws. */
export function verify (file: string, { alone, ...options }: VerifyOptions): Verdict {
  const files = filesOf(file, alone)
  const check = new ChainCheck(options)
  const fault = firstFault(check, files) ?? check.end(files.at(-1) ?? file)
  const { lines, first, last, torn, unkeyed } = check
  return { files, lines, first, last, torn, unkeyed, fault }
}

function firstFault (check: ChainCheck, files: readonly string[]): AuditFault | undefined {
  const lines = readLines(files)
  try {
    for (let next = lines.next(); next.done !== true; next = lines.next()) {
      const fault = check.take(next.value, lines)
      if (fault !== undefined) return fault
    }
    return undefined
  } finally {
    lines.return()
  }
}
