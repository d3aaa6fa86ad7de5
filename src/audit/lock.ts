import { lutimesSync, lstatSync, readFileSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** For so long a holder on another machine is taken to be there after it last said so: nothing else can be seen of it. */
const staleMs = 60_000
/** As often as others may release it, or take over from a dead one, between two looks. */
const maxAttempts = 10

/** Those of this process, which may hold several. */
const held = new Set<string>()

/**
 * One writer a file. The lock is a symbolic link that leads nowhere and names its holder: it is made with its content in one step, and
 * takes no room on a full disk. One whose holder is dead is taken over.
 */
export class Lock {
  readonly #path: string

  private constructor (path: string) {
    this.#path = path
    held.add(path)
  }

  /** Takes the lock, or says who holds it. Throws what the file system throws. */
  static take (path: string): Lock | { holder: string } {
    for (let attempt = 1; ; attempt++) {
      try {
        symlinkSync(identity(), path)
        return new Lock(path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === maxAttempts) throw error
      }
      const holder = readHolder(path)
      if (holder !== undefined && (isAlive(holder, path) || !remove(path, holder))) return { holder: describe(holder) }
    }
  }

  /** Says that its holder is there; several times a minute. */
  renew (): void {
    const now = new Date()
    try {
      lutimesSync(this.#path, now, now)
    } catch { /* Only other machines look at the time. */ }
  }

  release (): void {
    held.delete(this.#path)
    try {
      unlinkSync(this.#path)
    } catch { /* Somebody has removed it: it is free in any case. */ }
  }
}

/** `host:pid:start`: a process id is used again, together with its start it is not. */
function identity (): string {
  return `${hostname()}:${process.pid}:${startOf(process.pid) ?? ''}`
}

/** Undefined when it was released in the meantime. */
function readHolder (path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive (holder: string, path: string): boolean {
  const { host, pid, start } = readIdentity(holder)
  if (host !== hostname()) return Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < staleMs
  if (pid === process.pid) return held.has(path)
  const known = startOf(pid)
  if (known !== undefined) return known === start
  return start === '' && answers(pid)
}

function readIdentity (holder: string): { host: string, pid: number, start: string } {
  const [start = '', pid = '', ...host] = holder.split(':').reverse()
  return { host: host.reverse().join(':'), pid: Number(pid), start }
}

function describe (holder: string): string {
  const { host, pid } = readIdentity(holder)
  return `process ${pid} on ${host}`
}

/** When a process started, in the units of the system; undefined when there is none of this id, or the system does not say. */
function startOf (pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program stands in parentheses and may hold anything; proc(5) counts the fields.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function answers (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes the lock of a dead holder. False when somebody else was faster: then it is theirs. Throws what the file system throws. */
function remove (path: string, holder: string): boolean {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true // The next attempt shows whose it is now.
    throw error
  }
  const taken = readlinkSync(aside)
  if (taken === holder) {
    unlinkSync(aside)
    return true
  }
  renameSync(aside, path)
  return false
}
