import type { QuickJSHandle } from 'quickjs-emscripten-core'
import { COMMON_MEMORY_BYTES, type Machine } from './engine.ts'
import type { CallRequest, FaultyOutcome, Outcome, StopReason } from './messages.ts'
import { listForms, type Form } from './source.ts'

/** How code is called in the positions of its errors. */
const FILE = 'inline'
/** Between two batches of promise jobs the clock is looked at, whatever the interrupt handler saw. */
const JOBS_PER_BATCH = 1000
const CHECK_TIME_MS = 1000

/** How many times a text is in memory while it is handed over: as UTF-8, and as a string that may be wide. */
const COPIES = 3

/** Why the running code has to end, if it has to. Asked often: must be cheap. */
export type Stop = () => StopReason | undefined

/** An outcome, and whether the instance may serve another call after it. */
export interface Verdict { readonly outcome: Outcome, readonly sound: boolean }

/** Runs a prepared function in a machine that has run nothing yet. Never throws. */
export function runCall (machine: Machine, request: CallRequest, stop: Stop): Verdict {
  const { context } = machine
  const { source, argsText, infoText, memoryLimitBytes } = request
  if (!fits(memoryLimitBytes, source, argsText, infoText)) {
    return { outcome: thrown(`The arguments are too large for a memory limit of ${memoryLimitBytes} bytes`), sound: true }
  }
  return guarded(machine, stop, (stopped) => {
    const compiled = context.evalCode(source, FILE, { type: 'global' })
    if (compiled.error !== undefined) return failure(machine, dumpError(machine, compiled.error))
    const texts = [context.newString(argsText), context.newString(infoText), context.newNumber(request.maxOutputBytes)]
    const called = context.callFunction(machine.call, context.undefined, compiled.value, ...texts)
    for (const handle of [compiled.value, ...texts]) handle.dispose()
    if (called.error !== undefined) return failure(machine, dumpError(machine, called.error))
    drain(machine, stopped)
    return called.value.consume((promise) => settle(machine, promise, request.maxOutputBytes))
  })
}

/** Finds out whether code is a function, or the body of one, without calling it. Never throws. */
export function checkCode (machine: Machine, code: string, now: () => number): Verdict {
  const deadline = now() + CHECK_TIME_MS
  return guarded(machine, () => now() > deadline ? 'timeout' : undefined, () => {
    if (!fits(COMMON_MEMORY_BYTES, code)) return { type: 'faulty', message: 'The code is too long', line: 1, column: 1 }
    if (code.trim() === '') return { type: 'faulty', message: 'The code is empty', line: 1, column: 1 }
    const faults: FaultyOutcome[] = []
    for (const form of listForms(code)) {
      const fault = compileFault(machine, form, code)
      if (fault === undefined) return form.kind === 'body' ? checked(form) : checkType(machine, form)
      faults.push(fault)
    }
    return furthest(faults)
  })
}

/** Runs `work` under the interrupt handler; an error of the library itself, or one that unwound its C code, condemns the instance. */
function guarded (machine: Machine, stop: Stop, work: (stopped: Stop) => Outcome): Verdict {
  let reason: StopReason | undefined
  const stopped = (): StopReason | undefined => (reason ??= stop())
  machine.runtime.setInterruptHandler(() => stopped() !== undefined)
  try {
    const outcome = work(stopped)
    if (reason !== undefined) return { outcome: { type: reason }, sound: false }
    return { outcome, sound: outcome.type !== 'memory' }
  } catch (error) {
    if (reason !== undefined) return { outcome: { type: reason }, sound: false }
    const overflow = error instanceof RangeError
    return { outcome: thrown(overflow ? 'stack overflow' : `The sandbox gave up: ${String(error)}`), sound: false }
  }
}

/** The library writes a text wherever malloc says, even where that is nowhere: what may not fit must not be tried. */
function fits (memoryLimitBytes: number, ...texts: readonly string[]): boolean {
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) * COPIES < memoryLimitBytes
}

function drain (machine: Machine, stopped: Stop): void {
  while (machine.runtime.hasPendingJob() && stopped() === undefined) {
    const executed = machine.runtime.executePendingJobs(JOBS_PER_BATCH)
    // A job fails only when it was interrupted or memory ran out; the promise then tells, or stays pending.
    if (executed.error !== undefined) executed.error.dispose()
  }
}

