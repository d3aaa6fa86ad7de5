import { randomFillSync } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs'

/**
 * Room on the disk that is taken in advance. As long as it is there, a call that begins is one whose line can be written: when the disk is
 * full, the room is given back for the lines of the calls that run.
 */
export class Reserve {
  readonly #path: string
  readonly #bytes: number
  readonly #fd: number
  #isFilled = false

  /** Throws what the file system throws. */
  constructor (path: string, bytes: number) {
    this.#path = path
    this.#bytes = bytes
    this.#fd = openSync(path, 'w', 0o600)
  }

  get isFilled (): boolean { return this.#isFilled }

  /** Takes the room. Throws when there is not as much; then it has taken none. */
  fill (): void {
    if (this.#isFilled) return
    // Zeros take no room where files are compressed or have holes.
    const noise = randomFillSync(Buffer.allocUnsafe(this.#bytes))
    try {
      for (let written = 0; written < noise.length;) written += writeSync(this.#fd, noise, written, noise.length - written, written)
    } catch (error) {
      ftruncateSync(this.#fd, 0)
      throw error
    }
    this.#isFilled = true
  }

  /** Gives the room back. False when it was not taken. */
  release (): boolean {
    if (!this.#isFilled) return false
    ftruncateSync(this.#fd, 0)
    this.#isFilled = false
    return true
  }

  /** Never throws: what is left of it is in nobody's way. */
  remove (): void {
    try {
      closeSync(this.#fd)
      unlinkSync(this.#path)
    } catch { /* The directory is gone, or was closed to us. */ }
  }
}
