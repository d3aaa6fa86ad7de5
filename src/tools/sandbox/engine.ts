import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import variant from '@jitl/quickjs-wasmfile-release-sync'
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime, type QuickJSWASMModule } from 'quickjs-emscripten-core'
import { core, kit } from './prelude.ts'

/** TypeScript declares WebAssembly for browsers only. */
declare const WebAssembly: { compile (bytes: Uint8Array): Promise<object> }

/** WebAssembly memory begins at 16 MiB and never shrinks: an instance that grew beyond this is thrown away after the call. */
const KEEP_BYTES = 64 * 1024 * 1024
/** Some 2,700 plain calls deep. The thread's own stack (pool.ts) must outlast it, so that recursion ends as an error inside. */
const MAX_STACK_BYTES = 512 * 1024

/** One fresh runtime with one fresh context, in which the prelude has run, and no user code yet. It serves one request. */
export interface Machine {
  readonly runtime: QuickJSRuntime
  readonly context: QuickJSContext
  /** Calls a thunk's function and settles with JSON text: see prelude.ts. */
  readonly call: QuickJSHandle
  /** Names the type of what a thunk gives. */
  readonly probe: QuickJSHandle
  /** Where the events of the code go; set before user code runs. */
  emit: (text: string) => void
  dispose (): void
}

/** QuickJS in this thread. A machine that broke a limit takes its WebAssembly instance with it. */
export interface Engine {
  /** The machine for the next request; made ahead of time by `renew`. */
  readonly machine: Machine
  /** Throws the machine away and makes the next one; in a new instance unless the old one is known to be sound. */
  renew (sound: boolean): Promise<void>
}

/** Loads QuickJS and makes the first machine. Rejects when its WebAssembly file cannot be read or compiled. */
export async function createEngine (): Promise<Engine> {
  const wasmModule = await compile()
  let quickjs = await createInstance(wasmModule)
  let machine = createMachine(quickjs)

  return {
    get machine () { return machine },
    async renew (sound) {
      const kept = sound && sizeOf(quickjs) <= KEEP_BYTES && disposed(machine)
      if (!kept) quickjs = await createInstance(wasmModule)
      machine = createMachine(quickjs)
    }
  }
}

async function compile (): Promise<object> {
  const file = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm')
  return WebAssembly.compile(await readFile(file))
}

async function createInstance (wasmModule: object): Promise<QuickJSWASMModule> {
  // The package is an ES module here, though its types are those of its CommonJS form.
  const release = 'default' in variant ? variant.default : variant
  return newQuickJSWASMModuleFromVariant(newVariant(release, { wasmModule }))
}

function sizeOf (quickjs: QuickJSWASMModule): number {
  const memory: { readonly buffer: ArrayBuffer } = quickjs.getWasmMemory()
  return memory.buffer.byteLength
}

function createMachine (quickjs: QuickJSWASMModule): Machine {
  const runtime = quickjs.newRuntime({ maxStackSizeBytes: MAX_STACK_BYTES })
  const context = runtime.newContext()
  const emit = context.newFunction('emit', (text) => { machine.emit(context.getString(text)) })
  const readKit = context.newFunction('readKit', () => context.newString(kit))
  const setUp = context.unwrapResult(context.evalCode(core, 'gantry', { type: 'global' }))
  const exported = context.unwrapResult(context.callFunction(setUp, context.undefined, emit, readKit))
  const call = context.getProp(exported, 'call')
  const probe = context.getProp(exported, 'probe')
  for (const handle of [emit, readKit, setUp, exported]) handle.dispose()

  const machine: Machine = {
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
