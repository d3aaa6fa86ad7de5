import { ascii } from '../core/ascii.ts'
import type { Outlet } from './outlet.ts'

export interface LogOutputOptions {
  main: Outlet
  /** Gets the lines of errors, too. */
  errors: Outlet | undefined
  /** A batch is no larger than this, but for a line that is. */
  maxBatchChars: number
  /** Makes a line of JSON what the main outlet gets instead. */
  present: (line: string) => string
}

/** How long a line of `writeSoon` waits at most. */
const delayMs = 50
/** How the lines of errors begin: pino's levels are 50 and 60. */
const errorLine = /^\{"level":[56]/
/** Characters that are not seen or that turn the reading direction: in a log they could show people another text than there is. */
const hidden = /[\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/

/**
 * The one way out for lines, in their order. What pino writes is written at once; lines of requests wait for others, as a write costs more
 * than all else about them, but no longer than a moment: and whatever ends the process in order calls `flush`.
 */
export class LogOutput {
  readonly #options: LogOutputOptions
  #batch = ''
  #timer: NodeJS.Timeout | undefined

  constructor (options: LogOutputOptions) { this.#options = options }

  /** Of pino: one line, with its line break. */
  write (line: string): void {
    const { errors } = this.#options
    const safe = hidden.test(line) ? `${ascii(line.slice(0, -1))}\n` : line
    this.#add(safe)
    this.flush()
    if (errors !== undefined && errorLine.test(safe)) errors.write(safe)
  }

  /** A line in ASCII, with its line break, that is lost when the process is killed within a moment. */
  writeSoon (line: string): void {
    this.#add(line)
    this.#timer ??= setTimeout(() => { this.#timer = undefined; this.flush() }, delayMs).unref()
  }

  flush (): void {
    if (this.#batch === '') return
    const batch = this.#batch
    this.#batch = ''
    this.#options.main.write(batch)
  }

  /** Writes what waits, and lets go of the files. */
  close (): void {
    clearTimeout(this.#timer)
    this.flush()
    this.#options.main.close()
    this.#options.errors?.close()
  }

  #add (line: string): void {
    const { maxBatchChars, present } = this.#options
    const shown = present(line)
    if (this.#batch.length + shown.length > maxBatchChars) this.flush()
    this.#batch += shown
  }
}
