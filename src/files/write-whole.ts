import { writeSync } from 'node:fs'

const maxAttempts = 100

/** Text that is ASCII, so that its length is its size; or bytes. */
export type Writable = string | Buffer

/** Not all of it could be written. */
export class PartlyWrittenError extends Error {
  /** Bytes. */
  readonly written: number

  constructor (written: number, cause: unknown) {
    super(`Only ${written} bytes could be written.`, { cause })
    this.written = written
  }
}

/**
 * Writes all of it: on return it is out of the process. `pauseMs` is how long it waits where a reader is slow, before each of its hundred
 * attempts. Throws what the file system throws, or PartlyWrittenError with that as its cause.
 */
export function writeWhole (fd: number, data: Writable, pauseMs = 0): void {
  let written = 0
  for (let attempts = 0; written < data.length;) {
    try {
      written += typeof data === 'string' ? writeSync(fd, written === 0 ? data : data.slice(written), null, 'latin1') : writeSync(fd, data, written)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code === 'EINTR' || code === 'EAGAIN') && ++attempts < maxAttempts) {
        if (pauseMs > 0) pause(pauseMs)
        continue
      }
      throw written === 0 ? error : new PartlyWrittenError(written, error)
    }
  }
}

function pause (ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