function settle (machine: Machine, promise: QuickJSHandle, maxOutputBytes: number): Outcome {
  const { context } = machine
  const state = context.getPromiseState(promise)
  if (state.type === 'pending') return thrown('The code waits for a promise that nothing can ever settle: no timers and no input exist in inline code.')
  if (state.type === 'rejected') {
    return failure(machine, state.error.consume((error) => context.typeof(error) === 'string' ? readFailure(context.getString(error)) : dumpError(machine, error.dup())))
  }
  return state.value.consume((value) => {
    if (context.typeof(value) !== 'string') return { type: 'nothing' }
    const text = context.getString(value)
    const bytes = Buffer.byteLength(text)
    if (bytes > maxOutputBytes) return thrown(`The result is too large: ${bytes} bytes of JSON, and at most ${maxOutputBytes} are allowed`)
    return { type: 'value', text }
  })
}

function compileFault (machine: Machine, form: Form, code: string): FaultyOutcome | undefined {
  const compiled = machine.context.evalCode(form.source, FILE, { type: 'global', compileOnly: true })
  if (compiled.error === undefined) {
    compiled.value.dispose()
    return undefined
  }
  const { message, stack } = dumpError(machine, compiled.error)
  const position = new RegExp(`${FILE}:(\\d+):(\\d+)`).exec(stack)
  const line = Number(position?.[1] ?? 1)
  const column = Number(position?.[2] ?? 1) - (line === 1 ? form.prefixLength : 0)
  const lines = code.split('\n')
  // A fault in what stands behind the code is the end of the code.
  if (line > lines.length) return { type: 'faulty', message, line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
  return { type: 'faulty', message, line, column: Math.max(column, 1) }
}

/** An expression that is no function, such as `args.a + args.b`, compiles; only its value tells. */
function checkType (machine: Machine, form: Form): Outcome {
  const { context } = machine
  const thunk = context.unwrapResult(context.evalCode(form.source, FILE, { type: 'global' }))
  const answer = context.unwrapResult(context.callFunction(machine.probe, context.undefined, thunk)).consume((handle) => context.getString(handle))
  thunk.dispose()
  if (answer === 'function') return checked(form)
  const fault = answer.startsWith('{') ? readFailure(answer) : undefined
  if (fault?.memory === true) return { type: 'memory' }
  const why = fault === undefined ? `it gives: ${answer}` : `evaluating it fails: ${fault.message}`
  return { type: 'faulty', message: `The code is an expression that is not a function (${why}). Write (args, context) => … or a body with a return statement`, line: 1, column: 1 }
}

function checked (form: Form): Outcome {
  return { type: 'checked', kind: form.kind, source: form.source }
}

/** The form that was meant is the one whose fault comes last. */
function furthest (faults: readonly FaultyOutcome[]): FaultyOutcome {
  return faults.reduce((a, b) => b.line > a.line || (b.line === a.line && b.column > a.column) ? b : a)
}

interface Failure { readonly memory: boolean, readonly message: string, readonly stack: string }

/** When there is not even memory for the error, QuickJS throws null, or something that is no value at all. */
function failure ({ instance }: Machine, { memory, message, stack }: Failure): Outcome {
  const wordless = /^(?:The code threw )?(?:null|\[unsupported type\])$/.test(message)
  return memory || (wordless && instance.isFull()) ? { type: 'memory' } : thrown(message, stack)
}

function thrown (message: string, stack = ''): Outcome {
  return { type: 'thrown', message, stack }
}

/** What `describe` in the prelude wrote; code that changed how objects become JSON may have bent it. */
function readFailure (text: string): Failure {
  const described: unknown = JSON.parse(text)
  if (typeof described !== 'object' || described === null) return { memory: false, message: text, stack: '' }
  const { memory, message, stack } = described as Record<string, unknown>
  return { memory: memory === true, message: String(message), stack: String(stack) }
}

/** An error that no prelude code described: of the compiler, or of memory that ran out. User code has no hand in its shape. */
function dumpError (machine: Machine, handle: QuickJSHandle): Failure {
  const error: unknown = handle.consume((owned) => machine.context.dump(owned))
  if (typeof error !== 'object' || error === null) return { memory: false, message: String(error), stack: '' }
  const { name, message, stack } = error as Record<string, unknown>
  return { memory: name === 'InternalError' && message === 'out of memory', message: String(message), stack: String(stack ?? '') }
}
