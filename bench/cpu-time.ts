import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** The CPU time a process has used so far, as the kernel counts it in two ways. */
export type CpuSample = {
  /** utime + stime of the whole process, ended threads included, in clock ticks of about 10 ms. */
  wholeSeconds: number
  /** Nanosecond counters of the live threads, absent where the kernel keeps none. */
  threadSeconds: ReadonlyMap<string, number> | undefined
}

let ticksPerSecond: number | undefined

/** Reads the user and system time of a process from /proc. Throws where there is no /proc. */
export function readCpu (pid: number): CpuSample {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (cause) {
    throw new Error(`no CPU time for process ${pid}: it has ended, or this system has no /proc (the benchmark needs Linux)`, { cause })
  }
  // proc_pid_stat(5): fields 14 and 15; the name in field 2 may hold spaces, so count from its closing bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return {
    wholeSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    threadSeconds: readThreads(pid)
  }
}

/**
 * The CPU seconds between two samples. The nanosecond counters serve unless a thread of the first sample
 * has ended or the process as a whole used clearly more: then the coarser count, which misses nothing.
 */
export function cpuBetween (before: CpuSample, after: CpuSample): number {
  const whole = after.wholeSeconds - before.wholeSeconds
  if (before.threadSeconds === undefined || after.threadSeconds === undefined) return whole
  let threads = 0
  for (const seconds of after.threadSeconds.values()) threads += seconds
  for (const [id, seconds] of before.threadSeconds) {
    if (!after.threadSeconds.has(id)) return whole
    threads -= seconds
  }
  const rounding = 2 / (ticksPerSecond ?? 100)
  return whole - threads > rounding ? whole : threads
}

function readThreads (pid: number): Map<string, number> | undefined {
  const threads = new Map<string, number>()
  try {
    for (const id of readdirSync(`/proc/${pid}/task`)) {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')
      threads.set(id, Number(nanoseconds) / 1e9)
    }
  } catch {
    // A kernel without these counters, or a thread that ended just now: the caller falls back on the whole process.
    return undefined
  }
  return threads
}
