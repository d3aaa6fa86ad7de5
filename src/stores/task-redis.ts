import { createHash } from 'node:crypto'
import { TaskLostError } from '../core/call-errors.ts'
import { errorObject, isObject } from '../core/json-rpc.ts'
import { sizeOf, type Kept, type TaskRecord, type TaskStatus, type TaskStore } from '../core/tasks/record.ts'
import type { RedisConnections } from './redis-client.ts'
import { redisScript } from './redis-script.ts'
import { isCounted } from './session-record.ts'
import type { TaskBounds } from './task-bounds.ts'

export interface TaskRedisOptions extends TaskBounds { redis: Pick<RedisConnections, 'run' | 'keyPrefix'> }

// A task is a hash. Two sorted sets know when tasks expire: that of all, and the owner's; they are what the caps count, in the clock of
// Redis. A hash has the bytes that each task counts for, with their sum under the name "total". An instance that runs tasks has a key
// that it renews: when that is gone, its tasks have failed. Each script is one step.

/** Takes what has expired out of the counts. */
const purge = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function purge (index, sizes)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now)) do
    local bytes = redis.call('HGET', sizes, id)
    if bytes then
      redis.call('HINCRBY', sizes, 'total', -bytes)
      redis.call('HDEL', sizes, id)
    end
  end
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  -- Without an index there are no tasks, whatever is left of their sizes.
  if redis.call('EXISTS', index) == 0 then redis.call('DEL', sizes) end
end
local function lengthen (key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
`

/** KEYS: task, index of all, sizes, instance, and the owner's index where it is counted. ARGV: id, ttl, bytes, caps (all, owner, bytes), lease, fields. */
const create = redisScript(`${purge}
local id, ttl, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
purge(KEYS[2], KEYS[3])
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
if tonumber(redis.call('HGET', KEYS[3], 'total') or '0') + bytes > tonumber(ARGV[6]) then return 0 end
if KEYS[5] then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  if redis.call('ZCARD', KEYS[5]) >= tonumber(ARGV[5]) then return 0 end
  redis.call('ZADD', KEYS[5], now + ttl, id)
  lengthen(KEYS[5], ttl)
end
redis.call('HSET', KEYS[1], unpack(ARGV, 8))
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], now + ttl, id)
redis.call('HSET', KEYS[3], id, bytes)
redis.call('HINCRBY', KEYS[3], 'total', bytes)
lengthen(KEYS[2], ttl)
lengthen(KEYS[3], ttl)
redis.call('SET', KEYS[4], 1, 'PX', ARGV[7])
return 1
`)

const isLive = "local function isLive (status) return status == 'working' or status == 'input_required' end"

/** KEYS: task, index of all, sizes. ARGV: id, bytes, cap of bytes, fields. */
const update = redisScript(`${purge}${isLive}
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return 'gone' end
if not isLive(status) then return 'ended' end
local growth = ARGV[2] - (redis.call('HGET', KEYS[3], ARGV[1]) or 0)
if growth > 0 then
  purge(KEYS[2], KEYS[3])
  if tonumber(redis.call('HGET', KEYS[3], 'total') or '0') + growth > tonumber(ARGV[3]) then return 'full' end
end
redis.call('HINCRBY', KEYS[3], 'total', growth)
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[1], 'statusMessage', 'inputs', 'outcome')
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
return 'kept'
`)

/** KEYS: task. ARGV: what the keys of instances begin with, message and error of a task whose instance is gone. */
const find = redisScript(`${isLive}
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return false end
if isLive(status) and redis.call('EXISTS', ARGV[1] .. redis.call('HGET', KEYS[1], 'instance')) == 0 then
  local time = redis.call('TIME')
  redis.call('HDEL', KEYS[1], 'inputs')
  redis.call('HSET', KEYS[1], 'status', 'failed', 'statusMessage', ARGV[2], 'outcome', ARGV[3], 'updatedAt', time[1] * 1000 + math.floor(time[2] / 1000))
end
return redis.call('HGETALL', KEYS[1])
`)

/** How long an instance that is silent is taken to be there. */
const leaseMs = 30_000

/** Tasks in Redis, for all instances that share its keys. Every method rejects with StateUnavailableError while Redis is away. */
export function createTaskRedis ({ redis, maxTasks, maxTasksPerPrincipal, maxTotalBytes }: TaskRedisOptions): TaskStore {
  const keyPrefix = redis.keyPrefix('tasks')
  const all = `${keyPrefix}tasks`
  const sizes = `${keyPrefix}task-sizes`
  const instances = `${keyPrefix}task-instance:`
  const keyOf = (id: string): string => `${keyPrefix}task:${id}`
  const run: typeof redis.run = async (work) => await redis.run(work, 'the store of its tasks')
  const lost = new TaskLostError()
  const lostArgs = [lost.message, JSON.stringify(errorObject(lost, '2026-07-28'))]

  return {
    async create (record) {
      const { id, principal, instance, ttlMs } = record
      const owner = isCounted(principal) ? [`${keyPrefix}tasks:${digest(principal)}`] : []
      const args = [id, ttlMs, sizeOf(record), maxTasks, maxTasksPerPrincipal, maxTotalBytes, leaseMs, ...fieldsOf(record)]
      return await run((commands) => create(commands, [keyOf(id), all, sizes, instances + instance, ...owner], args)) === 1
    },
    async get (id) {
      return readFields(id, await run((commands) => find(commands, [keyOf(id)], [instances, ...lostArgs])))
    },
    async update (record) {
      const args = [record.id, sizeOf(record), maxTotalBytes, ...fieldsOf(record)]
      return await run((commands) => update(commands, [keyOf(record.id), all, sizes], args)) as Kept
    },
    async renew (instance) {
      await run((commands) => commands.set(instances + instance, '1', 'PX', leaseMs))
    },
    close () { /* The connection belongs to whoever opened it. */ }
  }
}

/** Names and values in turn; what is undefined is left out. */
function fieldsOf ({ id: _id, ...fields }: TaskRecord): (string | number)[] {
  return Object.entries(fields).flatMap(([name, value]) => value === undefined ? [] : [name, value])
}

/** Reads what HGETALL gave. Undefined for what nobody here wrote. */
function readFields (id: string, reply: unknown): TaskRecord | undefined {
  if (!Array.isArray(reply)) return undefined
  const pairs = reply.flatMap((name: unknown, index) => index % 2 === 0 ? [[String(name), String(reply[index + 1])]] : [])
  const fields: unknown = Object.fromEntries(pairs)
  if (!isObject(fields)) return undefined
  const { principal, instance, createdAt, ttlMs, pollIntervalMs, updatedAt, status, statusMessage, inputs, outcome } = fields as Record<string, string | undefined>
  if (principal === undefined || instance === undefined || !isStatus(status)) return undefined
  return {
    id,
    principal,
    instance,
    createdAt: Number(createdAt),
    ttlMs: Number(ttlMs),
    pollIntervalMs: Number(pollIntervalMs),
    updatedAt: Number(updatedAt),
    status,
    statusMessage,
    inputs,
    outcome
  }
}

const statuses: readonly TaskStatus[] = ['working', 'input_required', 'completed', 'failed', 'cancelled']

function isStatus (value: string | undefined): value is TaskStatus {
  return statuses.includes(value as TaskStatus)
}

/** Names of principals have any length and any characters. */
function digest (principal: string): string {
  return createHash('sha256').update(principal).digest('base64url')
}
