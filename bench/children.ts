import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

const TERM_MS = 5_000
const alive = new Set<ChildProcess>()

/** Starts a process that ends with this one, however this one ends (SIGKILL aside). */
export function startChild (command: string, args: string[], options: SpawnOptions): ChildProcess {
  if (alive.size === 0) process.once('exit', killAll)
  const child = spawn(command, args, options)
  alive.add(child)
  child.once('exit', () => {
    alive.delete(child)
    if (alive.size === 0) process.off('exit', killAll)
  })
  return child
}

/** Asks a process to end, and after a while makes it. */
export async function stopChild (child: ChildProcess): Promise<void> {
  if (!alive.has(child) || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), TERM_MS)
  await ended
  clearTimeout(timer)
}

function killAll (): void {
  for (const child of alive) child.kill('SIGKILL')
}
