import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, relative, resolve, sep } from 'node:path'

/** Where handler modules and resource files may live. */
export interface FileBounds {
  /** Directory of the configuration file. */
  baseDir: string
  cwd: string
  /** Absolute directories for what is found relative to the configuration file, or by an absolute path. */
  roots: readonly string[]
  /** Absolute directories for what only the working directory has: where the server was started from opens nothing else. */
  cwdRoots: readonly string[]
  /** Told once for each path that was found from the working directory only. */
  onFoundFromCwd (path: string): void
}

/** A path that leads nowhere or out of the allowed roots. The message says which and what to do. */
export class FileRefusedError extends Error {
  override get name (): string { return 'FileRefusedError' }
}

/**
 * Finds a file: relative to the configuration file, else to the working directory. Links are followed first and the result has to lie
 * below an allowed root, so that neither `..` nor a link leads out. Throws FileRefusedError.
 */
export function findAllowedFile (path: string, { baseDir, cwd, roots, cwdRoots, onFoundFromCwd }: FileBounds): string {
  if (path.includes('\0')) throw new FileRefusedError('The path holds a null character.')
  const fromBase = realFile(resolve(baseDir, path))
  const fromCwd = fromBase === undefined && !isAbsolute(path) ? realFile(resolve(cwd, path)) : undefined
  const found = fromBase ?? fromCwd
  if (found === undefined) {
    throw new FileRefusedError(`There is no file ${JSON.stringify(path)}: neither relative to the configuration file nor to the working directory.`)
  }
  if (!isBelowAny(found, fromBase === undefined ? cwdRoots : roots)) {
    throw new FileRefusedError(`${JSON.stringify(path)} lies outside of the allowed directories: move it, or add its directory to server.handlerRoots.`)
  }
  if (fromCwd !== undefined) onFoundFromCwd(path)
  return found
}

/** True when a real path lies below one of the directories. */
export function isBelowAny (path: string, roots: readonly string[]): boolean {
  return roots.some((root) => {
    const way = relative(realDirectory(root), path)
    return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
  })
}

function realFile (path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isFile() ? real : undefined
  } catch {
    return undefined // it is not there, or a part of its path is no directory
  }
}

function realDirectory (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path // a root that is not there holds no files
  }
}
