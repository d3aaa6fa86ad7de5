import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The part of a tap test that these helpers need. */
interface Teardown { teardown (fn: () => unknown): unknown }

/** Something that becomes full when it is told to. */
export interface FullDisk {
  readonly name: string
  /** Where there is nothing yet. */
  readonly folder: string
  /** Whether room that is given back can be used again. */
  readonly hasRoom: boolean
  /** From now on nothing more can be written. */
  fill (): void
  /** As much can be written as before. */
  free (): void
}

/** The ways to have a full disk that this user has: a file system of its own, where it may mount one, and a limit on the size of files, which every user may have. */
export function fullDisks (t: Teardown): FullDisk[] {
  const mounted = smallFileSystem(t, 'size=2m')
  return [...(mounted === undefined ? [] : [mounted]), limitedFiles(t)]
}

/** A file system in memory, with options of mount(8), that is gone with the test; undefined where this user may not mount one. */
export function smallFileSystem (t: Teardown, options: string): FullDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0
  t.teardown(() => {
    if (mounted) spawnSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  if (!mounted) return undefined
  const filler = join(folder, 'filler')
  return { name: 'a full file system', folder, hasRoom: true, fill: () => { writeUntilFull(filler) }, free: () => { unlinkSync(filler) } }
}

function limitedFiles (t: Teardown): FullDisk {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-disk-'))
  const limit = (bytes: string): void => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`The size of files could not be limited: ${stderr}`)
  }
  process.on('SIGXFSZ', ignore)
  t.teardown(() => {
    limit('unlimited')
    rmSync(folder, { recursive: true, force: true })
  })
  return { name: 'a limit on the size of files', folder, hasRoom: false, fill: () => { limit('1500') }, free: () => { limit('unlimited') } }
}

/** Node ignores this signal, but what watches over the end of the process may not. It is told of it late: the listener stays. */
function ignore (): void {}

function writeUntilFull (file: string): void {
  const fd = openSync(file, 'w')
  try {
    for (const bytes of [65_536, 4_096, 1]) {
      const chunk = Buffer.alloc(bytes)
      try {
        for (;;) writeSync(fd, chunk)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(fd)
  }
}
