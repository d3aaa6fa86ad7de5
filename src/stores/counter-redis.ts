import { stepOf, type Charge, type Counter, type CounterStore, type Standing, type Verdict } from '../core/counters.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'

export interface CounterRedisOptions { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

/**
 * A counter is one text: its groups, oldest first, each as the time of its last member and their number. The time is that of Redis, the same
 * for all instances. A counter that nothing is left of has expired.
 *
 * KEYS: the counters. ARGV, for each: max, window, step, cost. Answers whether all were taken, then, for each: what remains, when there is
 * more, when there is enough (-1 for never).
 */
const take = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local counters, admitted = {}, 1
for i, key in ipairs(KEYS) do
  local counter = { times = {}, counts = {}, used = 0 }
  counter.max, counter.window, counter.step, counter.cost = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  for at, count in string.gmatch(redis.call('GET', key) or '', '(%d+):(%d+)') do
    at = tonumber(at)
    -- A clock that was set back would keep groups of the future; for the window they come now.
    if at > now then at, counter.mended = now, true end
    if at + counter.window > now then
      table.insert(counter.times, at)
      table.insert(counter.counts, tonumber(count))
      counter.used = counter.used + tonumber(count)
    end
  end
  if counter.used + counter.cost > counter.max then admitted = 0 end
  counters[i] = counter
end

local function wait (counter)
  if counter.cost > counter.max then return -1 end
  local room = counter.max - counter.used
  if room >= counter.cost then return 0 end
  for i, count in ipairs(counter.counts) do
    room = room + count
    if room >= counter.cost then return counter.times[i] + counter.window - now end
  end
end

local function add (counter)
  local last = #counter.times
  if last > 0 and math.floor(counter.times[last] / counter.step) == math.floor(now / counter.step) then
    counter.times[last] = now
    counter.counts[last] = counter.counts[last] + counter.cost
  else
    table.insert(counter.times, now)
    table.insert(counter.counts, counter.cost)
  end
  counter.used = counter.used + counter.cost
end

local function save (key, counter)
  local groups = {}
  for i, at in ipairs(counter.times) do groups[i] = string.format('%.0f:%.0f', at, counter.counts[i]) end
  redis.call('SET', key, table.concat(groups, ' '), 'PX', counter.window)
end

local answer = { admitted }
for i, key in ipairs(KEYS) do
  local counter = counters[i]
  local waits = wait(counter)
  if admitted == 1 then add(counter) end
  if admitted == 1 or counter.mended then save(key, counter) end
  table.insert(answer, math.max(0, counter.max - counter.used))
  table.insert(answer, (counter.times[1] or now) + counter.window - now)
  table.insert(answer, waits)
end
return answer
`)

/** Counters in Redis, for all instances that share its keys. All charges of one request take one round trip. Rejects with StateUnavailableError while Redis is away. */
export function createCounterRedis ({ redis }: CounterRedisOptions): CounterStore {
  // One group: all counters of a request are taken in one step, and any of them may meet in one.
  const keyPrefix = redis.keyPrefix('limits')
  return {
    async take (charges) {
      const keys = charges.map(({ counter: { id, windowMs } }) => `${keyPrefix}limit:${windowMs}:${id}`)
      const args = charges.flatMap(({ counter: { max, windowMs }, cost }) => [max, windowMs, stepOf(windowMs), cost])
      return readAnswer(await redis.run((commands) => take(commands, keys, args)), charges)
    }
  }
}

function readAnswer<Kind extends Counter> (answer: unknown, charges: readonly Charge<Kind>[]): Verdict<Kind> {
  const [admitted, ...facts] = answer as number[]
  return {
    admitted: admitted === 1,
    standings: charges.map(({ counter }, index): Standing<Kind> => {
      const [remaining = 0, resetMs = 0, waitMs = 0] = facts.slice(3 * index, 3 * index + 3)
      return { counter, remaining, resetMs, waitMs: waitMs < 0 ? Infinity : waitMs }
    })
  }
}
