import type { Database } from '../../core/database.ts'
import type { PoolState } from '../../core/handler-check.ts'
import type { HandlerOwner, Logger, ToolHandler } from '../../core/ports.ts'
import type { Handler } from '../../../schemas/handler.ts'
import type { UpstreamsSection } from '../../../schemas/config/server.ts'
import type { FileBounds } from '../allowed-file.ts'
import type { HandlerTrace } from '../containment/handler-trace.ts'
import type { UpstreamState } from '../http/upstreams.ts'
import { createFileResolver } from './file.ts'
import { createRegistryResolver } from './registry.ts'

/** All handler types of this build, and what they hold open. */
export interface Resolvers {
  /** Rejects with a HandlerLoadError, or with an AggregateError of several. */
  resolve (spec: Handler, owner: HandlerOwner): Promise<ToolHandler>
  /** How it goes with the APIs that `http` handlers have called. */
  upstreams (): UpstreamState[]
  /** How it goes with the threads that handlers run in, of each pool. */
  threads (): PoolState[]
  close (): Promise<void>
}

export interface ResolversOptions {
  bounds: FileBounds
  /** What the embedding program registered by name. */
  handlers: ReadonlyMap<string, ToolHandler>
  /** Of a program that answers for what handlers leave running. */
  trace?: HandlerTrace | undefined
  /** Told of what handlers in threads of their own leave running. */
  logger?: Logger
  /** How `http` handlers reach their APIs; without it, by the defaults. */
  upstreams?: UpstreamsSection
  /** What `sql` handlers name; without it, they are checked and cannot be called. */
  databases?: ReadonlyMap<string, Database> | undefined
}

/** What only some configurations need is loaded when the first handler asks for it: it would double the time of a start. */
export function createResolvers ({ bounds, handlers, trace, logger, upstreams, databases }: ResolversOptions): Resolvers {
  const pools: (() => PoolState[])[] = []
  const isolation = once(async () => {
    const made = (await import('../isolated/index.ts')).createIsolation({ logger })
    pools.push(made.threads)
    return made
  })
  const file = createFileResolver({ bounds, trace, isolate: async (module, memoryLimitBytes, owner) => await (await isolation.get()).isolate(module, memoryLimitBytes, owner) })
  const registry = createRegistryResolver(handlers)
  const sandbox = once(async () => {
    const made = (await import('../sandbox/index.ts')).createSandbox({})
    pools.push(() => [made.threads()])
    return made
  })
  const inline = once(async () => (await import('./inline.ts')).createInlineResolver({ sandbox: await sandbox.get() }))
  const sql = once(async () => (await import('./sql.ts')).createSqlResolver({ databases }))
  let states = (): UpstreamState[] => []
  const http = once(async () => {
    const resolver = (await import('./http.ts')).createHttpResolver({ sandbox: await sandbox.get(), ...(upstreams !== undefined && { upstreams }) })
    states = resolver.upstreams
    return resolver
  })

  return {
    async resolve (spec, owner) {
      switch (spec.type) {
        case 'file': return await file.resolve(spec, owner)
        case 'inline': return await (await inline.get()).resolve(spec, owner)
        case 'http': return await (await http.get()).resolve(spec, owner)
        case 'registry': return await registry.resolve(spec, owner)
        case 'sql': return await (await sql.get()).resolve(spec, owner)
        default: return spec satisfies never
      }
    },
    upstreams: () => states(),
    threads: () => pools.flatMap((states) => states()),
    async close () {
      await (await http.made)?.close()
      await (await sandbox.made)?.close()
      await (await isolation.made)?.close()
    }
  }
}

interface Once<Value> {
  /** Makes the value, the first time. */
  get (): Promise<Value>
  /** The value if it was ever made. */
  readonly made: Promise<Value> | undefined
}

function once<Value> (make: () => Promise<Value>): Once<Value> {
  let made: Promise<Value> | undefined
  return {
    get () { return (made ??= make()) },
    get made () { return made }
  }
}
