import { Pipeline } from './core/pipeline.ts'
import { isObject } from './core/json-rpc.ts'
import type { ToolHandler } from './core/ports.ts'
import { loadConfig, type Fault, type LoadedConfig, type LoadOptions, type Path } from './config/load.ts'
import { elements, member, pathKey } from './config/fault.ts'
import { buildEntries, type EntryFault, type EntrySources } from './tools/build-entries.ts'
import { withBuiltInHandlers } from './tools/built-in-handlers.ts'
import { fileBounds } from './tools/file-bounds.ts'
import { createResolvers } from './tools/resolvers/index.ts'

export interface ValidateOptions extends LoadOptions {
  /** Functions that `registry` handlers may name beside the built-in ones. */
  handlers?: ReadonlyMap<string, ToolHandler>
}

/** Loads a configuration and builds, without serving, everything it names: all faults of the file come back together. */
export async function validateConfig (options: ValidateOptions = {}): Promise<LoadedConfig> {
  return await checkEntries(await loadConfig(options), options)
}

/** Adds to the faults of a file those of its handlers, schemas and resource files. Only what has a fault itself has to wait for them. */
export async function checkEntries (loaded: LoadedConfig, { cwd = process.cwd(), handlers = new Map() }: ValidateOptions = {}): Promise<LoadedConfig> {
  const bounds = fileBounds({ baseDir: loaded.baseDir, cwd, handlerRoots: handlerRootsOf(loaded) ?? [] }, () => { /* the server says it when it serves */ })
  const resolvers = createResolvers({ bounds, handlers: withBuiltInHandlers(handlers) })
  const pipeline = new Pipeline({ maskHandlerErrors: false })
  try {
    const { faults } = await buildEntries(soundSources(loaded), { resolvers, pipeline, bounds, defaultTimeoutMs: 1_000, taskTimeoutMs: 1_000 })
    const merged = [...loaded.faults, ...located(faults, loaded)]
    return { ...loaded, faults: merged, config: merged.length === 0 ? loaded.config : undefined }
  } finally {
    await resolvers.close()
  }
}

/** Puts lines and columns to faults that were found after loading, in the order of the file. */
export function located (faults: readonly EntryFault[], loaded: LoadedConfig): Fault[] {
  return faults.map(({ path, message }) => ({ path, message: loaded.redactFault(message), ...loaded.locate(path) }))
    .sort((one, other) => (one.line ?? 0) - (other.line ?? 0))
}

/** What stands in for a part of an entry that is not there or has a fault, where the entry could not be built without. */
const standIns = {
  tools: { name: '', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'gantry.echo' } },
  prompts: { name: '', arguments: [], template: '' },
  resources: { name: '', content: '' }
} as const

/** The entries of a file, as far as they are sound, in their places. */
function soundSources (loaded: LoadedConfig): EntrySources {
  const faulty = faultyPlaces(loaded)
  const filesAreKnown = handlerRootsOf(loaded) !== undefined
  const soundOf = (section: keyof typeof standIns): object[] => elements(member(loaded.candidate, section)).map((entry, index) => {
    const sound = Object.entries(isObject(entry) ? entry : {}).map(([key, value]) => [key, key === 'inputSchema' ? withRootType(value) : value] as const)
      .filter(([key, value]) => !faulty.has(pathKey([section, index, key])) && (filesAreKnown || !namesFile(key, value)))
    return { ...standIns[section], ...Object.fromEntries(sound) }
  })
  // Each part was accepted by its schema, or a part that is stands in for it.
  return { tools: soundOf('tools'), prompts: soundOf('prompts'), resources: soundOf('resources') } as unknown as EntrySources
}

/** The parts of entries that have a fault in them. */
function faultyPlaces ({ faults }: LoadedConfig): ReadonlySet<string> {
  const inside = faults.filter(({ path: [, , part, key] }) => !(part === 'inputSchema' && key === 'type'))
  return new Set(inside.map(({ path }) => pathKey(path.slice(0, 3))))
}

/** The rest of a schema can be checked without the type that its root lacks. */
function withRootType (schema: unknown): unknown {
  return isObject(schema) ? { ...schema, type: 'object' } : schema
}

function namesFile (key: string, value: unknown): boolean {
  return key === 'file' || (key === 'handler' && member(value, 'type') === 'file')
}

/** Where files may be; undefined when that cannot be told. */
function handlerRootsOf ({ candidate, faults }: LoadedConfig): readonly string[] | undefined {
  const isFaulty = faults.some(({ path: [section, key] }: { path: Path }) => section === 'server' && (key === undefined || key === 'handlerRoots'))
  return isFaulty ? undefined : (candidate as { server?: { handlerRoots?: string[] } } | undefined)?.server?.handlerRoots
}
