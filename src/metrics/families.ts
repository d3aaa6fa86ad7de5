import type { Durations } from '../core/durations.ts'
import { outcomes } from '../core/outcome.ts'
import { deviations, type DeviationName } from '../core/tolerance.ts'
import type { MetricSources } from './sources.ts'

export type Labels = Readonly<Record<string, string>>
/** One series as it is now. */
export type Reading = readonly [labels: Labels, value: number | Durations]

/** One metric with all its series. */
export interface Family {
  /** As Prometheus has it: with its unit, and `_total` behind what only grows. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
  /** Asks who knows; waits for nobody. */
  read (sources: MetricSources): Iterable<Reading>
}

/** All metrics of this server, beside those of its process. No label has a value that a client could invent. */
export const families: readonly Family[] = [
  {
    name: 'mcp_request_duration_seconds',
    type: 'histogram',
    labels: ['method', 'route', 'status_code'],
    help: 'Duration of HTTP requests in seconds, until their answer was out',
    read: ({ meter }) => meter.requests.map(({ method, route, status, durations }) => [{ method, route, status_code: String(status) }, durations])
  },
  {
    name: 'mcp_tool_executions_total',
    type: 'counter',
    labels: ['tool', 'status'],
    help: 'Total number of tool executions',
    * read ({ meter }) {
      for (const [tool, counts] of meter.tools) for (const status of outcomes) yield [{ tool, status }, counts.outcomes[status]]
    }
  },
  {
    name: 'mcp_tool_duration_seconds',
    type: 'histogram',
    labels: ['tool'],
    help: 'Duration of tool executions in seconds, with the time in which they waited',
    read: ({ meter }) => [...meter.tools].map(([tool, { durations }]) => [{ tool }, durations])
  },
  {
    name: 'mcp_tool_calls_in_flight',
    type: 'gauge',
    labels: ['tool'],
    help: 'Calls of a tool that have no outcome yet',
    read: ({ meter }) => [...meter.tools].map(([tool, { running }]) => [{ tool }, running])
  },
  {
    name: 'mcp_tool_queue_length',
    type: 'gauge',
    labels: ['tool'],
    help: 'Calls that wait for a place, of tools with maxConcurrent',
    read: (sources) => queues(sources).map(({ tool, waiting }) => [{ tool }, waiting])
  },
  {
    name: 'mcp_tool_places_taken',
    type: 'gauge',
    labels: ['tool'],
    help: 'Handlers that run, of tools with maxConcurrent',
    read: (sources) => queues(sources).map(({ tool, running }) => [{ tool }, running])
  },
  {
    name: 'mcp_tool_queue_refusals_total',
    type: 'counter',
    labels: ['tool'],
    help: 'Calls that found the queue of their tool full',
    read: (sources) => queues(sources).map(({ tool, refused }) => [{ tool }, refused])
  },
  {
    name: 'mcp_handler_threads',
    type: 'gauge',
    labels: ['state'],
    help: 'Calls in threads for handlers (running), and those that wait for a thread (waiting)',
    read: ({ threads }) => total(threads(), ['running', 'waiting'])
  },
  {
    name: 'mcp_refusals_total',
    type: 'counter',
    labels: ['code'],
    help: 'HTTP requests that were refused before a method or a tool had them, by the code of their error',
    read: ({ meter }) => [...meter.refusals].map(([code, count]) => [{ code }, count])
  },
  {
    name: 'mcp_authentication_failures_total',
    type: 'counter',
    labels: ['reason'],
    help: 'HTTP requests whose caller was not let in',
    read: ({ meter }) => [...meter.authenticationFailures].map(([reason, count]) => [{ reason }, count])
  },
  {
    name: 'mcp_rate_limit_refusals_total',
    type: 'counter',
    labels: ['limit'],
    help: 'Requests that a rate limit refused, by the kind of limit',
    read: ({ rateLimits }) => [...rateLimits?.refused ?? []].map(([limit, count]) => [{ limit }, count])
  },
  {
    name: 'mcp_rate_limit_store_failures_total',
    type: 'counter',
    labels: ['decision'],
    help: 'Requests whose limits could not be counted in Redis: served all the same (open) or refused (closed)',
    read: ({ rateLimits }) => rateLimits === undefined ? [] : Object.entries(rateLimits.failures).map(([decision, count]) => [{ decision }, count])
  },
  {
    name: 'mcp_sessions',
    type: 'gauge',
    labels: [],
    help: 'Sessions that this process keeps; those in Redis are not counted',
    read: ({ sessions, sseSessions }) => one((sessions ?? sseSessions)?.size)
  },
  {
    name: 'mcp_streams',
    type: 'gauge',
    labels: [],
    help: 'Streams that wait for news',
    read: ({ core }) => one(core.streamSlots.size)
  },
  {
    name: 'mcp_subscriptions',
    type: 'gauge',
    labels: [],
    help: 'Open subscriptions/listen requests',
    read: ({ core }) => one(core.subscriptions.size)
  },
  {
    name: 'mcp_tasks_running',
    type: 'gauge',
    labels: [],
    help: 'Tasks whose handlers run in this process',
    read: ({ tasks }) => one(tasks.size)
  },
  {
    name: 'mcp_cache_results_total',
    type: 'counter',
    labels: ['tool', 'result'],
    help: 'Calls of tools whose results are kept, by how they were answered',
    * read ({ cache }) {
      for (const [tool, { hits, misses, stale, coalesced }] of cache?.counts ?? []) {
        yield [{ tool, result: 'hit' }, hits]
        yield [{ tool, result: 'miss' }, misses]
        yield [{ tool, result: 'stale' }, stale]
        yield [{ tool, result: 'coalesced' }, coalesced]
      }
    }
  },
  {
    name: 'mcp_cache_store_errors_total',
    type: 'counter',
    labels: ['tool'],
    help: 'Calls for which the store of kept results could not be asked, or could not be read',
    read: ({ cache }) => [...cache?.counts ?? []].map(([tool, { errors }]) => [{ tool }, errors])
  },
  {
    name: 'mcp_upstreams',
    type: 'gauge',
    labels: ['circuit'],
    help: 'Origins that http handlers have called, by the state of their circuit',
    read: ({ upstreams }) => {
      const states = upstreams()
      return circuits.map((circuit) => [{ circuit }, states.filter((state) => state.circuit === circuit).length])
    }
  },
  {
    name: 'mcp_upstream_requests',
    type: 'gauge',
    labels: ['state'],
    help: 'Requests of http handlers that are under way (running), or wait for their turn (waiting)',
    read: ({ upstreams }) => total(upstreams(), ['running', 'waiting'])
  },
  {
    name: 'mcp_redis_up',
    type: 'gauge',
    labels: [],
    help: 'Whether all connections to Redis are there (1) or not (0)',
    read: ({ redis }) => one(redis === undefined ? undefined : Number(redis.available))
  },
  {
    name: 'mcp_database_up',
    type: 'gauge',
    labels: ['database'],
    help: 'Whether a database could be reached when it was last needed (1) or not (0)',
    read: ({ databases }) => [...databases].map(([database, { available }]) => [{ database }, Number(available)])
  },
  {
    name: 'mcp_database_connections',
    type: 'gauge',
    labels: ['database', 'state'],
    help: 'Connections of the pool of a database: in use (used) or not (idle)',
    * read ({ databases }) {
      for (const [database, { counts: { open, idle } }] of databases) {
        yield [{ database, state: 'used' }, open - idle]
        yield [{ database, state: 'idle' }, idle]
      }
    }
  },
  {
    name: 'mcp_database_statements',
    type: 'gauge',
    labels: ['database', 'state'],
    help: 'Statements that run on a database (running), or wait for a connection (waiting)',
    * read ({ databases }) {
      for (const [database, { counts: { running, waiting } }] of databases) {
        yield [{ database, state: 'running' }, running]
        yield [{ database, state: 'waiting' }, waiting]
      }
    }
  },
  {
    name: 'mcp_audit_lost_total',
    type: 'counter',
    labels: ['what'],
    help: 'Lines that are missing in the audit log (lines), and calls that were refused because they could not be recorded (calls)',
    read: ({ auditMissing }) => auditMissing === undefined ? [] : [[{ what: 'lines' }, auditMissing.dropped], [{ what: 'calls' }, auditMissing.refused]]
  },
  {
    name: 'mcp_tolerated_deviations_total',
    type: 'counter',
    labels: ['deviation'],
    help: 'Requests of clients that deviate from the protocol and were served all the same',
    read: ({ core }) => {
      const byClient = [...core.tolerated.values()]
      return (Object.keys(deviations) as DeviationName[]).map((deviation) => [{ deviation }, byClient.reduce((sum, counts) => sum + (counts.get(deviation) ?? 0), 0)])
    }
  },
  {
    name: 'mcp_overloaded',
    type: 'gauge',
    labels: [],
    help: 'Whether work is refused because the process is overloaded (1) or not (0)',
    read: ({ isOverloaded }) => one(Number(isOverloaded()))
  }
]

const circuits = ['closed', 'open', 'half-open'] as const

/** The series of a metric without labels, where there is one. */
function one (value: number | undefined): Reading[] {
  return value === undefined ? [] : [[{}, value]]
}

function queues ({ core }: MetricSources): { tool: string, running: number, waiting: number, refused: number }[] {
  return core.tools.list.flatMap(({ target: { name, slots } }) => slots === undefined ? [] : [{ tool: name, running: slots.running, waiting: slots.waiting, refused: slots.refused }])
}

function total <State extends string> (items: readonly Readonly<Record<State, number>>[], states: readonly State[]): Reading[] {
  return states.map((state) => [{ state }, items.reduce((sum, item) => sum + item[state], 0)])
}
