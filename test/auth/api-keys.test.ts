import t from 'tap'
import { ApiKeys } from '../../src/auth/api-keys.ts'
import { createKeyDigest } from '../../src/auth/key-digest.ts'
import type { ApiKey } from '../../schemas/config/security.ts'

const digest = createKeyDigest('salt')
const clock = { time: Date.parse('2026-06-01T12:00:00Z'), now () { return this.time } }
const keyOf = (changes: Partial<ApiKey>): ApiKey => ({ name: 'a', permissions: [], enabled: true, ...changes })
const storeOf = (keys: readonly Partial<ApiKey>[]): ApiKeys => new ApiKeys({ keys: keys.map(keyOf), sharedPermissions: ['tools:list'], digest, clock })

t.test('a key is found by its text or its digest in either letter case, and says who holds it', async (t) => {
  const hash = digest('second').toString('hex')
  const keys = storeOf([{ key: 'first', permissions: ['tools:*'], tier: 'gold' }, { name: 'b', keyHash: hash, expiresAt: '2027-01-01T00:00:00Z' }, { name: 'c', keyHash: digest('third').toString('hex').toUpperCase() }])
  t.strictSame(keys.find('first'), { kind: 'key', name: 'a', permissions: ['tools:list', 'tools:*'], tier: 'gold' })
  t.strictSame(keys.find('second'), { kind: 'key', name: 'b', permissions: ['tools:list'], tier: undefined, expiresAtMs: Date.parse('2027-01-01T00:00:00Z') })
  t.match(keys.find('third'), { name: 'c' })
  for (const other of ['', 'First', 'first ', hash, 'x'.repeat(100_000)]) t.equal(keys.find(other), undefined)
})

t.test('a key counts from its first moment on and until its last', async (t) => {
  const keys = storeOf([{ key: 'k', notBefore: '2026-06-01T12:00:00Z', expiresAt: '2026-06-01T13:00:00Z' }])
  const found = (text: string): boolean => { clock.time = Date.parse(text); return keys.find('k') !== undefined }
  t.strictSame(['2026-06-01T11:59:59.999Z', '2026-06-01T12:00:00Z', '2026-06-01T12:59:59.999Z', '2026-06-01T13:00:00Z'].map(found), [false, true, true, false])
})

t.test('a hundred thousand keys cost no more to look through than one', async (t) => {
  const many = storeOf(Array.from({ length: 100_000 }, (_, index) => ({ name: `n${index}`, keyHash: digest(nth(index)).toString('hex') })))
  const one = storeOf([{ key: nth(99_999) }])
  t.match(many.find(nth(99_999)), { name: 'n99999' })
  await sameTime(t, 'the last of many, and the only one', [() => many.find(nth(99_999)), () => one.find(nth(99_999))], 3)
  await sameTime(t, 'the first of many and the last', [() => many.find(nth(0)), () => many.find(nth(99_999))], 2)
  await sameTime(t, 'none of many, and not the only one', [() => many.find(nth(100_000)), () => one.find(nth(100_000))], 2)
})

t.test('how near a guess comes does not show in the time that it takes', async (t) => {
  const real = 'k'.repeat(500)
  const keys = storeOf([{ key: real }, ...Array.from({ length: 1_000 }, (_, index) => ({ name: `n${index}`, key: nth(index) }))])
  const [far, near] = [`x${real.slice(1)}`, `${real.slice(0, -1)}x`]
  await sameTime(t, 'a guess that is wrong at once, and one that is wrong at the end', [() => keys.find(far), () => keys.find(near)], 1.3)
  // Once it was found, the right one is quicker than all guesses: that it is right, its answer says too.
  keys.find(real)
  await sameTime(t, 'the same guesses, when the right one was found before', [() => keys.find(far), () => keys.find(near)], 1.3)
})

function nth (index: number): string { return `key-${String(index).padStart(28, '0')}` }

const rounds = 120
const perRound = 100
const attempts = 5

/**
 * Compares how long two things take, by their quickest of many interleaved rounds: what else the machine does only makes rounds slower. A real
 * difference shows in each attempt.
 */
async function sameTime (t: { ok (value: unknown, message: string): unknown }, what: string, [one, other]: readonly [() => unknown, () => unknown], factor: number): Promise<void> {
  const ratios: number[] = []
  for (let attempt = 0; attempt < attempts; attempt++) {
    const quickest = [Infinity, Infinity]
    for (let round = 0; round < rounds; round++) {
      for (const [index, act] of [one, other].entries()) {
        const started = process.hrtime.bigint()
        for (let count = 0; count < perRound; count++) act()
        quickest[index] = Math.min(quickest[index] ?? Infinity, Number(process.hrtime.bigint() - started))
      }
    }
    const [first = 0, second = 0] = quickest
    const ratio = Math.max(first, second) / Math.min(first, second)
    ratios.push(ratio)
    if (ratio < factor) break
  }
  t.ok(Math.min(...ratios) < factor, `${what} take the same time (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`)
}
