/** Counts the calls that run, so that a close can wait for them. */
export interface RunningCalls {
  readonly closed: boolean
  /** Runs a call and counts it until it settles. */
  track<T> (call: Promise<T>): Promise<T>
  /** Resolves when nothing runs any more, at the latest after the limit. */
  close (limitMs: number): Promise<void>
}

export function createRunningCalls (): RunningCalls {
  let running = 0
  let closed = false
  const idleListeners = new Set<() => void>()
  const leave = (): void => {
    running--
    if (running === 0) for (const tell of idleListeners) tell()
  }

  return {
    get closed () { return closed },
    track (call) {
      running++
      call.then(leave, leave)
      return call
    },
    close (limitMs) {
      closed = true
      return new Promise((resolve) => {
        if (running === 0) return resolve()
        const timer = setTimeout(done, limitMs)
        idleListeners.add(done)
        function done (): void {
          clearTimeout(timer)
          idleListeners.delete(done)
          resolve()
        }
      })
    }
  }
}
