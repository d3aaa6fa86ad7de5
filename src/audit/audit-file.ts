import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AuditFileError } from '../core/errors.ts'
import { beginning, sealLine, type Link, type Sealer } from './chain.ts'
import { asideName, asideNumbers } from './files.ts'
import { readTail, type TornLine } from './tail.ts'

export interface AuditFileOptions {
  /** Absolute. */
  file: string
  sealer: Sealer
  /** A file that would grow beyond this is put aside. */
  maxBytes: number
  /** How many files are kept, with the one that is written. */
  maxFiles: number
  /** Whether a line waits for the disk. */
  fsync: boolean
  /** The members of the line that tells of a torn one. */
  tellTorn: (torn: TornLine) => string
}

/** The owner of the file may write it, its group may read it. */
const mode = 0o640
const maxAttempts = 100

/** A file that lines are appended to, and those before it. It goes on where the last writer ended. */
export class AuditFile {
  readonly #options: AuditFileOptions
  #fd: number | undefined
  #bytes = 0
  #last: Link | undefined

  /** Throws AuditFileError, and what the file system throws. */
  constructor (options: AuditFileOptions) {
    this.#options = options
    mkdirSync(dirname(options.file), { recursive: true })
    this.#open()
  }

  /** Writes one line: on return it is in the file, whatever becomes of the process. Throws what the file system throws; then it is not, or the disk did not confirm it. */
  append (members: string): void {
    const { sealer, maxBytes, fsync } = this.#options
    let fd = this.#fd ?? this.#open()
    const { line, link } = sealLine(members, this.#last ?? beginning, sealer)
    if (this.#bytes > 0 && this.#bytes + line.length > maxBytes) fd = this.#putAside()
    this.#write(fd, line)
    this.#last = link
    if (fsync) fdatasyncSync(fd)
  }

  /** Whether the file is still where it was made. Where it was moved or removed, the next line begins another one. */
  isInPlace (): boolean {
    if (this.#fd === undefined) return true
    const { ino, dev } = fstatSync(this.#fd)
    const there = statSync(this.#options.file, { throwIfNoEntry: false })
    if (there?.ino === ino && there.dev === dev) return true
    this.close()
    return false
  }

  close (): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #open (): number {
    const { file, tellTorn } = this.#options
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new AuditFileError(`${file} is no regular file: an audit is written to a file that can be read again.`)
    const tail = readTail(file)
    this.#last = tail?.last ?? this.#last ?? lastAside(file)
    this.#bytes = tail?.bytes ?? 0
    const fd = this.#fd = openSync(file, 'a', mode)
    if (tail === undefined || tail.isEnded) return fd
    try {
      this.#write(fd, '\n')
      if (tail.torn !== undefined) this.append(tellTorn(tail.torn))
    } catch (error) {
      this.close()
      throw error
    }
    return fd
  }

  /** Begins a new file. When that fails, the old one stays where it is. */
  #putAside (): number {
    const { file, maxFiles } = this.#options
    const numbers = asideNumbers(file)
    const aside = (numbers.at(-1) ?? 0) + 1
    renameSync(file, asideName(file, aside))
    let fd
    try {
      fd = openSync(file, 'a', mode)
    } catch (error) {
      renameSync(asideName(file, aside), file)
      throw error
    }
    this.close()
    this.#fd = fd
    this.#bytes = 0
    for (const number of [...numbers, aside].slice(0, -(maxFiles - 1) || undefined)) remove(asideName(file, number))
    return fd
  }

  #write (fd: number, text: string): void {
    let written = 0
    try {
      for (let attempts = 0; written < text.length;) {
        try {
          written += writeSync(fd, written === 0 ? text : text.slice(written), null, 'latin1')
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if ((code !== 'EINTR' && code !== 'EAGAIN') || ++attempts === maxAttempts) throw error
        }
      }
    } catch (error) {
      if (written > 0) this.#takeBack(fd)
      throw error
    }
    this.#bytes += text.length
  }

  /** Takes back the part of a line. Where that fails, too, the file is read again before the next line: it finds a torn one. */
  #takeBack (fd: number): void {
    try {
      ftruncateSync(fd, this.#bytes)
    } catch {
      this.close()
    }
  }
}

/** The last line of the newest file that was put aside. */
function lastAside (file: string): Link | undefined {
  const newest = asideNumbers(file).at(-1)
  return newest === undefined ? undefined : readTail(asideName(file, newest))?.last
}

function remove (file: string): void {
  try {
    unlinkSync(file)
  } catch { /* Gone already, or it stays until the next one is put aside. */ }
}
