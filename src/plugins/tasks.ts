import fp from 'fastify-plugin'
import type { EventBus } from '../core/bus.ts'
import type { Clock, Logger } from '../core/ports.ts'
import { Tasks } from '../core/tasks/tasks.ts'
import type { RedisConnections } from '../stores/redis-client.ts'
import { createTaskMemory } from '../stores/task-memory.ts'
import { createTaskRedis } from '../stores/task-redis.ts'
import type { TasksSection } from '../../schemas/config/server.ts'

export interface TasksOptions {
  section: TasksSection
  /** Where all instances keep them; undefined where this process is by itself. */
  redis: RedisConnections | undefined
  bus: EventBus
  logger: Logger
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Calls that go on in the background. */
    tasks: Tasks
  }
}

/** Opens the store of tasks. When the app begins to close, tasks that still run are ended: they could take hours. */
export default fp<TasksOptions>(async function tasks (app, { section, redis, bus, logger, clock }) {
  const bounds = { maxTasks: section.maxTasks, maxTasksPerPrincipal: section.maxTasksPerPrincipal, maxTotalBytes: section.maxTotalSize }
  const store = redis === undefined ? createTaskMemory({ ...bounds, clock }) : createTaskRedis({ ...bounds, redis })
  const limits = { ttlMs: section.ttl, pollIntervalMs: section.pollInterval, maxDurationMs: section.maxDuration, maxResultBytes: section.maxResultSize }
  const running = new Tasks({ store, bus, clock, logger, limits })
  app.decorate('tasks', running)
  app.addHook('preClose', async function endTasks () { await running.close() })
  app.addHook('onClose', async function closeTasks () { await store.close() })
}, { name: 'tasks', fastify: '5.x', dependencies: ['bus'] })
