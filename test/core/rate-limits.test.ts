import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { FailureMode } from '../../schemas/config/limits.ts'
import type { CounterStore } from '../../src/core/counters.ts'
import { demandOfCall, oneMessage, type Demand } from '../../src/core/demand.ts'
import type { LimitRules } from '../../src/core/limit-rules.ts'
import type { Principal } from '../../src/core/ports.ts'
import { anonymousWith, localPrincipal } from '../../src/core/principals.ts'
import { RateLimits, type Admission } from '../../src/core/rate-limits.ts'
import { createCounterMemory } from '../../src/stores/counter-memory.ts'

const rule = (maxRequests: number, window = 60_000) => ({ window, maxRequests })
const modes: Record<string, FailureMode> = { global: 'open', perTool: 'closed', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' }

function open (rules: Partial<LimitRules>) {
  let time = 1_700_000_000_000
  let asked = 0
  const clock = { now: () => time }
  const memory = createCounterMemory({ clock })
  const store: CounterStore = { take: (charges) => { asked++; return memory.take(charges) } }
  const limits = new RateLimits({
    rules: { global: undefined, address: undefined, principal: undefined, tools: new Map(), tiers: new Map(), keys: new Map(), modes: modes as LimitRules['modes'], maxCallers: 1_000, ...rules },
    store,
    failures: { open: 0, closed: 0 },
    clock
  })
  function send (principal: Principal, { demand = oneMessage, address = '192.0.2.1' }: { demand?: Demand, address?: string } = {}): Admission {
    const admission = limits.take(limits.limitsOf(principal, address), demand, principal)
    if (admission instanceof Promise) throw new Error('Counters in memory answer at once.')
    return admission
  }
  function admitted (tries: number, ...request: Parameters<typeof send>): number {
    return Array.from({ length: tries }, () => send(...request)).filter(({ refusal }) => refusal === undefined).length
  }
  return { limits, send, admitted, pass: (ms: number) => { time += ms }, asked: () => asked }
}

const key = (name: string, tier?: string): Principal => ({ kind: 'key', name, permissions: ['*'], tier })
const token = (name: string, tier?: string): Principal => ({ kind: 'token', name: `https://issuer#${name}`, permissions: ['*'], tier })
const nobody = anonymousWith(['*'])

t.test('the global limit counts all callers together', async (t) => {
  const { admitted } = open({ global: rule(10) })
  t.strictSame([admitted(3, key('ann')), admitted(3, token('ben')), admitted(3, nobody), admitted(3, localPrincipal)], [3, 3, 3, 1])
})

t.test('a limit per address is for callers without a credential, each address by itself', async (t) => {
  const { admitted } = open({ address: rule(2) })
  t.equal(admitted(5, nobody, { address: '192.0.2.1' }), 2)
  t.equal(admitted(5, nobody, { address: '::ffff:192.0.2.1' }), 0, 'the same in another spelling')
  t.equal(admitted(5, nobody, { address: '192.0.2.2' }), 2)
  t.equal(admitted(5, nobody, { address: '2001:db8:0:1::1' }), 2)
  t.equal(admitted(5, nobody, { address: '2001:0DB8::1:ffff:0:0:2' }), 0, 'the same /64')
  t.equal(admitted(5, nobody, { address: '2001:db8:0:2::1' }), 2)
  t.strictSame([admitted(5, key('ann')), admitted(5, localPrincipal)], [5, 5])
})

t.test('a limit of a tier is for each of its keys', async (t) => {
  const { admitted } = open({ tiers: new Map([['free', rule(2)], ['paid', rule(4)]]) })
  t.strictSame([admitted(9, key('ann', 'free')), admitted(9, key('ben', 'free')), admitted(9, key('cat', 'paid')), admitted(9, key('dan'))], [2, 2, 4, 9])
})

t.test('a key is limited by its tier and by its own limit', async (t) => {
  const { admitted } = open({ tiers: new Map([['free', rule(4)]]), keys: new Map([['ann', rule(2)], ['ben', rule(9)]]) })
  t.strictSame([admitted(9, key('ann', 'free')), admitted(9, key('ben', 'free')), admitted(9, key('ben'))], [2, 4, 0])
})

t.test('a limit per principal is for callers with a name that nothing else is for', async (t) => {
  const { admitted } = open({ principal: rule(1), tiers: new Map([['free', rule(3)]]), keys: new Map([['ben', rule(5)]]) })
  t.strictSame([admitted(9, key('ann')), admitted(9, key('ben')), admitted(9, key('cat', 'free')), admitted(9, key('dan', 'gold'))], [1, 5, 3, 1])
  t.strictSame([admitted(9, token('ann')), admitted(9, token('ben')), admitted(9, token('ben', 'free')), admitted(9, token('ann', 'gold'))], [1, 1, 3, 0])
  t.equal(admitted(9, nobody), 9)
})

t.test('the limit of a tool counts the calls of all callers, and no other tool', async (t) => {
  const { admitted } = open({ tools: new Map([['add', rule(4)]]) })
  const add = { demand: demandOfCall('add') }
  t.strictSame([admitted(3, key('ann'), add), admitted(3, nobody, add)], [3, 1])
  t.equal(admitted(5, nobody, { demand: demandOfCall('sub') }), 5)
  t.equal(admitted(5, nobody), 5)
})

t.test('who may not call a tool uses up nothing of it', async (t) => {
  const { admitted } = open({ tools: new Map([['add', rule(4)]]) })
  const add = { demand: demandOfCall('add') }
  t.equal(admitted(9, { ...key('eve'), permissions: ['tools:call:sub', 'tools:list'] }, add), 9)
  t.equal(admitted(9, key('ann'), add), 4)
})

t.test('one limit that refuses uses up nothing of the others', async (t) => {
  const { send, admitted } = open({ global: rule(10), keys: new Map([['ann', rule(8)]]), tools: new Map([['add', rule(2)]]) })
  t.equal(admitted(50, key('ann'), { demand: demandOfCall('add') }), 2)
  const { standings } = send(key('ann'))
  t.match(standings, [{ counter: { name: 'global' }, remaining: 7 }, { counter: { name: 'key' }, remaining: 5 }])
})

t.test('each element of a batch is counted, and each call in it', async (t) => {
  const { send } = open({ global: rule(10), tools: new Map([['add', rule(3)], ['sub', rule(3)]]) })
  const batch: Demand = { messages: 5, tools: ['add', 'add', 'sub', 'mul'] }
  t.match(send(nobody, { demand: batch }).standings, [{ counter: { name: 'global' }, remaining: 5 }, { counter: { id: 'tool:add' }, remaining: 1 }, { counter: { id: 'tool:sub' }, remaining: 2 }])
  const { refusal } = send(nobody, { demand: batch })
  t.match(refusal, { status: 429, message: /The tool add takes 3 calls/ })
  t.match(send(nobody).standings, [{ remaining: 4 }], 'the refused batch used up nothing')
})

t.test('a batch that is larger than a limit is refused with the reason', async (t) => {
  const { send } = open({ global: rule(3) })
  t.match(send(nobody, { demand: { messages: 4, tools: [] } }).refusal, { message: 'This server takes 3 requests in 60 s. Send fewer messages at once.', retryAfterSeconds: 60 })
  t.equal(send(nobody, { demand: { messages: 3, tools: [] } }).refusal, undefined)
})

t.test('a refusal says which limit it was, and how long to wait', async (t) => {
  const { send, admitted, pass } = open({ global: rule(100), keys: new Map([['ann', rule(1, 2_500)]]), address: rule(1, 700), tools: new Map([['add', rule(1, 90_000)]]) })
  send(key('ann'))
  pass(400)
  t.match(send(key('ann')).refusal, { status: 429, rpcCode: -32603, message: 'This caller may send 1 request in 2500 ms. Try again in 3 s.', data: { limit: 'key', retryAfterSeconds: 3 }, headers: { 'retry-after': '3' } })
  send(nobody)
  t.match(send(nobody).refusal, { message: 'Callers without a credential may send, from one address, 1 request in 700 ms. Try again in 1 s.', data: { limit: 'address' } })
  send(localPrincipal, { demand: demandOfCall('add') })
  t.match(send(localPrincipal, { demand: demandOfCall('add') }).refusal, { message: 'The tool add takes 1 call in 90 s. Try again in 90 s.', data: { limit: 'tool', retryAfterSeconds: 90 } })
  admitted(200, localPrincipal)
  t.match(send(localPrincipal).refusal, { message: 'This server takes 100 requests in 60 s. Try again in 60 s.', data: { limit: 'global' } })
})

t.test('of several limits that refuse, the one that does for longest is named', async (t) => {
  const { send } = open({ global: rule(2, 1_000), tools: new Map([['add', rule(2, 30_000)]]), address: rule(2, 5_000) })
  const calls = { demand: { messages: 2, tools: ['add', 'add'] } }
  t.equal(send(nobody, calls).refusal, undefined)
  t.match(send(nobody, calls).refusal, { data: { limit: 'tool', retryAfterSeconds: 30 } })
  t.match(send(nobody, { demand: { messages: 3, tools: ['add'] } }).refusal, { data: { limit: 'global' } }, 'one that never admits so many')
})

t.test('a limit that is known to be used up is not asked for again until it admits more', async (t) => {
  const { limits, send, pass, asked } = open({ global: rule(2) })
  const foresee = () => limits.foresee(limits.limitsOf(nobody, '192.0.2.1')).refusal
  t.equal(foresee(), undefined)
  send(nobody)
  pass(10_000)
  send(nobody)
  t.match(foresee(), { retryAfterSeconds: 50 })
  t.match(send(nobody).refusal, { retryAfterSeconds: 50 })
  t.equal(asked(), 2)
  pass(50_000)
  t.equal(foresee(), undefined)
  t.equal(send(nobody).refusal, undefined)
  t.equal(asked(), 3)
})

t.test('a clock that is set back does not keep a limit shut', async (t) => {
  const { send, pass } = open({ global: rule(1) })
  send(nobody)
  pass(-3_600_000)
  t.match(send(nobody).refusal, { retryAfterSeconds: 60 })
  pass(60_000)
  t.equal(send(nobody).refusal, undefined)
})

t.test('callers for whom there is no room share one count, and keep nobody from their own', async (t) => {
  const { admitted } = open({ address: rule(3), principal: rule(3), tiers: new Map([['gold', rule(4)]]), maxCallers: 2 })
  const from = (address: string) => admitted(1, nobody, { address })
  t.strictSame([from('192.0.2.1'), from('192.0.2.2')], [1, 1])
  t.strictSame(Array.from({ length: 50 }, (_, each) => from(`198.51.100.${each}`)).reduce((sum, one) => sum + one), 3)
  t.equal(admitted(9, nobody, { address: '192.0.2.1' }), 2, 'who was there before keeps its own')
  t.strictSame([admitted(9, token('a')), admitted(9, token('b', 'gold')), admitted(9, token('c')), admitted(9, token('d')), admitted(9, token('e', 'gold')), admitted(9, token('f', 'gold'))], [3, 4, 3, 0, 4, 0])
  t.equal(admitted(9, key('ann')), 3, 'keys are known, and have room at all times')
})

t.test('a hundred thousand addresses take no more memory than there is room for', async (t) => {
  const { send, pass } = open({ address: rule(100), maxCallers: 1_000 })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => { collect(); return process.memoryUsage().heapUsed }
  for (let each = 0; each < 2_000; each++) send(nobody, { address: addressOf(each) })
  const before = heap()
  for (let each = 0; each < 100_000; each++) {
    send(nobody, { address: addressOf(each) })
    pass(10)
  }
  const grown = heap() - before
  t.ok(grown < 5_000_000, `${grown} bytes more`)
})

t.test('what was refused is counted by the limit', async (t) => {
  const { limits, admitted } = open({ global: rule(3), tools: new Map([['add', rule(1)]]) })
  admitted(3, nobody, { demand: demandOfCall('add') })
  admitted(4, nobody)
  t.strictSame(Object.fromEntries(limits.refused), { tool: 2, global: 2 })
})

t.test('a request that no limit is for asks no store', async (t) => {
  const { send, asked } = open({ address: rule(1) })
  t.match(send(key('ann')), { refusal: undefined, standings: [] })
  t.equal(asked(), 0)
})

function addressOf (number: number): string {
  return `10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}`
}
