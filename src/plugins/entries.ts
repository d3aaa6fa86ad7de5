import fp from 'fastify-plugin'
import type { ToolEntry } from '../core/entries.ts'
import type { Logger, ToolHandler } from '../core/ports.ts'
import { buildEntries, type EntryFault, type EntrySources } from '../tools/build-entries.ts'
import { withBuiltInHandlers } from '../tools/built-in-handlers.ts'
import type { DefinedTool } from '../tools/define-tool.ts'
import { fileBounds } from '../tools/file-bounds.ts'
import { createResolvers } from '../tools/resolvers/index.ts'
import { buildToolEntry } from '../tools/tool-entry.ts'

export interface EntriesOptions {
  sources: EntrySources
  /** Tools that were defined in code. */
  definedTools: readonly DefinedTool[]
  /** What `registry` handlers may name beside the built-in functions. */
  handlers: ReadonlyMap<string, ToolHandler>
  baseDir: string
  cwd: string
  /** Directories, relative to baseDir, where handler modules and resource files may live. */
  handlerRoots: readonly string[]
  defaultTimeoutMs: number
  logger: Logger
}

/** Entries of the configuration that could not be built, all of them. */
export class EntryFaultsError extends Error {
  readonly faults: readonly EntryFault[]
  constructor (faults: readonly EntryFault[]) {
    super(faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
    this.faults = faults
  }

  override get name (): string { return 'EntryFaultsError' }
}

/** Fills the registries with what the configuration and the embedding program declare. Rejects with EntryFaultsError. */
export default fp<EntriesOptions>(async function entries (app, options) {
  const { pipeline, tools, prompts, resources, templates } = app.core
  const bounds = fileBounds(options, (path) => {
    options.logger.warn(`${path} was found relative to the working directory, not to the configuration file. Write it relative to the file.`)
  })
  const resolvers = createResolvers({ bounds, handlers: withBuiltInHandlers(options.handlers) })
  app.addHook('onClose', async function closeResolvers () { await resolvers.close() })

  const { defaultTimeoutMs } = options
  const built = await buildEntries(options.sources, { resolvers, pipeline, bounds, defaultTimeoutMs })
  if (built.faults.length > 0) {
    await resolvers.close()
    throw new EntryFaultsError(built.faults)
  }
  const defined = options.definedTools.map(({ description, handler, timeout }) => buildToolEntry({ description, handler, timeoutMs: timeout ?? defaultTimeoutMs }, pipeline))
  tools.replaceAll(named([...built.tools, ...defined]))
  prompts.replaceAll(built.prompts.map((entry) => [entry.description.name, entry]))
  resources.replaceAll(built.resources.map((entry) => [entry.description.uri, entry]))
  templates.replaceAll(built.templates.map((entry) => [entry.description.uriTemplate, entry]))
}, { name: 'entries', fastify: '5.x', dependencies: ['core'] })

function named (entries: readonly ToolEntry[]): [string, ToolEntry][] {
  const names = new Set<string>()
  for (const { description: { name } } of entries) {
    if (names.has(name)) throw new Error(`Two tools are called ${JSON.stringify(name)}: one in the configuration, one in code.`)
    names.add(name)
  }
  return entries.map((entry) => [entry.description.name, entry])
}
