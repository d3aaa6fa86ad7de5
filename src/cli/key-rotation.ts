import { didYouMean } from '../config/suggestion.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import { createEntry, type NewKey } from './key-entry.ts'
import type { FiledKey } from './key-file.ts'
import { isAlive } from './key-review.ts'
import { momentText } from './moments.ts'

export interface RotationWish {
  name: string
  /** When the new key ends: "90d", a date, or "never". */
  expires: string | undefined
  /** How long the old key goes on. */
  graceMs: number
}

/** A new key beside the old ones of its name, and when these are to end. */
export interface Rotation {
  readonly made: NewKey
  /** What the new entry lacks, because the old one has it from placeholders. */
  readonly toCopy: readonly string[]
  readonly old: readonly OldKey[]
}

export interface OldKey {
  readonly line: number | undefined
  readonly expiresAt: string
  /** Whether the entry has this end, or an earlier one, already. */
  readonly endsAnyway: boolean
}

const copied = ['permissions', 'tier', 'rateLimit'] as const

/** Makes the key that is to take the place of those of a name. */
export function rotate ({ name, expires, graceMs }: RotationWish, keys: readonly FiledKey[], salt: string, nowMs: number): Rotation | { problems: string[] } {
  const named = keys.filter(({ entry }) => entry.name === name)
  const alive = named.filter((key) => isAlive(key, nowMs))
  const newest = newestOf(alive)
  if (newest === undefined) return { problems: [absence(name, named.length > 0, keys)] }
  if (expires === undefined && newest.entry.expiresAt !== undefined) {
    return { problems: ['The old key has an end, so the new one needs one too: --expires 90d, or --expires never.'] }
  }
  const made = createEntry({ name, expires, ...shown(newest) }, salt, nowMs)
  if ('problems' in made) return made
  const graceEnds = momentText(nowMs + graceMs)
  return {
    made,
    toCopy: copied.filter((key) => newest.hidden.has(key)),
    old: alive.map(({ line, entry: { expiresAt } }) => {
      const endsAnyway = expiresAt !== undefined && Date.parse(expiresAt) <= nowMs + graceMs
      return { line, expiresAt: endsAnyway ? expiresAt : graceEnds, endsAnyway }
    })
  }
}

/** What the new entry has of the old one. */
function shown ({ entry, hidden }: FiledKey): Pick<ApiKey, 'tier' | 'rateLimit'> & Partial<Pick<ApiKey, 'permissions'>> {
  return Object.fromEntries(copied.filter((key) => !hidden.has(key)).map((key) => [key, entry[key]]))
}

function newestOf (keys: readonly FiledKey[]): FiledKey | undefined {
  const madeMs = ({ entry: { createdAt } }: FiledKey): number => createdAt === undefined ? -Infinity : Date.parse(createdAt)
  return keys.reduce<FiledKey | undefined>((newest, key) => newest === undefined || madeMs(key) >= madeMs(newest) ? key : newest, undefined)
}

function absence (name: string, isDead: boolean, keys: readonly FiledKey[]): string {
  if (isDead) return `No key of "${name}" is accepted any more, so there is none to take the place of. "gantry keygen --name ${name}" makes a new one.`
  const names = keys.filter(({ hidden }) => !hidden.has('name')).map((key) => key.entry.name)
  const { suggestion } = didYouMean(name, names)
  return `There is no key of the name "${name}".${suggestion === undefined ? '' : ` ${suggestion}`}`
}
