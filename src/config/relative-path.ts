import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'

export interface PathBases {
  /** The directory of the configuration file. */
  baseDir: string
  cwd: string
}

export interface ResolvedPath {
  path: string
  /** Found from the working directory only: the log says so once. */
  fromCwd: boolean
}

/**
 * Makes a path of the configuration file absolute. It is relative to the file; where that finds nothing and the working directory does,
 * the working directory serves, because existing files were written that way.
 */
export function resolvePath (path: string, { baseDir, cwd }: PathBases): ResolvedPath {
  const fromBase = resolve(baseDir, path)
  if (isAbsolute(path) || existsSync(fromBase)) return { path: fromBase, fromCwd: false }
  const fromCwd = resolve(cwd, path)
  return fromCwd !== fromBase && existsSync(fromCwd) ? { path: fromCwd, fromCwd: true } : { path: fromBase, fromCwd: false }
}
