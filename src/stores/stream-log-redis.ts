import { isObject } from '../core/json-rpc.ts'
import { presenceMs, splitEventId, type KeptStream, type StreamEvent, type StreamLog } from '../core/stream-log.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'
import { defaultStreamLogBounds, numberIn, type StreamLogBounds } from './stream-log-bounds.ts'

export interface StreamLogRedisOptions extends Partial<StreamLogBounds> { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

// A stream is a list of "<number> <message>" and a hash of what is known of it: origin (writer and request), last, bytes, ended.
// A sorted set for each session knows its streams by their last use. An instance that writes streams has a key that it renews. All of
// them end with time, so that nothing stays behind.

/** KEYS: messages, facts, streams of the session. ARGV: stream, how long to keep, how many streams, what their keys begin with, origin. */
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

/** What a writer tells first. More KEYS: the writer's presence. More ARGV: how long that lasts, number, 1 for the last message. */
const take = `
local number = tonumber(ARGV[7])
local facts = redis.call('HMGET', KEYS[2], 'last', 'bytes', 'ended')
if facts[3] then return 0 end
local last = tonumber(facts[1] or '-1')
if number <= last then return 1 end
if not facts[1] then
  redis.call('HSET', KEYS[2], 'origin', ARGV[5])
  redis.call('SET', KEYS[4], 1, 'PX', ARGV[6])
end
if ARGV[8] == '1' then redis.call('HSET', KEYS[2], 'ended', 1) end
`

/** More ARGV: message, how many messages, how many bytes. A gap is one as `isGap` has it. */
const append = redisScript(`${keep}${take}
local bytes = tonumber(facts[2] or '0')
if number > math.max(last, 0) + 1 then
  redis.call('DEL', KEYS[1])
  bytes = 0
end
bytes = bytes + #ARGV[9]
local count = redis.call('RPUSH', KEYS[1], ARGV[7] .. ' ' .. ARGV[9])
while count > tonumber(ARGV[10]) or bytes > tonumber(ARGV[11]) do
  local gone = redis.call('LPOP', KEYS[1])
  if not gone then break end
  local space = string.find(gone, ' ', 1, true)
  bytes = bytes - (#gone - space)
  count = count - 1
end
redis.call('HSET', KEYS[2], 'last', ARGV[7], 'bytes', bytes)
keep()
return 1
`)

/** One message that is larger than a stream may be: nothing up to it is kept. */
const appendTooLarge = redisScript(`${keep}${take}
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'last', ARGV[7], 'bytes', 0)
keep()
return 1
`)

/** Without a last message. */
const end = redisScript(`${keep}
if redis.call('HEXISTS', KEYS[2], 'ended') == 1 then return 0 end
redis.call('HSET', KEYS[2], 'origin', ARGV[5], 'ended', 1)
keep()
return 1
`)

/** More KEYS: the writer's presence. More ARGV: message, the number that a client has seen, whether the writer has abandoned the stream. */
const conclude = redisScript(`${keep}
local facts = redis.call('HMGET', KEYS[2], 'last', 'ended')
if not facts[1] or facts[2] then return end
if ARGV[8] ~= '1' and redis.call('EXISTS', KEYS[4]) == 1 then return end
local number = string.format('%.0f', math.max(tonumber(facts[1]), tonumber(ARGV[7])) + 1)
redis.call('RPUSH', KEYS[1], number .. ' ' .. ARGV[6])
redis.call('HSET', KEYS[2], 'last', number, 'ended', 1)
keep()
`)

/** For a stream without news. */
const keepOn = redisScript(`${keep}
if redis.call('EXISTS', KEYS[2]) == 1 then keep() end
`)

/** KEYS: facts, the writer's presence. */
const state = redisScript(`
local facts = redis.call('HMGET', KEYS[1], 'last', 'ended')
return { facts[1] or '-1', facts[2] or '0', redis.call('EXISTS', KEYS[2]) }
`)

/** KEYS: messages, facts. */
const read = redisScript(`
local facts = redis.call('HMGET', KEYS[2], 'origin', 'last', 'ended')
if not facts[1] then return false end
return { facts[1], facts[2] or '-1', facts[3] or '0', redis.call('LRANGE', KEYS[1], 0, -1) }
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
  const keyPrefix = redis.keyPrefix('streams')
  const begin = (sessionId: string): string => `${keyPrefix}stream:${sessionId}:`
  const indexOf = (sessionId: string): string => `${keyPrefix}streams:${sessionId}`
  const presenceOf = (writer: string): string => `${keyPrefix}stream-writer:${writer}`
  const keysOf = (sessionId: string, id: string): string[] => [`${begin(sessionId)}${id}`, `${begin(sessionId)}${id}:facts`]
  const keysWith = ({ sessionId, id, writer }: KeptStream): string[] => [...keysOf(sessionId, id), indexOf(sessionId), presenceOf(writer)]
  const keeping = (stream: KeptStream): (string | number)[] => [stream.id, keepMs, maxStreams, begin(stream.sessionId), originText(stream)]

  async function take (stream: KeptStream, { id, message }: StreamEvent, isLast: boolean): Promise<boolean> {
    const keys = keysWith(stream)
    const args = [...keeping(stream), presenceMs, numberIn(stream.id, id), isLast ? 1 : 0]
    const isTaken = await redis.run((commands) => Buffer.byteLength(message) > maxBytes
      ? appendTooLarge(commands, keys, args)
      : append(commands, keys, [...args, message, maxEvents, maxBytes]))
    return isTaken === 1
  }

  return {
    async append (stream, event) { return await take(stream, event, false) },
    async end (stream, event) {
      if (event !== undefined) return await take(stream, event, true)
      return await redis.run((commands) => end(commands, keysWith(stream).slice(0, 3), keeping(stream))) === 1
    },
    async after (sessionId, eventId) {
      const parts = splitEventId(eventId)
      if (parts === undefined) return undefined
      const { streamId, number } = parts
      const answer = await redis.run((commands) => read(commands, keysOf(sessionId, streamId), []))
      if (!isTail(answer)) return undefined
      const stream = readOrigin(sessionId, streamId, answer[0])
      const events = answer[3].map((entry) => readEntry(streamId, entry)).filter((entry) => entry.number > number).map(({ event }) => event)
      return stream === undefined ? undefined : { stream, events, last: Number(answer[1]), ended: answer[2] === '1' }
    },
    async renew (writer, silent) {
      await redis.run(async (commands) => {
        const kept = silent.map((stream) => keepOn(commands, keysWith(stream).slice(0, 3), keeping(stream)))
        await Promise.all([commands.set(presenceOf(writer), '1', 'PX', presenceMs), ...kept])
      })
    },
    async state ({ sessionId, id, writer }) {
      const [, facts = ''] = keysOf(sessionId, id)
      const answer = await redis.run((commands) => state(commands, [facts, presenceOf(writer)], []))
      const [last, ended, isThere] = Array.isArray(answer) ? answer : []
      return { last: Number(last), ended: ended === '1', isWriterPresent: isThere === 1 }
    },
    async conclude (stream, { message, after, isAbandoned }) {
      await redis.run((commands) => conclude(commands, keysWith(stream), [...keeping(stream), message, after, isAbandoned ? 1 : 0]))
    },
    async forget (sessionId) {
      await redis.run((commands) => forget(commands, [indexOf(sessionId)], [begin(sessionId)]))
    },
    close () { /* The connection belongs to whoever opened it. */ }
  }
}

/** The part of a stream that its keys do not tell. */
function originText ({ writer, requestId }: KeptStream): string {
  return JSON.stringify({ writer, requestId })
}

function readOrigin (sessionId: string, id: string, text: string): KeptStream | undefined {
  const origin: unknown = JSON.parse(text)
  if (!isObject(origin)) return undefined
  const { writer, requestId } = origin
  if (typeof writer !== 'string' || (typeof requestId !== 'string' && typeof requestId !== 'number')) return undefined
  return { sessionId, id, writer, requestId }
}

type Tail = [origin: string, last: string, ended: string, entries: string[]]

function isTail (answer: unknown): answer is Tail {
  return Array.isArray(answer) && answer.length === 4 && Array.isArray(answer[3])
}

function readEntry (streamId: string, entry: string): { number: number, event: { id: string, message: string } } {
  const space = entry.indexOf(' ')
  const digits = entry.slice(0, space)
  return { number: Number(digits), event: { id: `${streamId}.${digits}`, message: entry.slice(space + 1) } }
}
