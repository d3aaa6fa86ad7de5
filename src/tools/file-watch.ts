import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

export interface FileWatch { close (): void }

/** One write is several events. */
const settleMs = 50

/**
 * Calls back when a file has changed. Directories are watched rather than files, since editors put a new file in the place of the old
 * one. Where the system cannot watch, `onFailure` is told once for each directory. Nothing of it keeps the process alive.
 */
export function watchFiles (files: Iterable<string>, onChange: (file: string) => void, onFailure: (directory: string, error: unknown) => void): FileWatch {
  const byDirectory = new Map<string, Map<string, string>>()
  for (const file of files) {
    const directory = dirname(file)
    byDirectory.set(directory, (byDirectory.get(directory) ?? new Map<string, string>()).set(basename(file), file))
  }

  const pending = new Map<string, NodeJS.Timeout>()
  function settle (file: string): void {
    clearTimeout(pending.get(file))
    pending.set(file, setTimeout(() => {
      pending.delete(file)
      onChange(file)
    }, settleMs).unref())
  }

  const watchers: FSWatcher[] = []
  for (const [directory, names] of byDirectory) {
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        const file = name === null ? undefined : names.get(name)
        if (file !== undefined) settle(file)
      })
      watcher.on('error', (error) => { onFailure(directory, error) })
      watchers.push(watcher)
    } catch (error) {
      onFailure(directory, error)
    }
  }

  return {
    close () {
      for (const watcher of watchers) watcher.close()
      for (const timer of pending.values()) clearTimeout(timer)
    }
  }
}
