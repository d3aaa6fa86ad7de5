import { closeSync, openSync, readSync, statSync, type Stats } from 'node:fs'
import { asideName, asideNumbers } from '../files/aside.ts'
import { maxLineBytes } from './tail.ts'

/** Where a line stands; lines count from 1. */
export interface Place { readonly file: string, readonly line: number }

export interface StoredLine extends Place {
  /** Without the line break. Of what is longer than any line, its beginning. */
  readonly bytes: Buffer
  /** False for what stands at the end of a file without a line break. */
  readonly isWhole: boolean
}

const chunkBytes = 65_536

/** The files of an audit, oldest first: those that were put aside, then the one that is written; or only that file. Throws what the file system throws. */
export function filesOf (file: string, alone: boolean): string[] {
  if (alone) return [file]
  const numbers = asideNumbers(file)
  // The file may be put aside at this moment: then it is read under its new name.
  const current = statsOf(file)
  const aside = numbers.map((number) => asideName(file, number)).filter((name) => !isSame(statsOf(name), current))
  return current === undefined && aside.length > 0 ? aside : [...aside, file]
}

/** Reads files line by line, in bounded memory. Throws what the file system throws. */
export function * readLines (files: readonly string[]): Generator<StoredLine, void> {
  for (const file of files) yield * readFileLines(file)
}

function * readFileLines (file: string): Generator<StoredLine, void> {
  const fd = openSync(file, 'r')
  try {
    const chunk = Buffer.alloc(chunkBytes)
    let rest: Buffer = Buffer.alloc(0)
    let line = 0
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) {
      let start = 0
      for (let end = chunk.indexOf('\n'); end >= 0 && end < count; end = chunk.indexOf('\n', start)) {
        yield { file, line: ++line, bytes: joined(rest, chunk.subarray(start, end)), isWhole: true }
        rest = Buffer.alloc(0)
        start = end + 1
      }
      rest = joined(rest, chunk.subarray(start, count))
    }
    if (rest.length > 0) yield { file, line: ++line, bytes: rest, isWhole: false }
  } finally {
    closeSync(fd)
  }
}

/** Of what is too long to be a line, the beginning is enough to say so. */
function joined (rest: Buffer, more: Buffer): Buffer {
  return rest.length > maxLineBytes ? rest : Buffer.concat([rest, more])
}

function statsOf (file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false })
}

function isSame (one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}
