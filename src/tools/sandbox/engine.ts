import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core'
import { compileQuickJs, type Instance } from './instance.ts'
import { core, kit } from './prelude.ts'

/** What a check gets, and what most calls have as their limit: the instance made for the first serves the others. */
export const COMMON_MEMORY_BYTES = 64 * 1024 * 1024
/** An instance that grew beyond this is not kept for the next call: WebAssembly memory is never given back. */
const KEEP_BYTES = 32 * 1024 * 1024
/** Calls with different limits need instances of their own: this many are kept. */
const MAX_INSTANCES = 4
/** Some 2,700 plain calls deep. The thread's own stack (thread.ts) must outlast it, so that recursion ends as an error inside. */
const MAX_STACK_BYTES = 512 * 1024

/** One fresh runtime with one fresh context, in which the prelude has run, and no user code yet. It serves one request. */
export interface Machine {
  readonly instance: Instance
  readonly runtime: QuickJSRuntime
  readonly context: QuickJSContext
  /** Calls a thunk's function and settles with JSON text: see prelude.ts. */
  readonly call: QuickJSHandle
  /** Names the type of what a thunk gives. */
  readonly probe: QuickJSHandle
  /** Where the events of the code go; set before user code runs. An event that is too large, or that memory was too short for, comes empty. */
  emit: (text: string) => void
  dispose (): void
}

/** QuickJS in this thread. */
export interface Engine {
  /** A machine that has this much memory for user code; most often made ahead of time by `renew`. */
  take (memoryLimitBytes: number): Promise<Machine>
  /** Throws the used machine away and makes the next with its limit; in a new instance unless the old one is known to be sound. */
  renew (memoryLimitBytes: number, sound: boolean): Promise<void>
}

/** Loads QuickJS and makes the first machine. Rejects when its WebAssembly file cannot be read or compiled. */
export async function createEngine (): Promise<Engine> {
  const createInstance = await compileQuickJs()
  /** By limit, the one used last at the end. */
  const machines = new Map<number, Machine>()

  async function make (memoryLimitBytes: number): Promise<Machine> {
    return createMachine(await createInstance(memoryLimitBytes))
  }

  const engine: Engine = {
    async take (memoryLimitBytes) {
      const machine = machines.get(memoryLimitBytes) ?? await make(memoryLimitBytes)
      machines.delete(memoryLimitBytes)
      machines.set(memoryLimitBytes, machine)
      const [oldest] = machines.keys()
      if (machines.size > MAX_INSTANCES && oldest !== undefined) machines.delete(oldest)
      return machine
    },
    async renew (memoryLimitBytes, sound) {
      const used = machines.get(memoryLimitBytes)
      const kept = used !== undefined && sound && !used.instance.isFull() && used.instance.sizeBytes() <= KEEP_BYTES && disposed(used)
      machines.set(memoryLimitBytes, kept ? createMachine(used.instance) : await make(memoryLimitBytes))
    }
  }
  await engine.renew(COMMON_MEMORY_BYTES, false)
  return engine
}

function createMachine (instance: Instance): Machine {
  const runtime = instance.quickjs.newRuntime({ maxStackSizeBytes: MAX_STACK_BYTES })
  const context = runtime.newContext()
  const emit = context.newFunction('emit', (text) => { machine.emit(context.typeof(text) === 'string' ? context.getString(text) : '') })
  const kitText = context.newString(kit)
  const setUp = context.unwrapResult(context.evalCode(core, 'gantry', { type: 'global' }))
  const exported = context.unwrapResult(context.callFunction(setUp, context.undefined, emit, kitText))
  const call = context.getProp(exported, 'call')
  const probe = context.getProp(exported, 'probe')
  for (const handle of [emit, kitText, setUp, exported]) handle.dispose()

  const machine: Machine = {
    instance,
    runtime,
    context,
    call,
    probe,
    emit: ignore,
    dispose () {
      for (const owned of [call, probe, context, runtime]) owned.dispose()
    }
  }
  return machine
}

/** QuickJS aborts when a freed runtime still holds objects; then the instance is not to be trusted with another call. */
function disposed (machine: Machine): boolean {
  try {
    machine.dispose()
    return true
  } catch {
    return false
  }
}

function ignore (): void {}
