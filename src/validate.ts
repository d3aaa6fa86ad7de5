import { Pipeline } from './core/pipeline.ts'
import type { ToolHandler } from './core/ports.ts'
import { loadConfig, type Fault, type LoadedConfig, type LoadOptions, type Path } from './config/load.ts'
import { pathKey } from './config/fault.ts'
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

/** Adds to the faults of a file those of its handlers and schemas, as far as the entries they belong to could be read. */
export async function checkEntries (loaded: LoadedConfig, { cwd = process.cwd(), handlers = new Map() }: ValidateOptions = {}): Promise<LoadedConfig> {
  const sections = ['tools', 'prompts', 'resources'] as const
  const sound = sections.map((section) => soundEntries(loaded, section))
  const bounds = fileBounds({ baseDir: loaded.baseDir, cwd, handlerRoots: handlerRootsOf(loaded) }, () => { /* the server says it when it serves */ })
  const resolvers = createResolvers({ bounds, handlers: withBuiltInHandlers(handlers) })
  const pipeline = new Pipeline({ maskHandlerErrors: false })
  try {
    const [tools = [], prompts = [], resources = []] = sound.map((entries) => entries.map(({ entry }) => entry))
    // `soundEntries` lets through only what the schema of its section accepted.
    const { faults } = await buildEntries({ tools, prompts, resources } as unknown as EntrySources, { resolvers, pipeline, bounds, defaultTimeoutMs: 1_000, taskTimeoutMs: 1_000 })
    const found = faults.map(({ path: [section, index, ...rest], message }): EntryFault => {
      const origin = sound[sections.indexOf(section as typeof sections[number])]?.[index as number]?.index ?? 0
      return { path: [section ?? '', origin, ...rest], message }
    })
    const merged = [...loaded.faults, ...located(found, loaded)]
    return { ...loaded, faults: merged, config: merged.length === 0 ? loaded.config : undefined }
  } finally {
    await resolvers.close()
  }
}

/** Puts lines and columns to faults that were found after loading, in the order of the file. */
export function located (faults: readonly EntryFault[], loaded: LoadedConfig): Fault[] {
  return faults.map(({ path, message }) => ({ path, message, ...loaded.locate(path) }))
    .sort((one, other) => (one.line ?? 0) - (other.line ?? 0))
}

function soundEntries ({ candidate, faults }: LoadedConfig, section: string): { entry: unknown, index: number }[] {
  const list = candidate !== null && typeof candidate === 'object' ? (candidate as Record<string, unknown>)[section] : undefined
  if (!Array.isArray(list)) return []
  const faulty = new Set(faults.map(({ path }) => pathKey(path.slice(0, 2))))
  return list.flatMap((entry: unknown, index) => faulty.has(pathKey([section, index])) ? [] : [{ entry, index }])
}

function handlerRootsOf ({ candidate, faults }: LoadedConfig): readonly string[] {
  const faulty = faults.some(({ path }: { path: Path }) => path[0] === 'server')
  const server = (candidate as { server?: { handlerRoots?: string[] } } | undefined)?.server
  return (faulty ? undefined : server?.handlerRoots) ?? ['.']
}
