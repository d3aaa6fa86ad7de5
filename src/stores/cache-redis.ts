import { createHash, randomUUID } from 'node:crypto'
import type { CacheStore, Claim, Found } from '../core/cache/cache-store.ts'
import { freezeJson } from '../core/cache/kept-result.ts'
import type { RedisConnections } from './redis-client.ts'
import { createPatience } from './redis-patience.ts'
import { redisScript } from './redis-script.ts'

export interface CacheRedisOptions {
  redis: Pick<RedisConnections, 'run' | 'keyPrefix'>
}

/** A tag that nothing is kept with is forgotten after this, and begins anew. */
const tagLifeMs = 3_600_000
/** How long what could not be invalidated waits until that is tried again. */
const retryMs = 1_000

/**
 * An entry is a text of three lines: the ticket that it was kept under, its life, its JSON. A ticket is the tokens of its tags, which are
 * random: a tag that is invalidated gets a new one, and so does one that was lost, so that nothing comes back that was dropped.
 *
 * KEYS: the entry, its tags. ARGV: a new token, the life of a tag. Answers the ticket and, where there is an entry, how long it still lives,
 * its life and its JSON.
 */
const find = redisScript(`
local tokens = {}
for i = 2, #KEYS do
  local token = redis.pcall('GET', KEYS[i])
  if type(token) ~= 'string' then
    token = ARGV[1]
    redis.call('SET', KEYS[i], token, 'PX', ARGV[2])
  end
  tokens[i - 1] = token
end
local ticket = table.concat(tokens, ' ')
local entry = redis.pcall('GET', KEYS[1])
if entry == false then return { ticket } end
local kept, life, text
if type(entry) == 'string' then kept, life, text = string.match(entry, '^([^\\n]*)\\n(%d+)\\n(.*)$') end
local left = redis.call('PTTL', KEYS[1])
if kept ~= ticket or left < 0 then
  redis.call('DEL', KEYS[1])
  if kept then return { ticket } end
  return { ticket, -1 }
end
return { ticket, left, tonumber(life), text }
`)

/** KEYS: the entry, its tags. ARGV: the ticket, the life, the JSON. Keeps nothing where a tag is not what it was. */
const keep = redisScript(`
local tokens = {}
for i = 2, #KEYS do tokens[i - 1] = redis.call('GET', KEYS[i]) or '' end
if table.concat(tokens, ' ') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '\\n' .. ARGV[2] .. '\\n' .. ARGV[3], 'PX', ARGV[2])
for i = 2, #KEYS do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
end
return 1
`)

/** KEYS: tags. Drops what is kept with them: a ticket of a token that is gone fits no more. */
const invalidate = redisScript("return redis.call('DEL', unpack(KEYS))")

/** KEYS: a turn. ARGV: whose it is. */
const release = redisScript("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")

/** What all instances keep that share a Redis. While it is away nothing is found and nothing kept, at once. */
export function createCacheRedis ({ redis }: CacheRedisOptions): CacheStore {
  const prefix = `${redis.keyPrefix('cache')}cache:`
  const entryOf = (key: string): string => `${prefix}entry:${digest(key)}`
  const tagOf = (tag: string): string => `${prefix}tag:${tag}`
  const turnOf = (key: string): string => `${prefix}turn:${digest(key)}`
  const ask = createPatience(redis.run)
  /** Tags that were invalidated while Redis was away. Until it has heard of it, nothing with them is found here. */
  const owed = new Set<string>()
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function settle (): Promise<boolean> {
    const tags = [...owed]
    if (tags.length === 0) return true
    if (await ask((commands) => invalidate(commands, tags.map(tagOf), [])) === undefined) {
      if (!closed) retry ??= setTimeout(() => { retry = undefined; void settle() }, retryMs).unref()
      return false
    }
    for (const tag of tags) owed.delete(tag)
    return true
  }

  async function remove (key: string): Promise<void> { await ask((commands) => commands.del(entryOf(key))) }

  return {
    async find ({ key, tags, lifeMs, accepts }): Promise<Found> {
      if (owed.size > 0 && tags.some((tag) => owed.has(tag)) && !await settle()) return nowhere
      const answer = await ask((commands) => find(commands, [entryOf(key), ...tags.map(tagOf)], [randomUUID(), Math.max(lifeMs, tagLifeMs)]))
      if (!Array.isArray(answer)) return nowhere
      const [ticket, leftMs, keptMs, text] = answer as [string, number?, number?, string?]
      if (leftMs === undefined) return { value: undefined, ageMs: 0, ticket, failed: false }
      const value = text === undefined ? undefined : readValue(text, accepts)
      if (value === undefined && text !== undefined) await remove(key)
      return { value, ageMs: Math.max(0, (keptMs ?? 0) - leftMs), ticket, failed: value === undefined }
    },
    async keep ({ key, tags, lifeMs }, ticket, { text }) {
      await ask((commands) => keep(commands, [entryOf(key), ...tags.map(tagOf)], [ticket, Math.ceil(lifeMs), text]))
    },
    remove,
    async invalidate (tags) {
      for (const tag of tags) owed.add(tag)
      await settle()
    },
    async claim (key, forMs): Promise<Claim> {
      const owner = randomUUID()
      const answer = await ask(async (commands) => await commands.set(turnOf(key), owner, 'PX', Math.ceil(forMs), 'NX') ?? 'taken')
      return {
        // Without an answer nobody knows of another: then each instance works for itself.
        isMine: answer !== 'taken',
        async release () { if (answer === 'OK') await ask((commands) => release(commands, [turnOf(key)], [owner])) }
      }
    },
    size: { entries: 0, bytes: 0 },
    close () {
      closed = true
      clearTimeout(retry)
    }
  }
}

const nowhere: Found = { value: undefined, ageMs: 0, ticket: undefined, failed: true }

/** Undefined for what is no such value. */
function readValue (text: string, accepts: (value: unknown) => boolean): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return accepts(value) ? freezeJson(value) : undefined
  } catch {
    return undefined
  }
}

function digest (key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
