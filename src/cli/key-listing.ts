import { escapeHidden } from '../config/hidden-characters.ts'
import { oldDays, soonDays, type Concern, type KeyReview, type KeyState } from './key-review.ts'

/** What `gantry keys list` says. */

const stateNames: Readonly<Record<KeyState, string>> = { active: 'active', disabled: 'disabled', expired: 'expired', 'not-yet-valid': 'not valid yet' }
const concernNames: Readonly<Record<Concern, string>> = {
  expired: 'to be removed',
  'expires-soon': `expires within ${soonDays} days`,
  old: `older than ${oldDays} days`,
  mistyped: 'mistyped, so that nobody has it'
}
const placeholder = '(placeholder)'

export function listForPeople (reviews: readonly KeyReview[]): string {
  if (reviews.length === 0) return 'There are no keys in this file.\n'
  const due = dueOf(reviews)
  const verdict = due === 0 ? 'No key needs attention.' : `${due} of ${reviews.length} ${due === 1 ? 'needs' : 'need'} attention.`
  return `${table([['NAME', 'TIER', 'CREATED', 'AGE', 'EXPIRES', 'LINE', 'STATE'], ...reviews.map(row)])}\n\n${verdict}\n`
}

/** One JSON document; null where something is not known, or comes from a placeholder. */
export function listForPrograms (file: string, reviews: readonly KeyReview[]): string {
  return `${JSON.stringify({ file, due: dueOf(reviews), keys: reviews }, (_key, value: unknown) => value ?? null, 2)}\n`
}

/** How many keys someone should do something about. */
export function dueOf (reviews: readonly KeyReview[]): number {
  return reviews.filter(({ concerns }) => concerns.length > 0).length
}

function row ({ name, tier, hidden, createdAt, ageDays, expiresAt, line, state, concerns, isReplaced, isPlain }: KeyReview): string[] {
  const remarks = [stateNames[state], ...concerns.map((concern) => concernNames[concern]), ...isReplaced ? ['being replaced'] : [], ...isPlain ? ['plain text'] : []]
  return [shown(name) ?? placeholder, hidden.includes('tier') ? placeholder : shown(tier) ?? '-', createdAt?.slice(0, 10) ?? 'unknown', ageDays === undefined ? 'unknown' : `${ageDays} d`, expiresAt?.slice(0, 10) ?? 'never', String(line ?? '-'), remarks.join(', ')]
}

/** A name may hold what a terminal would act on. */
function shown (text: string | undefined): string | undefined {
  return text === undefined ? undefined : escapeHidden(text)
}

function table (rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? []
  return rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}
