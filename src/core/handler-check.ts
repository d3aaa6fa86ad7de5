import type { Registries } from './entries.ts'
import type { Check } from './health.ts'
import type { Clock } from './ports.ts'

/** How it goes with the threads of one pool. */
export interface PoolState {
  readonly running: number
  readonly waiting: number
  /** Whether no more requests may wait. */
  readonly isFull: boolean
  /** Threads in a row that ended before they could work. */
  readonly failedStarts: number
}

export interface HandlerCheckOptions {
  registries: Registries
  pools: () => readonly PoolState[]
  clock: Clock
}

/** So many threads in a row that could not start are no accident. */
const maxFailedStarts = 3
/** Afterwards calls have to come again, or nobody would see that threads start. */
const brokenMs = 30_000

/** Makes the check whether handlers can run. A full queue refuses calls of its own tool only, and is no reason to send the others away. */
export function createHandlerCheck ({ registries: { tools, prompts, resources, templates }, pools, clock }: HandlerCheckOptions): Check {
  let known = 0
  let failedAt = -Infinity
  return function checkHandlers () {
    const states = pools()
    const failedStarts = sum(states, (pool) => pool.failedStarts)
    if (failedStarts > known) failedAt = clock.now()
    known = failedStarts
    const slots = tools.list.flatMap(({ description: { name }, target }) => target.slots === undefined ? [] : [{ name, slots: target.slots }])
    const full = slots.filter((tool) => tool.slots.isFull).map(({ name }) => name)
    const facts = {
      tools: tools.size,
      prompts: prompts.size,
      resources: resources.size + templates.size,
      queues: { running: sum(slots, (tool) => tool.slots.running), waiting: sum(slots, (tool) => tool.slots.waiting), refused: sum(slots, (tool) => tool.slots.refused) },
      threads: { running: sum(states, (pool) => pool.running), waiting: sum(states, (pool) => pool.waiting), failedStarts }
    }
    if (states.some((pool) => pool.failedStarts >= maxFailedStarts)) {
      return { status: clock.now() - failedAt < brokenMs ? 'unhealthy' : 'degraded', message: 'Threads for handlers do not start.', facts }
    }
    if (full.length > 0) return { status: 'degraded', message: `No more calls may wait for ${shortList(full)}.`, facts }
    if (states.some((pool) => pool.isFull)) return { status: 'degraded', message: 'No more calls may wait for a thread.', facts }
    return { status: 'healthy', facts }
  }
}

const maxNames = 10

/** The first names of a list that may be long. */
export function shortList (names: readonly string[]): string {
  const rest = names.length - maxNames
  return names.slice(0, maxNames).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

export function sum<Item> (items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0)
}
