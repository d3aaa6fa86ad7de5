import { createHash } from 'node:crypto'
import type { RedisCommands } from './redis-commands.ts'

/** A script that Redis runs as one step. Its keys, of which there is one at least, belong to one group. */
export type RedisScript = (commands: RedisCommands, keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>

/** Runs a script by its digest; a Redis that does not know it, because it was restarted for one, is sent the text. */
export function redisScript (lua: string): RedisScript {
  const digest = createHash('sha1').update(lua).digest('hex')
  return async (commands, keys, args) => {
    try {
      return await commands.evalsha(digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await commands.eval(lua, keys.length, ...keys, ...args)
    }
  }
}
