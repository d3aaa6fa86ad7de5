import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { asideName, asideNumbers } from './aside.ts'
import { PartlyWrittenError, writeWhole, type Writable } from './write-whole.ts'

export interface RotatingFileOptions {
  /** Absolute. */
  file: string
  /** A file that would grow beyond this is put aside. */
  maxBytes: number
  /** How many files are kept, with the one that is written. */
  maxFiles: number
}

/** The owner of the file may write it, its group may read it. */
const mode = 0o640

/** A file that is appended to, and those before it. Everything is written at once. */
export class RotatingFile {
  readonly #options: RotatingFileOptions
  #fd: number | undefined
  #bytes = 0

  /** Throws what the file system throws. */
  constructor (options: RotatingFileOptions) {
    this.#options = options
    mkdirSync(dirname(options.file), { recursive: true })
  }

  get isOpen (): boolean { return this.#fd !== undefined }

  /** Throws what the file system throws. */
  open (): number {
    const fd = openSync(this.#options.file, 'a', mode)
    this.#bytes = fstatSync(fd).size
    this.#fd = fd
    return fd
  }

  /** Writes whole lines: on return they are in the file, whatever becomes of the process. Throws what the file system throws; then nothing of them is. */
  append (lines: Writable): void {
    const { maxBytes } = this.#options
    let fd = this.#fd ?? this.open()
    if (this.#bytes > 0 && this.#bytes + lines.length > maxBytes) fd = this.#putAside()
    this.#write(fd, lines)
  }

  /** Writes to the file as it is, however large it becomes. Throws as `append` does. */
  complete (rest: Writable): void { this.#write(this.#fd ?? this.open(), rest) }

  /** Waits for the disk. */
  sync (): void { if (this.#fd !== undefined) fdatasyncSync(this.#fd) }

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

  #write (fd: number, data: Writable): void {
    try {
      writeWhole(fd, data)
    } catch (error) {
      if (!(error instanceof PartlyWrittenError)) throw error
      this.#takeBack(fd)
      throw error.cause
    }
    this.#bytes += data.length
  }

  /** Takes back the part of a line. Where that fails, too, the file is opened again before the next one. */
  #takeBack (fd: number): void {
    try {
      ftruncateSync(fd, this.#bytes)
    } catch {
      this.close()
    }
  }
}

function remove (file: string): void {
  try {
    unlinkSync(file)
  } catch { /* Gone already, or it stays until the next one is put aside. */ }
}
