import { resolve } from 'node:path'
import type { FileBounds } from './allowed-file.ts'

export interface FileBoundsOptions {
  baseDir: string
  cwd: string
  /** Directories relative to baseDir. */
  handlerRoots: readonly string[]
}

/** Makes the bounds of an app; `onFirst` is told of each path that only the working directory knew, once. */
export function fileBounds ({ baseDir, cwd, handlerRoots }: FileBoundsOptions, onFirst: (path: string) => void): FileBounds {
  const told = new Set<string>()
  return {
    baseDir,
    cwd,
    roots: handlerRoots.map((root) => resolve(baseDir, root)),
    // A file that serves from the working directory, as existing configurations were written, lies below that.
    cwdRoots: handlerRoots.map((root) => resolve(cwd, root)),
    onFoundFromCwd (path) {
      if (told.has(path)) return
      told.add(path)
      onFirst(path)
    }
  }
}
