import type { Clock } from '../core/ports.ts'
import { hasEnded, isExpired, sizeOf, type TaskRecord, type TaskStore } from '../core/tasks/record.ts'
import { isCounted } from './session-record.ts'
import type { TaskBounds } from './task-bounds.ts'

export interface TaskMemoryOptions extends TaskBounds { clock: Clock }

interface Slot { record: TaskRecord, bytes: number }

const sweepMs = 30_000

/** Tasks in this process. A full store refuses new ones and keeps those it has. */
export function createTaskMemory ({ maxTasks, maxTasksPerPrincipal, maxTotalBytes, clock }: TaskMemoryOptions): TaskStore {
  const slots = new Map<string, Slot>()
  const counts = new Map<string, number>()
  let total = 0
  const sweeper = setInterval(sweep, sweepMs)
  sweeper.unref()

  function sweep (): void {
    const now = clock.now()
    for (const slot of slots.values()) if (isExpired(slot.record, now)) remove(slot)
  }

  function remove ({ record: { id, principal }, bytes }: Slot): void {
    slots.delete(id)
    total -= bytes
    const left = countOf(principal) - 1
    if (left === 0) counts.delete(principal)
    else counts.set(principal, left)
  }

  function countOf (principal: string): number {
    return counts.get(principal) ?? 0
  }

  function isFull (principal: string, bytes: number): boolean {
    return slots.size >= maxTasks || total + bytes > maxTotalBytes || (isCounted(principal) && countOf(principal) >= maxTasksPerPrincipal)
  }

  function find (id: string): Slot | undefined {
    const slot = slots.get(id)
    if (slot === undefined || !isExpired(slot.record, clock.now())) return slot
    remove(slot)
    return undefined
  }

  return {
    create (record) {
      const bytes = sizeOf(record)
      const { principal } = record
      if (isFull(principal, bytes)) sweep()
      if (isFull(principal, bytes)) return false
      slots.set(record.id, { record, bytes })
      counts.set(principal, countOf(principal) + 1)
      total += bytes
      return true
    },
    get (id) { return find(id)?.record },
    update (record) {
      const slot = find(record.id)
      if (slot === undefined) return 'gone'
      if (hasEnded(slot.record)) return 'ended'
      const growth = sizeOf(record) - slot.bytes
      if (growth > 0 && total + growth > maxTotalBytes) sweep()
      if (growth > 0 && total + growth > maxTotalBytes) return 'full'
      slot.record = record
      slot.bytes += growth
      total += growth
      return 'kept'
    },
    renew () { /* The only instance is this one. */ },
    close () {
      clearInterval(sweeper)
      slots.clear()
      counts.clear()
      total = 0
    }
  }
}
