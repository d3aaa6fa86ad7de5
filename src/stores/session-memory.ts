import type { Clock } from '../core/ports.ts'
import type { SessionRecord, SessionStore } from '../core/session.ts'
import { isCounted, readSession, takeChanges, writeFixed, type SessionLimits } from './session-record.ts'

export interface SessionMemoryOptions extends SessionLimits { clock: Clock }

/** Records are kept as they are: reading them from text would cost each request more than all else that a session does. */
interface Slot { record: SessionRecord, lastUsed: number }

const sweepMs = 30_000
/** A store that is full looks for idle sessions once in this time, however many new ones come. */
const sweepPauseMs = 1_000

/** Sessions in this process. Idle ones end; a full store refuses new ones and keeps those it has. */
export function createSessionMemory ({ maxSessions, maxSessionsPerPrincipal, idleTimeoutMs, clock }: SessionMemoryOptions): SessionStore {
  const slots = new Map<string, Slot>()
  const counts = new Map<string, number>()
  let sweptAt = -Infinity
  const sweeper = setInterval(sweep, Math.max(1_000, Math.min(idleTimeoutMs / 2, sweepMs)))
  sweeper.unref()

  function sweep (): void {
    sweptAt = clock.now()
    for (const [id, slot] of slots) if (slot.lastUsed < sweptAt - idleTimeoutMs) remove(id, slot)
  }

  function remove (id: string, { record: { principal } }: Slot): void {
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
    get size () { return slots.size },
    create (given) {
      const { id, principal } = given
      // A copy: names and capabilities that were cut out of a request would keep all of it.
      const record = readSession(writeFixed(given), given)
      if (record === undefined) throw new Error(`The session ${id} cannot be read as it was written.`)
      if (isFull(principal) && clock.now() - sweptAt >= sweepPauseMs) sweep()
      if (isFull(principal)) return false
      slots.set(id, { record, lastUsed: clock.now() })
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
      return slot.record
    },
    update (record) {
      const slot = slots.get(record.id)
      takeChanges(record) // Refuses what is too much to be kept.
      if (slot === undefined || slot.record === record) return
      const { logLevel, subscriptions, streamId } = record
      Object.assign(slot.record, { logLevel, subscriptions, streamId })
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
