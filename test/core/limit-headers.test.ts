import t from 'tap'
import { legacyLimitHeaders, limitHeaders } from '../../src/core/limit-headers.ts'
import type { Standing } from '../../src/core/counters.ts'
import { createLimit, type Limit, type LimitName } from '../../src/core/limit.ts'

const modes = { global: 'open', perTool: 'closed', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' } as const

function standing (name: LimitName, who: string, window: number, maxRequests: number, remaining: number, resetMs: number): Standing<Limit> {
  return { counter: createLimit(name, who, { window, maxRequests }, modes), remaining, resetMs, waitMs: 0 }
}

t.test('the headers name each limit, its quota and its window, and what is left for how long', async (t) => {
  t.strictSame(limitHeaders([standing('global', '', 60_000, 1_000, 999, 59_001), standing('tool', 'add-2', 3_600_000, 10, 0, 1)]), {
    policy: '"global";q=1000;w=60, "tool:add-2";q=10;w=3600',
    state: '"global";r=999;t=60, "tool:add-2";r=0;t=1'
  })
})

t.test('parts of seconds count as whole ones', async (t) => {
  t.strictSame(limitHeaders([standing('address', '192.0.2.1', 1, 1, 0, 1)]), { policy: '"address";q=1;w=1', state: '"address";r=0;t=1' })
})

t.test('who somebody is stands in no header', async (t) => {
  t.notMatch(JSON.stringify(limitHeaders([standing('key', 'ann', 1, 1, 1, 1), standing('tier', '["gold","ann"]', 1, 1, 1, 1), standing('address', '192.0.2.1', 1, 1, 1, 1)])), /ann|gold|192/)
})

t.test('the older headers tell of the limit that is closest to refusing', async (t) => {
  const headers = legacyLimitHeaders([standing('global', '', 60_000, 1_000, 500, 60_000), standing('tool', 'a', 10_000, 10, 2, 9_500), standing('key', 'k', 1_000, 100, 3, 1_000)])
  t.strictSame(headers, { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': '10' })
})

t.test('where no limit was asked, there is no header', async (t) => {
  t.strictSame([limitHeaders([]), legacyLimitHeaders([])], [undefined, {}])
})
