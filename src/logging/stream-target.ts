import { PartlyWrittenError, writeWhole } from '../files/write-whole.ts'

/** How long a reader of a pipe may be slow, in each of a hundred attempts: a second in all. */
const pauseMs = 10

/** Standard output or standard error, written at once. */
export class StreamTarget {
  readonly #fd: number
  /** Of a line whose beginning is out already. */
  #rest: Buffer | undefined
  /** Whether its reader did not come in all the time that it was given. It is waited for again when it has read: the server has other things to do. */
  #isStuck = false

  constructor (fd: number) { this.#fd = fd }

  /** Throws what the file system throws. Then nothing of these lines is out. */
  append (lines: Buffer): void {
    if (this.#rest !== undefined) this.#writeRest(this.#rest)
    this.#rest = this.#write(lines)
  }

  /** Ends the line that was begun. Throws when that does not go, either. */
  #writeRest (rest: Buffer): void {
    this.#rest = this.#write(rest)
    if (this.#rest !== undefined) throw new Error('what reads it is too slow')
  }

  /** Gives what is left of lines whose beginning is out. Throws when nothing of them is. */
  #write (data: Buffer): Buffer | undefined {
    try {
      writeWhole(this.#fd, data, this.#isStuck ? 0 : pauseMs)
      this.#isStuck = false
      return undefined
    } catch (error) {
      this.#isStuck = true
      if (error instanceof PartlyWrittenError) return data.subarray(error.written)
      throw error
    }
  }

  /** Nothing moves or removes it. */
  isInPlace (): boolean { return true }

  close (): void { /* it belongs to the process */ }
}
