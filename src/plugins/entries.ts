import fp from 'fastify-plugin'
import type { ResultCache } from '../core/cache/result-cache.ts'
import type { ToolEntry } from '../core/entries.ts'
import type { Core } from '../core/core.ts'
import type { Database } from '../core/database.ts'
import type { PoolState } from '../core/handler-check.ts'
import type { Change, Logger, ToolHandler } from '../core/ports.ts'
import type { UpstreamsSection } from '../../schemas/config/server.ts'
import { buildEntries, slotLimits, taskRule, type EntryFault, type EntrySources } from '../tools/build-entries.ts'
import { withBuiltInHandlers } from '../tools/built-in-handlers.ts'
import type { HandlerTrace } from '../tools/containment/handler-trace.ts'
import type { DefinedTool } from '../tools/define-tool.ts'
import { watchFiles, type FileWatch } from '../tools/file-watch.ts'
import { fileBounds } from '../tools/file-bounds.ts'
import type { UpstreamState } from '../tools/http/upstreams.ts'
import { createResolvers } from '../tools/resolvers/index.ts'
import { buildToolEntry } from '../tools/tool-entry.ts'

export interface EntriesOptions {
  sources: EntrySources
  /** Tools that were defined in code. */
  definedTools: readonly DefinedTool[]
  /** What `registry` handlers may name beside the built-in functions. */
  handlers: ReadonlyMap<string, ToolHandler>
  /** Of a program that answers for what handlers leave running. */
  trace: HandlerTrace | undefined
  baseDir: string
  cwd: string
  /** Directories, relative to baseDir, where handler modules and resource files may live. */
  handlerRoots: readonly string[]
  defaultTimeoutMs: number
  /** Milliseconds a task may take. */
  taskTimeoutMs: number
  /** Bytes that the result of a tool may have when it does not say. */
  maxResultBytes: number
  upstreams: UpstreamsSection
  /** What `sql` handlers name. */
  databases: ReadonlyMap<string, Database>
  /** How results are kept; undefined where they are not. */
  cache: ResultCache | undefined
  logger: Logger
}

declare module 'fastify' {
  interface FastifyInstance {
    /** How it goes with each API that `http` handlers have called. */
    upstreams: () => readonly UpstreamState[]
    /** How it goes with the threads that handlers run in. */
    threads: () => readonly PoolState[]
  }
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
  const resolvers = createResolvers({ bounds, handlers: withBuiltInHandlers(options.handlers), trace: options.trace, logger: options.logger, upstreams: options.upstreams, databases: options.databases })
  app.decorate('upstreams', () => resolvers.upstreams())
  app.decorate('threads', () => resolvers.threads())
  app.addHook('onClose', async function closeResolvers () { await resolvers.close() })

  const { defaultTimeoutMs, taskTimeoutMs, maxResultBytes, cache } = options
  const built = await buildEntries(options.sources, { resolvers, pipeline, bounds, defaultTimeoutMs, taskTimeoutMs, maxResultBytes, cache })
  if (built.faults.length > 0) {
    await resolvers.close()
    throw new EntryFaultsError(built.faults)
  }
  const defined = options.definedTools.map((tool) => buildToolEntry({
    description: tool.description,
    handler: tool.handler,
    timeoutMs: tool.timeout ?? defaultTimeoutMs,
    task: taskRule(tool, tool.timeout ?? taskTimeoutMs),
    maxResultBytes: tool.maxResultBytes ?? maxResultBytes,
    slots: slotLimits(tool),
    cache: cache?.ruleOf({ ...tool.description, ...tool }, { handlerOf: () => null, maxResultBytes: tool.maxResultBytes ?? maxResultBytes }),
    invalidates: tool.invalidates
  }, pipeline))
  tools.replaceAll(named([...built.tools, ...defined]))
  prompts.replaceAll(built.prompts.map((entry) => [entry.description.name, entry]))
  resources.replaceAll(built.resources.map((entry) => [entry.description.uri, entry]))
  templates.replaceAll(built.templates.map((entry) => [entry.description.uriTemplate, entry]))

  let watch: FileWatch | undefined
  app.addHook('onReady', async function announceChanges () {
    tellListChanges(app.core)
    watch = watchResources(app.core)
  })
  app.addHook('onClose', async function stopWatching () { watch?.close() })
}, { name: 'entries', fastify: '5.x', dependencies: ['core'] })

/** From when the server is ready on, what changes in a registry is news for clients. */
function tellListChanges (core: Core): void {
  core.tools.onChange(() => { tell(core, { kind: 'tools' }) })
  core.prompts.onChange(() => { tell(core, { kind: 'prompts' }) })
  core.resources.onChange(() => { tell(core, { kind: 'resources' }) })
  core.templates.onChange(() => { tell(core, { kind: 'resources' }) })
}

/** A resource that is a file changes with it. */
function watchResources (core: Core): FileWatch {
  const uris = new Map<string, string[]>()
  for (const { file, description: { uri } } of core.resources.list) if (file !== undefined) uris.set(file, [...uris.get(file) ?? [], uri])
  return watchFiles(uris.keys(), (file) => {
    for (const uri of uris.get(file) ?? []) tell(core, { kind: 'resource', uri })
  }, (directory, error) => {
    core.logger.warn({ err: error, directory }, 'This directory cannot be watched: clients are not told when its files change.')
  })
}

function tell (core: Core, change: Change): void {
  core.changes.announce(change).catch((error: unknown) => { core.logger.warn({ err: error }, 'A change could not be told to clients.') })
}

function named (entries: readonly ToolEntry[]): [string, ToolEntry][] {
  const names = new Set<string>()
  for (const { description: { name } } of entries) {
    if (names.has(name)) throw new Error(`Two tools are called ${JSON.stringify(name)}: one in the configuration, one in code.`)
    names.add(name)
  }
  return entries.map((entry) => [entry.description.name, entry])
}
