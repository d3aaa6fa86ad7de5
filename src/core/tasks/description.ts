import type { JsonObject } from '../ports.ts'
import type { TaskRecord } from './record.ts'

/** How a task is told to its client. SEP-2663. */

/** What every form of a task has: `Task`. */
export function factsOf ({ id, status, statusMessage, createdAt, updatedAt, ttlMs, pollIntervalMs }: TaskRecord): object {
  return {
    taskId: id,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs,
    pollIntervalMs
  }
}

/** With what belongs to its status: `DetailedTask`. */
export function detailsOf (record: TaskRecord): JsonObject {
  return JSON.parse(withPayload(JSON.stringify(factsOf(record)), record)) as JsonObject
}

/** Adds to the JSON text of an object what belongs to the status of a task. It is kept as JSON text and goes out as it is. */
export function withPayload (text: string, { status, inputs, outcome }: TaskRecord): string {
  switch (status) {
    case 'input_required': return withMember(text, 'inputRequests', inputs)
    case 'completed': return withMember(text, 'result', outcome)
    case 'failed': return withMember(text, 'error', outcome)
    case 'working':
    case 'cancelled': return text
  }
}

function withMember (text: string, key: string, value: string | undefined): string {
  return value === undefined ? text : `${text.slice(0, -1)},"${key}":${value}}`
}
