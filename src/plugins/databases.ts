import fp from 'fastify-plugin'
import type { Database } from '../core/database.ts'
import type { Clock, Logger } from '../core/ports.ts'
import type { DatabasesSection } from '../../schemas/config/storage.ts'

export interface DatabasesOptions {
  /** Undefined when no database is configured: then no client library is even loaded. */
  section: DatabasesSection | undefined
  /** Names the program to the databases. */
  serverName: string
  logger: Logger
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The databases of the configuration by name. Any of them may be away at any time. */
    databases: ReadonlyMap<string, Database>
  }
}

/** Gives the app its databases and closes them with it. Connections are made when statements need them. */
export default fp<DatabasesOptions>(async function databases (app, { section = {}, ...options }) {
  const opened = new Map<string, Database>()
  app.decorate('databases', opened)
  app.addHook('onClose', async function closeDatabases () { await Promise.all([...opened.values()].map((database) => database.close())) })
  for (const [name, database] of await open(section, options)) opened.set(name, database)
}, { name: 'databases', fastify: '5.x' })

async function open (section: DatabasesSection, options: Omit<DatabasesOptions, 'section'>): Promise<[string, Database][]> {
  const entries = Object.entries(section)
  if (entries.length === 0) return []
  const { openPostgres } = await import('../stores/postgres.ts')
  return entries.map(([name, settings]) => [name, openPostgres({ name, section: settings, ...options })])
}
