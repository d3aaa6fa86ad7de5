import { PartlyWrittenError, writeWhole } from '../files/write-whole.ts'

/** How long a reader of a pipe may be slow, in each of a hundred attempts: a second in all. */
const pauseMs = 10

/** Standard output or standard error, written at once. */
export class StreamTarget {
  readonly #fd: number
  /** Of a line whose beginning is out already. */
  #rest: Buffer | undefined

  constructor (fd: number) { this.#fd = fd }

  /** Throws what the file system throws. Then nothing of these lines is out, or they are kept for the next time. */
  append (lines: Buffer): void {
    if (this.#rest !== undefined) {
      const rest = this.#rest
      this.#rest = undefined
      this.#write(rest)
      if (this.#rest !== undefined) throw new Error('What reads it is still too slow.')
    }
    this.#write(lines)
  }

  #write (data: Buffer): void {
    try {
      writeWhole(this.#fd, data, pauseMs)
    } catch (error) {
      if (!(error instanceof PartlyWrittenError)) throw error
      this.#rest = data.subarray(error.written)
    }
  }

  /** Nothing moves or removes it. */
  isInPlace (): boolean { return true }

  close (): void { /* it belongs to the process */ }
}
