import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { StreamTarget } from '../../src/logging/stream-target.ts'

/** More than the 64 KiB that Linux gives a pipe. */
const lineBytes = 90_000

t.test('a pipe whose reader is slow is waited for, but not for ever; what is out of a line already has its rest later', async (t) => {
  const pipe = join(t.testdir({}), 'pipe')
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  t.teardown(() => { closeSync(fd) })
  const chunk = Buffer.alloc(1_048_576)
  const readAll = (): string => {
    try {
      return chunk.toString('latin1', 0, readSync(fd, chunk))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return ''
      throw error
    }
  }
  const line = (letter: string): Buffer => Buffer.from(`${letter.repeat(lineBytes - 1)}\n`)
  const target = new StreamTarget(fd)

  const began = performance.now()
  target.append(line('a')) // Its rest waits.
  t.ok(performance.now() - began > 500, 'the reader has had some time')
  const stuckSince = performance.now()
  t.throws(() => { target.append(line('b')) }, { code: 'EAGAIN' })
  t.ok(performance.now() - stuckSince < 300, 'and is not waited for again before it has read')
  let read = readAll()
  target.append(line('c'))
  read += readAll()
  target.append(Buffer.from('d\n'))
  read += readAll()
  t.strictSame(read.split('\n').map((each) => each.slice(0, 2)), ['aa', 'cc', 'd', ''], 'no line is torn, and the one that was refused is not there')
  t.equal(read.length, 2 * lineBytes + 2)
})
