import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Where servers and load run; without numbers nothing is pinned. */
export type Cores = { server?: number, load?: number, note: string }

/** Gives servers and load a core each where the machine has two and `taskset`. */
export function chooseCores (): Cores {
  const allowed = allowedCores()
  if (allowed.length < 2) return { note: 'one core only: servers and load share it, requests per second and latencies mean little' }
  if (spawnSync('taskset', ['--version']).status !== 0) {
    return { note: 'no taskset here: nothing is pinned, servers and load may share a core' }
  }
  const [server, load] = allowed as [number, number]
  return { server, load, note: `servers on core ${server}, load on core ${load}` }
}

/** The command that runs `node` with `args` on `core`. */
export function nodeCommand (core: number | undefined, args: readonly string[]): [string, string[]] {
  if (core === undefined) return [process.execPath, [...args]]
  return ['taskset', ['--cpu-list', String(core), process.execPath, ...args]]
}

function allowedCores (): number[] {
  let status: string
  try {
    status = readFileSync('/proc/self/status', 'utf8')
  } catch {
    // Not Linux: the count is known, pinning is not.
    return [...Array(availableParallelism()).keys()]
  }
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? ''
  return list.split(',').filter(Boolean).flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}
