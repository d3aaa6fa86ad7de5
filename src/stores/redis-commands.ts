import type { RedisCommander } from 'ioredis'
import type { RedisSettings } from './redis-settings.ts'

/** The commands of Redis. A cluster takes them as a single server does, as long as the keys of one command belong to one group. */
export type RedisCommands = RedisCommander<{ type: 'default', mapping: 'resp2' }>

/** Keys that may meet in one command. */
export type KeyGroup = typeof keyGroups[number]
export const keyGroups = ['sessions', 'streams', 'tasks', 'limits', 'cache', 'bus', 'health'] as const

/** What the keys of a group begin with. A cluster keeps what has the same text in braces on one node. */
export function groupPrefix ({ keyPrefix, cluster }: Pick<RedisSettings, 'keyPrefix' | 'cluster'>, group: KeyGroup): string {
  return cluster === undefined ? keyPrefix : `${keyPrefix}{${group}}:`
}
