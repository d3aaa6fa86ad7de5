import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import variant from '@jitl/quickjs-wasmfile-release-sync'
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core'

/** TypeScript declares WebAssembly for browsers only. */
declare const WebAssembly: {
  compile (bytes: Uint8Array): Promise<object>
  Memory: new (limits: { initial: number, maximum: number }) => Memory
}
interface Memory { readonly buffer: ArrayBuffer }

const PAGE_BYTES = 65536
/** The least memory that the module accepts. */
const INITIAL_BYTES = 256 * PAGE_BYTES
/** The most that it accepts. */
const MAX_BYTES = 32768 * PAGE_BYTES
/** What the module's stack (5 MiB), its data and an empty context take before user code gets any. */
const BASE_BYTES = 5.5 * 1024 * 1024

/** One WebAssembly instance of QuickJS, whose memory cannot grow beyond a limit. */
export interface Instance {
  readonly quickjs: QuickJSWASMModule
  /** How much memory it holds by now; it never gets less. */
  sizeBytes (): number
  /** Whether it has grown about as far as it can. */
  isFull (): boolean
}

/** Compiles QuickJS; each instance is then made in about a millisecond. Rejects when its file cannot be read. */
export async function compileQuickJs (): Promise<(memoryLimitBytes: number) => Promise<Instance>> {
  const file = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm')
  const wasmModule = await WebAssembly.compile(await readFile(file))
  return (memoryLimitBytes) => createInstance(wasmModule, memoryLimitBytes)
}

/**
 * The limit is that of the WebAssembly memory itself. QuickJS has a limit of its own, but in its WebAssembly builds it counts
 * blocks and not bytes: github.com/justjake/quickjs-emscripten/issues/271.
 */
async function createInstance (wasmModule: object, memoryLimitBytes: number): Promise<Instance> {
  const maxBytes = Math.min(Math.max(BASE_BYTES + memoryLimitBytes, INITIAL_BYTES), MAX_BYTES)
  const memory = new WebAssembly.Memory({ initial: INITIAL_BYTES / PAGE_BYTES, maximum: Math.ceil(maxBytes / PAGE_BYTES) })
  // The package is an ES module here, though its types are those of its CommonJS form.
  const release = 'default' in variant ? variant.default : variant
  const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(release, { wasmModule, wasmMemory: memory }))
  const surplus = INITIAL_BYTES - BASE_BYTES - memoryLimitBytes
  if (surplus > 0) occupy(quickjs, surplus)
  const sizeBytes = (): number => memory.buffer.byteLength
  // The module grows its memory in steps of at least a twentieth, and not at all when a step does not fit.
  return { quickjs, sizeBytes, isFull: () => sizeBytes() > 0.9 * maxBytes }
}

/** Keeps a small limit, below the memory that every instance begins with: holds the difference for as long as it lives. */
function occupy (quickjs: QuickJSWASMModule, bytes: number): void {
  quickjs.newContext().newArrayBuffer(new ArrayBuffer(bytes))
}
