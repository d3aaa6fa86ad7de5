import t from 'tap'
import { createKey } from '../../src/auth/key-format.ts'
import type { FiledKey } from '../../src/cli/key-file.ts'
import { reviewKeys, type KeyReview } from '../../src/cli/key-review.ts'
import { momentText } from '../../src/cli/moments.ts'
import type { ApiKey } from '../../schemas/config/security.ts'

const now = Date.parse('2026-06-15T12:00:00Z')
const dayMs = 86_400_000
const inDays = (days: number): string => momentText(now + days * dayMs)

function filed (entry: Partial<ApiKey> = {}, more: Partial<FiledKey> = {}): FiledKey {
  return { entry: { name: 'a', keyHash: 'ab'.repeat(32), permissions: [], enabled: true, ...entry }, line: 1, isPlain: false, hidden: new Set(), ...more }
}

function reviewOf (entry: Partial<ApiKey>, ...others: FiledKey[]): KeyReview {
  const [review] = reviewKeys([filed(entry), ...others], now)
  if (review === undefined) throw new Error('There is a key to review.')
  return review
}

t.test('age, end and state are told to the day', async (t) => {
  const rows: [entry: Partial<ApiKey>, expected: Partial<KeyReview>][] = [
    [{}, { state: 'active', ageDays: undefined, daysLeft: undefined, concerns: [] }],
    [{ createdAt: inDays(0) }, { state: 'active', ageDays: 0, concerns: [] }],
    [{ createdAt: inDays(-1) }, { ageDays: 1 }],
    [{ createdAt: inDays(-90) }, { ageDays: 90, concerns: [] }],
    [{ createdAt: inDays(-90.1) }, { ageDays: 90, concerns: ['old'] }],
    [{ createdAt: inDays(1) }, { ageDays: undefined, concerns: [] }],
    [{ expiresAt: inDays(14.1) }, { state: 'active', daysLeft: 15, concerns: [] }],
    [{ expiresAt: inDays(14) }, { state: 'active', daysLeft: 14, concerns: ['expires-soon'] }],
    [{ expiresAt: inDays(0.01) }, { state: 'active', daysLeft: 1, concerns: ['expires-soon'] }],
    [{ expiresAt: inDays(0) }, { state: 'expired', daysLeft: 0, concerns: ['expired'] }],
    [{ expiresAt: inDays(-40), createdAt: inDays(-400) }, { state: 'expired', daysLeft: 0, ageDays: 400, concerns: ['expired'] }],
    [{ expiresAt: inDays(3), createdAt: inDays(-91) }, { concerns: ['expires-soon', 'old'] }],
    [{ enabled: false, expiresAt: inDays(-3), createdAt: inDays(-91) }, { state: 'disabled', concerns: [] }],
    [{ notBefore: inDays(1) }, { state: 'not-yet-valid', concerns: [] }],
    [{ notBefore: inDays(0) }, { state: 'active' }],
    [{ notBefore: inDays(1), expiresAt: inDays(2) }, { state: 'not-yet-valid', concerns: ['expires-soon'] }]
  ]
  for (const [entry, expected] of rows) t.match(reviewOf(entry), expected, JSON.stringify(entry))
})

t.test('what comes from placeholders is not part of a review', async (t) => {
  const [review] = reviewKeys([filed({ name: 'secret', tier: 'secret', keyHash: 'cd'.repeat(32) }, { hidden: new Set(['name', 'tier', 'keyHash']) })], now)
  t.notMatch(JSON.stringify(review), /secret|cdcd/)
})

t.test('a key that was cut off is a concern, one of another form is none', async (t) => {
  const key = createKey()
  t.strictSame(reviewOf({ key }).concerns, [])
  t.strictSame(reviewOf({ key: key.slice(0, -3) }).concerns, ['mistyped'])
  t.strictSame(reviewOf({ key: 'of-another-form' }).concerns, [])
})

t.test('a key with an end whose successor is there concerns nobody until it has ended', async (t) => {
  const old = { createdAt: inDays(-100), expiresAt: inDays(7) }
  t.match(reviewOf(old), { concerns: ['expires-soon', 'old'], isReplaced: false })
  t.match(reviewOf(old, filed({ createdAt: inDays(0) })), { concerns: [], isReplaced: true })
  t.match(reviewOf(old, filed({ createdAt: inDays(-99), expiresAt: inDays(8) })), { concerns: [], isReplaced: true })
  t.match(reviewOf({ expiresAt: inDays(7) }, filed({ createdAt: inDays(-99) })), { concerns: [], isReplaced: true }, 'an unknown age is older than a known one')
  t.match(reviewOf({ ...old, expiresAt: inDays(-1) }, filed({ createdAt: inDays(-8) })), { state: 'expired', concerns: ['expired'] })
  for (const other of [{ name: 'b', createdAt: inDays(0) }, { createdAt: inDays(0), enabled: false }, { createdAt: inDays(-1), expiresAt: inDays(-0.5) }, { createdAt: inDays(0), expiresAt: inDays(7) }, { createdAt: inDays(-101) }, {}]) {
    t.match(reviewOf(old, filed(other)), { concerns: ['expires-soon', 'old'], isReplaced: false }, JSON.stringify(other))
  }
  t.match(reviewOf({ createdAt: inDays(-100) }, filed({ createdAt: inDays(0) })), { concerns: ['old'], isReplaced: false }, 'without an end it would go on for ever')
})
