import { createHash } from 'node:crypto'
import type { SessionStore } from '../core/session.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'
import { isCounted, readRecord, writeRecord, type SessionLimits } from './session-record.ts'

export interface SessionRedisOptions extends SessionLimits { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

// A session is a hash of its record and the name of its owner's index. Two sorted sets know when sessions end: that of all, and the owner's.
// They are what the caps count, in the clock of Redis. Each script is one step, so that no two instances count at once.

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function lengthen (key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
`

/** KEYS: session, index of all, index of the owner or ''. ARGV: id, record, ttl, maximum in all, maximum of the owner. */
const create = redisScript(`${now}
local id, ttl = ARGV[1], tonumber(ARGV[3])
local function isFull (index, most)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  return redis.call('ZCARD', index) >= tonumber(most)
end
if isFull(KEYS[2], ARGV[4]) or (KEYS[3] ~= '' and isFull(KEYS[3], ARGV[5])) then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'index', KEYS[3])
redis.call('PEXPIRE', KEYS[1], ttl)
for i = 2, 3 do
  if KEYS[i] ~= '' then
    redis.call('ZADD', KEYS[i], now + ttl, id)
    lengthen(KEYS[i], ttl)
  end
end
return 1
`)

/** KEYS: session, index of all. ARGV: id, ttl, how long a use is not noted again. */
const use = redisScript(`${now}
local id, ttl = ARGV[1], tonumber(ARGV[2])
local session = redis.call('HMGET', KEYS[1], 'record', 'index')
if not session[1] then return false end
if redis.call('PTTL', KEYS[1]) <= ttl - tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ttl)
  for _, index in ipairs({ KEYS[2], session[2] }) do
    if index and index ~= '' then
      redis.call('ZADD', index, now + ttl, id)
      lengthen(index, ttl)
    end
  end
end
return session[1]
`)

/** KEYS: session. ARGV: record. Its time goes on as before; an ended session stays ended. */
const update = redisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'record', ARGV[1]) end
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
/** Ours are much shorter; what is longer came from a client and is not asked for. */
const maxIdLength = 128

/** Sessions in Redis, for all instances that share its keys. Every method rejects with StateUnavailableError while Redis is away. */
export function createSessionRedis ({ redis, maxSessions, maxSessionsPerPrincipal, idleTimeoutMs }: SessionRedisOptions): SessionStore {
  const { keyPrefix } = redis
  const all = `${keyPrefix}sessions`
  const keyOf = (id: string): string => `${keyPrefix}session:${id}`
  // At least by a millisecond later than the last one, so that the clock of Redis has to move for a write.
  const interval = Math.max(1, Math.min(useIntervalMs, Math.floor(idleTimeoutMs / 2)))

  return {
    async create (record) {
      const text = writeRecord(record)
      const owner = isCounted(record.principal) ? `${keyPrefix}sessions:${digest(record.principal)}` : ''
      const args = [record.id, text, idleTimeoutMs, maxSessions, maxSessionsPerPrincipal]
      return await redis.run((commands) => create(commands, [keyOf(record.id), all, owner], args)) === 1
    },
    async get (id) {
      if (id.length > maxIdLength) return undefined
      const text = await redis.run((commands) => use(commands, [keyOf(id), all], [id, idleTimeoutMs, interval]))
      return typeof text === 'string' ? readRecord(text) : undefined
    },
    async update (record) {
      const text = writeRecord(record)
      await redis.run((commands) => update(commands, [keyOf(record.id)], [text]))
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
