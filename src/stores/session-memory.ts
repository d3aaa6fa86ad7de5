import type { SessionRecord, SessionStore } from '../core/session.ts'
import type { Clock } from '../core/ports.ts'

export interface SessionMemoryOptions {
  maxSessions: number
  idleTimeoutMs: number
  clock: Clock
}

interface Slot { record: SessionRecord, lastUsed: number }

/** Sessions in this process. Idle ones end; a full store refuses new ones and keeps those it has. */
export function createSessionMemory ({ maxSessions, idleTimeoutMs, clock }: SessionMemoryOptions): SessionStore {
  const slots = new Map<string, Slot>()
  const sweeper = setInterval(sweep, Math.max(1_000, Math.min(idleTimeoutMs / 2, 30_000)))
  sweeper.unref()

  function sweep (): void {
    const oldest = clock.now() - idleTimeoutMs
    for (const [id, slot] of slots) if (slot.lastUsed < oldest) slots.delete(id)
  }

  return {
    create (record) {
      if (slots.size >= maxSessions) sweep()
      if (slots.size >= maxSessions) return false
      slots.set(record.id, { record, lastUsed: clock.now() })
      return true
    },
    get (id) {
      const slot = slots.get(id)
      if (slot === undefined) return undefined
      const now = clock.now()
      if (slot.lastUsed < now - idleTimeoutMs) {
        slots.delete(id)
        return undefined
      }
      slot.lastUsed = now
      return slot.record
    },
    update () { /* records are held by reference */ },
    delete: (id) => slots.delete(id),
    close () {
      clearInterval(sweeper)
      slots.clear()
    }
  }
}
