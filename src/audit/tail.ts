import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { AuditFileError } from '../core/errors.ts'
import { lineStart, readLine, type Link } from './chain.ts'

/** Longer than any line. */
export const maxLineBytes = 65_536

/** How a file of audit lines ends. */
export interface Tail {
  readonly bytes: number
  /** The last whole line; undefined where there is none. */
  readonly last: Link | undefined
  /** What follows it: a line that was cut off when its process died. */
  readonly torn: TornLine | undefined
  /** Whether a line break is the last of it. */
  readonly isEnded: boolean
}

export interface TornLine { readonly bytes: number, readonly digest: string }

/** Reads the end of a file. Undefined when there is none. Throws AuditFileError for a file that is no audit file, and what the file system throws. */
export function readTail (file: string): Tail | undefined {
  let fd
  try {
    fd = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return readEnd(file, fd)
  } finally {
    closeSync(fd)
  }
}

function readEnd (file: string, fd: number): Tail {
  const { size } = fstatSync(fd)
  const window = Buffer.alloc(Math.min(size, 2 * maxLineBytes))
  readSync(fd, window, 0, window.length, size - window.length)
  const end = window.lastIndexOf('\n')
  const rest = window.subarray(end + 1)
  // A line may lack nothing but its line break.
  const unended = readLine(rest.toString('latin1'))
  const previousEnd = end <= 0 ? -1 : window.lastIndexOf('\n', end - 1)
  const isWhole = end >= 0 && (previousEnd >= 0 || window.length === size)
  // With nothing before it, what is no beginning of a line was never one.
  const isStrange = end < 0 ? size > maxLineBytes || !beginsLikeLine(rest) : !isWhole
  if (isStrange) throw new AuditFileError(`${file} is no audit file: it holds something else. Name another file.`)
  return {
    bytes: size,
    last: unended ?? (end < 0 ? undefined : lastLine(file, window.toString('latin1', previousEnd + 1, end))),
    torn: rest.length === 0 || unended !== undefined ? undefined : tornLine(rest),
    isEnded: rest.length === 0
  }
}

function beginsLikeLine (bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  return text.startsWith(lineStart) || lineStart.startsWith(text)
}

function lastLine (file: string, text: string): Link {
  const line = readLine(text)
  if (line === undefined) throw new AuditFileError(`${file} is no audit file, or its last line was changed: nothing can be added to it. Name another file, or move this one away.`)
  return line
}

/** A torn line, as the one that is written after it tells of it. */
export function tornLine (bytes: Uint8Array): TornLine {
  return { bytes: bytes.length, digest: hash('sha256', bytes, 'hex') }
}
