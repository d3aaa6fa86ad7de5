import type { Clock } from '../core/ports.ts'
import type { SessionStore } from '../core/session.ts'
import { isCounted, readRecord, writeRecord, type SessionLimits } from './session-record.ts'

export interface SessionMemoryOptions extends SessionLimits { clock: Clock }

interface Slot { text: string, principal: string, lastUsed: number }

const sweepMs = 30_000

/** Sessions in this process. Idle ones end; a full store refuses new ones and keeps those it has. */
export function createSessionMemory ({ maxSessions, maxSessionsPerPrincipal, idleTimeoutMs, clock }: SessionMemoryOptions): SessionStore {
  // Those used last stand last, so that the idle ones are found without a look at the others.
  const slots = new Map<string, Slot>()
  const counts = new Map<string, number>()
  const sweeper = setInterval(sweep, Math.max(1_000, Math.min(idleTimeoutMs / 2, sweepMs)))
  sweeper.unref()

  function sweep (): void {
    const oldest = clock.now() - idleTimeoutMs
    for (const [id, slot] of slots) {
      if (slot.lastUsed >= oldest) return
      remove(id, slot)
    }
  }

  function remove (id: string, { principal }: Slot): void {
    slots.delete(id)
    if (!isCounted(principal)) return
    const left = countOf(principal) - 1
    if (left === 0) counts.delete(principal)
    else counts.set(principal, left)
  }

  function countOf (principal: string): number {
    return counts.get(principal) ?? 0
  }

  function isFull (principal: string): boolean {
    return slots.size >= maxSessions || countOf(principal) >= maxSessionsPerPrincipal
  }

  return {
    create (record) {
      const { id, principal } = record
      const text = writeRecord(record)
      if (isFull(principal)) sweep()
      if (isFull(principal)) return false
      slots.set(id, { text, principal, lastUsed: clock.now() })
      if (isCounted(principal)) counts.set(principal, countOf(principal) + 1)
      return true
    },
    get (id) {
      const slot = slots.get(id)
      if (slot === undefined) return undefined
      const now = clock.now()
      if (slot.lastUsed < now - idleTimeoutMs) {
        remove(id, slot)
        return undefined
      }
      slot.lastUsed = now
      slots.delete(id)
      slots.set(id, slot)
      return readRecord(slot.text)
    },
    update (record) {
      const slot = slots.get(record.id)
      if (slot !== undefined) slot.text = writeRecord(record)
    },
    delete (id) {
      const slot = slots.get(id)
      if (slot === undefined) return false
      remove(id, slot)
      return true
    },
    close () {
      clearInterval(sweeper)
      slots.clear()
      counts.clear()
    }
  }
}
