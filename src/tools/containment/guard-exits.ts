import { syncBuiltinESMExports } from 'node:module'
import type { HandlerTrace } from './handler-trace.ts'

/**
 * From now on, what ends this process (`process.exit`, `abort`, `reallyExit`, and `kill` of itself) throws where a handler calls it, and
 * does what it did for everybody else. For programs that own their process.
 */
export function guardExits (trace: HandlerTrace): void {
  const { exit, abort } = process
  // Node calls it at the end of `exit`, and libraries that tidy up before an exit call it themselves. No type knows it.
  const owner = process as unknown as { reallyExit: (code?: number) => never }
  const { reallyExit } = owner

  process.exit = function guardedExit (code) {
    trace.refuse('process.exit()')
    return exit.call(process, code)
  }
  owner.reallyExit = function guardedReallyExit (code) {
    trace.refuse('process.reallyExit()')
    return reallyExit.call(process, code)
  }
  process.abort = function guardedAbort () {
    trace.refuse('process.abort()')
    return abort.call(process)
  }
  // Last: it makes the functions known to those who import them by name, too.
  guardKill((what) => { trace.refuse(what) })
}

/** From now on, `refuse` is asked first when this process is to send itself a signal. */
export function guardKill (refuse: (what: string) => void): void {
  const { kill } = process
  process.kill = function guardedKill (pid, signal) {
    // Signal 0 asks whether there is such a process; 0 and negative numbers are groups, this one's among them.
    if (signal !== 0 && (pid === process.pid || pid === 0 || pid === -process.pid)) refuse('process.kill() of the server itself')
    return kill.call(process, pid, signal)
  }
  syncBuiltinESMExports()
}
