import type { StreamLog } from '../core/stream-log.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'
import { defaultStreamLogBounds, numberIn, splitEventId, type StreamLogBounds } from './stream-log-bounds.ts'

export interface StreamLogRedisOptions extends Partial<StreamLogBounds> { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

// A stream is a list of "<number> <message>" and a hash of what is known of it: last, missing, bytes, ended. A sorted set for each
// session knows its streams by their last use. All of them end with time, so that nothing stays behind.

/** KEYS: messages, facts, streams of the session. ARGV: stream, how long to keep, how many streams, what their keys begin with. */
const keep = `
local function keep ()
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local ttl = tonumber(ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('PEXPIRE', KEYS[2], ttl)
  redis.call('ZADD', KEYS[3], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ttl)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ttl)
  if redis.call('ZCARD', KEYS[3]) > tonumber(ARGV[3]) then
    local first = redis.call('ZRANGE', KEYS[3], 0, 1)
    local oldest = first[1] == ARGV[1] and first[2] or first[1]
    redis.call('ZREM', KEYS[3], oldest)
    redis.call('UNLINK', ARGV[4] .. oldest, ARGV[4] .. oldest .. ':facts')
  end
end
`

/** More ARGV: number, message, how many messages, how many bytes. A gap is one as `isGap` has it. */
const append = redisScript(`${keep}
local number, message = ARGV[5], ARGV[6]
local facts = redis.call('HMGET', KEYS[2], 'last', 'bytes', 'missing')
local last, missing, bytes = tonumber(facts[1] or '-1'), facts[3] or '-1', tonumber(facts[2] or '0')
if tonumber(number) <= last then return end
if tonumber(number) > math.max(last, 0) + 1 then
  redis.call('DEL', KEYS[1])
  missing = tonumber(number) - 1
  bytes = 0
end
bytes = bytes + #message
local count = redis.call('RPUSH', KEYS[1], number .. ' ' .. message)
while count > tonumber(ARGV[7]) or bytes > tonumber(ARGV[8]) do
  local gone = redis.call('LPOP', KEYS[1])
  if not gone then break end
  local space = string.find(gone, ' ', 1, true)
  missing = string.sub(gone, 1, space - 1)
  bytes = bytes - (#gone - space)
  count = count - 1
end
redis.call('HSET', KEYS[2], 'last', number, 'bytes', bytes, 'missing', missing)
keep()
`)

/** One message that is larger than a stream may be: nothing up to it is kept. More ARGV: number. */
const appendTooLarge = redisScript(`${keep}
local last = redis.call('HGET', KEYS[2], 'last')
if last and tonumber(ARGV[5]) <= tonumber(last) then return end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'last', ARGV[5], 'bytes', 0, 'missing', ARGV[5])
keep()
`)

const end = redisScript(`${keep}
redis.call('HSET', KEYS[2], 'ended', 1)
keep()
`)

/** KEYS: messages, facts. */
const read = redisScript(`
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
local facts = redis.call('HMGET', KEYS[2], 'missing', 'ended')
return { facts[1] or '-1', facts[2] or '0', redis.call('LRANGE', KEYS[1], 0, -1) }
`)

/** KEYS: streams of a session. ARGV: what their keys begin with. */
const forget = redisScript(`
for _, stream in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('UNLINK', ARGV[1] .. stream, ARGV[1] .. stream .. ':facts')
end
redis.call('DEL', KEYS[1])
`)

/** Streams in Redis, for all instances that share its keys. Every method rejects with StateUnavailableError while Redis is away. */
export function createStreamLogRedis ({ redis, ...given }: StreamLogRedisOptions): StreamLog {
  const { maxEvents, maxBytes, maxStreams, keepMs }: StreamLogBounds = { ...defaultStreamLogBounds, ...given }
  const begin = (sessionId: string): string => `${redis.keyPrefix}stream:${sessionId}:`
  const indexOf = (sessionId: string): string => `${redis.keyPrefix}streams:${sessionId}`
  const keysOf = (sessionId: string, streamId: string): string[] => [`${begin(sessionId)}${streamId}`, `${begin(sessionId)}${streamId}:facts`]
  const keeping = (sessionId: string, streamId: string): (string | number)[] => [streamId, keepMs, maxStreams, begin(sessionId)]

  return {
    async append (sessionId, streamId, { id, message }) {
      const number = numberIn(streamId, id)
      const keys = [...keysOf(sessionId, streamId), indexOf(sessionId)]
      const args = keeping(sessionId, streamId)
      await redis.run((commands) => Buffer.byteLength(message) > maxBytes
        ? appendTooLarge(commands, keys, [...args, number])
        : append(commands, keys, [...args, number, message, maxEvents, maxBytes]))
    },
    async end (sessionId, streamId) {
      await redis.run((commands) => end(commands, [...keysOf(sessionId, streamId), indexOf(sessionId)], keeping(sessionId, streamId)))
    },
    async after (sessionId, eventId) {
      const parts = splitEventId(eventId)
      if (parts === undefined) return undefined
      const { streamId, number } = parts
      const answer = await redis.run((commands) => read(commands, keysOf(sessionId, streamId), []))
      if (!isTail(answer) || number < Number(answer[0])) return undefined
      const events = answer[2].map((entry) => readEntry(streamId, entry)).filter((entry) => entry.number > number).map(({ event }) => event)
      return { streamId, events, ended: answer[1] === '1' }
    },
    async forget (sessionId) {
      await redis.run((commands) => forget(commands, [indexOf(sessionId)], [begin(sessionId)]))
    },
    close () { /* The connection belongs to whoever opened it. */ }
  }
}

type Tail = [missing: string, ended: string, entries: string[]]

function isTail (answer: unknown): answer is Tail {
  return Array.isArray(answer) && answer.length === 3 && Array.isArray(answer[2])
}

function readEntry (streamId: string, entry: string): { number: number, event: { id: string, message: string } } {
  const space = entry.indexOf(' ')
  const digits = entry.slice(0, space)
  return { number: Number(digits), event: { id: `${streamId}.${digits}`, message: entry.slice(space + 1) } }
}
