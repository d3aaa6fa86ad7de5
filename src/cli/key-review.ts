import { isMistyped } from '../auth/key-format.ts'
import type { FiledKey } from './key-file.ts'
import { dayMs } from './moments.ts'

/** What is to say about the keys of a file at a moment. */

export type KeyState = 'active' | 'disabled' | 'expired' | 'not-yet-valid'

/** What someone should do something about. */
export type Concern = 'expired' | 'expires-soon' | 'old' | 'mistyped'

/** One key, with nothing in it that must not be shown. */
export interface KeyReview {
  /** Undefined where it is hidden, as with `tier`. */
  readonly name: string | undefined
  readonly tier: string | undefined
  /** What of the entry comes from placeholders. */
  readonly hidden: readonly string[]
  readonly line: number | undefined
  readonly state: KeyState
  readonly createdAt: string | undefined
  /** Whole days; undefined where the entry does not say when it was made. */
  readonly ageDays: number | undefined
  readonly expiresAt: string | undefined
  /** Days that have begun; undefined for a key without an end. */
  readonly daysLeft: number | undefined
  readonly concerns: readonly Concern[]
  /** Whether it has an end, and a newer key of the same name lasts longer. */
  readonly isReplaced: boolean
  /** Whether the key itself stands in the file. */
  readonly isPlain: boolean
}

export const soonDays = 14
export const oldDays = 90

export function reviewKeys (keys: readonly FiledKey[], nowMs: number): KeyReview[] {
  return keys.map((key) => review(key, keys, nowMs))
}

/** Whether a key is accepted now, or will be. */
export function isAlive ({ entry }: FiledKey, nowMs: number): boolean {
  return entry.enabled && nowMs < endMs(entry.expiresAt)
}

function review (key: FiledKey, all: readonly FiledKey[], nowMs: number): KeyReview {
  const { entry: { name, tier, createdAt, expiresAt }, line, hidden, isPlain } = key
  const state = stateOf(key, nowMs)
  const isReplaced = all.some((other) => replaces(other, key, nowMs))
  const ageMs = createdAt === undefined ? NaN : nowMs - Date.parse(createdAt)
  const leftMs = endMs(expiresAt) - nowMs
  return {
    name: hidden.has('name') ? undefined : name,
    tier: hidden.has('tier') ? undefined : tier,
    hidden: [...hidden],
    line,
    state,
    createdAt,
    ageDays: ageMs >= 0 ? Math.floor(ageMs / dayMs) : undefined,
    expiresAt,
    daysLeft: expiresAt === undefined ? undefined : Math.max(0, Math.ceil(leftMs / dayMs)),
    concerns: state === 'disabled' ? [] : concernsOf(key, state, { isReplaced, ageMs, leftMs }),
    isReplaced,
    isPlain
  }
}

function concernsOf ({ entry: { key = '' } }: FiledKey, state: KeyState, { isReplaced, ageMs, leftMs }: { isReplaced: boolean, ageMs: number, leftMs: number }): Concern[] {
  const mistyped: Concern[] = isMistyped(key) ? ['mistyped'] : []
  if (state === 'expired') return ['expired', ...mistyped]
  if (isReplaced) return mistyped
  return [...leftMs <= soonDays * dayMs ? ['expires-soon' as const] : [], ...ageMs > oldDays * dayMs ? ['old' as const] : [], ...mistyped]
}

function stateOf ({ entry: { enabled, notBefore, expiresAt } }: FiledKey, nowMs: number): KeyState {
  if (!enabled) return 'disabled'
  if (nowMs >= endMs(expiresAt)) return 'expired'
  return notBefore !== undefined && nowMs < Date.parse(notBefore) ? 'not-yet-valid' : 'active'
}

/** A newer key of the same name that goes on when this one has ended. */
function replaces (other: FiledKey, { entry }: FiledKey, nowMs: number): boolean {
  if (other.entry.name !== entry.name || !isAlive(other, nowMs)) return false
  const isNewer = Date.parse(other.entry.createdAt ?? '') > (entry.createdAt === undefined ? -Infinity : Date.parse(entry.createdAt))
  return isNewer && endMs(other.entry.expiresAt) > endMs(entry.expiresAt)
}

function endMs (expiresAt: string | undefined): number {
  return expiresAt === undefined ? Infinity : Date.parse(expiresAt)
}
