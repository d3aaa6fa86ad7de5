import { createHash } from 'node:crypto'
import type { SessionRecord, SessionStore } from '../core/session.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'
import { isCounted, readSession, takeChanges, writeFixed, type SessionLimits } from './session-record.ts'

export interface SessionRedisOptions extends SessionLimits { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

// A session is a hash: "record" is what never changes, "index" the name of its owner's index, "level", "stream" and one "uri:…" for each
// subscription the rest. What two instances change at the same time they change side by side, as long as it is not the same. Two sorted sets know when sessions end: that of all, and the owner's.
// They are what the caps count, in the clock of Redis. Each script is one step, so that no two instances count at once.

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function lengthen (key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
`

/** KEYS: session, index of all, and that of the owner where it is counted. ARGV: id, ttl, maximum in all, maximum of the owner, then fields and values. */
const create = redisScript(`${now}
local id, ttl = ARGV[1], tonumber(ARGV[2])
local function isFull (index, most)
  if redis.call('ZCARD', index) < tonumber(most) then return false end
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  return redis.call('ZCARD', index) >= tonumber(most)
end
if isFull(KEYS[2], ARGV[3]) or (KEYS[3] and isFull(KEYS[3], ARGV[4])) then return 0 end
redis.call('HSET', KEYS[1], 'index', KEYS[3] or '')
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ttl)
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], now + ttl, id)
  lengthen(KEYS[i], ttl)
end
return 1
`)

/** KEYS: session, index of all. ARGV: id, ttl, how long a use is not noted again. */
const use = redisScript(`${now}
local id, ttl = ARGV[1], tonumber(ARGV[2])
local session = redis.call('HGETALL', KEYS[1])
if #session == 0 then return false end
if redis.call('PTTL', KEYS[1]) <= ttl - tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ttl)
  for _, index in ipairs({ KEYS[2], redis.call('HGET', KEYS[1], 'index') or '' }) do
    if index ~= '' then
      redis.call('ZADD', index, now + ttl, id)
      lengthen(index, ttl)
    end
  end
end
return session
`)

/** KEYS: session. ARGV: how many fields go, these, then fields and values. Its time goes on as before; an ended session stays ended. */
const update = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return end
local gone = tonumber(ARGV[1])
for i = 2, gone + 1 do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = gone + 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
`)

/** KEYS: session, index of all. ARGV: id. */
const end = redisScript(`
local index = redis.call('HGET', KEYS[1], 'index')
redis.call('ZREM', KEYS[2], ARGV[1])
if index and index ~= '' then redis.call('ZREM', index, ARGV[1]) end
return redis.call('DEL', KEYS[1])
`)

/** Uses of a session within this time are noted once. */
const useIntervalMs = 1_000
const uriPrefix = 'uri:'
/** Ours are much shorter; what is longer came from a client and is not asked for. */
const maxIdLength = 128

/** Sessions in Redis, for all instances that share its keys. Every method rejects with StateUnavailableError while Redis is away. */
export function createSessionRedis ({ redis, maxSessions, maxSessionsPerPrincipal, idleTimeoutMs }: SessionRedisOptions): SessionStore {
  const keyPrefix = redis.keyPrefix('sessions')
  const all = `${keyPrefix}sessions`
  const keyOf = (id: string): string => `${keyPrefix}session:${id}`
  // At least by a millisecond later than the last one, so that the clock of Redis has to move for a write.
  const interval = Math.max(1, Math.min(useIntervalMs, Math.floor(idleTimeoutMs / 2)))

  return {
    async create (record) {
      const fields = ['record', writeFixed(record), 'level', record.logLevel, ...record.subscriptions.flatMap(uriField)]
      if (record.streamId !== undefined) fields.push('stream', record.streamId)
      const owner = isCounted(record.principal) ? [`${keyPrefix}sessions:${digest(record.principal)}`] : []
      const args = [record.id, idleTimeoutMs, maxSessions, maxSessionsPerPrincipal, ...fields]
      return await redis.run((commands) => create(commands, [keyOf(record.id), all, ...owner], args)) === 1
    },
    async get (id) {
      if (id.length > maxIdLength) return undefined
      const answer = await redis.run((commands) => use(commands, [keyOf(id), all], [id, idleTimeoutMs, interval]))
      return Array.isArray(answer) ? readFields(answer) : undefined
    },
    async update (record) {
      const { logLevel, streamId, subscribed, unsubscribed } = takeChanges(record)
      const gone = unsubscribed.map((uri) => uriPrefix + uri)
      if (streamId === null) gone.push('stream')
      const fields = subscribed.flatMap(uriField)
      if (logLevel !== undefined) fields.push('level', logLevel)
      if (typeof streamId === 'string') fields.push('stream', streamId)
      if (gone.length + fields.length === 0) return
      await redis.run((commands) => update(commands, [keyOf(record.id)], [gone.length, ...gone, ...fields]))
    },
    async delete (id) {
      if (id.length > maxIdLength) return false
      return await redis.run((commands) => end(commands, [keyOf(id), all], [id])) === 1
    },
    close () { /* The connection belongs to whoever opened it. */ }
  }
}

/** Names of principals have any length and any characters. */
function digest (principal: string): string {
  return createHash('sha256').update(principal).digest('base64url')
}

function uriField (uri: string): [string, string] {
  return [uriPrefix + uri, '1']
}

/** Reads fields and values in turn. */
function readFields (answer: readonly unknown[]): SessionRecord | undefined {
  const fields = new Map<unknown, unknown>()
  for (let at = 0; at < answer.length; at += 2) fields.set(answer[at], answer[at + 1])
  const [record, stream] = [fields.get('record'), fields.get('stream')]
  if (typeof record !== 'string') return undefined
  const subscriptions = [...fields.keys()].filter((name) => typeof name === 'string').filter((name) => name.startsWith(uriPrefix)).map((name) => name.slice(uriPrefix.length))
  return readSession(record, { logLevel: fields.get('level'), subscriptions, streamId: typeof stream === 'string' ? stream : undefined })
}
