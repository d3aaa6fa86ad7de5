import { statSync } from 'node:fs'
import { AuditFileError } from '../core/errors.ts'
import { asideName, asideNumbers } from '../files/aside.ts'
import { RotatingFile } from '../files/rotating-file.ts'
import { beginning, sealLine, type Link, type Sealer } from './chain.ts'
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

/** A file that lines are appended to, and those before it. It goes on where the last writer ended. */
export class AuditFile {
  readonly #options: AuditFileOptions
  readonly #out: RotatingFile
  #last: Link | undefined

  /** Throws AuditFileError, and what the file system throws. */
  constructor (options: AuditFileOptions) {
    this.#options = options
    this.#out = new RotatingFile(options)
    this.#open()
  }

  /** Writes one line: on return it is in the file, whatever becomes of the process. Throws what the file system throws; then it is not, or the disk did not confirm it. */
  append (members: string): void {
    const out = this.#out
    if (!out.isOpen) this.#open()
    const { line, link } = sealLine(members, this.#last ?? beginning, this.#options.sealer)
    out.append(line)
    this.#last = link
    if (this.#options.fsync) out.sync()
  }

  /** Whether the file is still where it was made. Where it was moved or removed, the next line begins another one. */
  isInPlace (): boolean { return this.#out.isInPlace() }

  close (): void { this.#out.close() }

  /** Where the last line was cut off, by a process that died or because its part could not be taken back, it is ended first. */
  #open (): void {
    const { file, tellTorn } = this.#options
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new AuditFileError(`${file} is no regular file: an audit is written to a file that can be read again.`)
    const tail = readTail(file)
    this.#last = tail?.last ?? this.#last ?? lastAside(file)
    this.#out.open()
    if (tail === undefined || tail.isEnded) return
    try {
      this.#out.complete('\n')
      if (tail.torn !== undefined) this.append(tellTorn(tail.torn))
    } catch (error) {
      this.close()
      throw error
    }
  }
}

/** The last line of the newest file that was put aside. */
function lastAside (file: string): Link | undefined {
  const newest = asideNumbers(file).at(-1)
  return newest === undefined ? undefined : readTail(asideName(file, newest))?.last
}
