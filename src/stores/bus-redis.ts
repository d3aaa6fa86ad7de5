import type { EventBus } from '../core/bus.ts'
import { isObject } from '../core/json-rpc.ts'
import type { Logger } from '../core/ports.ts'
import { createListeners } from './bus-listeners.ts'
import type { RedisConnection, RedisConnections } from './redis-client.ts'

export interface BusRedisOptions { redis: Pick<RedisConnections, 'run' | 'connect' | 'publish' | 'channelPrefix'>, logger: Logger }

/** Channels in one command when all are subscribed again. */
const chunkSize = 1_000
const pauseMs = 1_000

/**
 * Events between all instances that share a Redis: publish and subscribe, in the order of each publisher. What is published while an
 * instance is cut off from Redis does not reach it; its subscriptions hold, and go on when Redis is back.
 */
export function createBusRedis ({ redis, logger }: BusRedisOptions): EventBus {
  const prefix = `${redis.channelPrefix}bus:`
  const listeners = createListeners(logger, leave)
  /** Channels that Redis was asked for since the connection stands. */
  const joins = new Map<string, Promise<void>>()
  let connection: RedisConnection | undefined
  let pause: NodeJS.Timeout | undefined
  let closed = false

  /** Opened with the first subscription: a connection that listens can do nothing else. */
  function open (): RedisConnection {
    if (connection !== undefined) return connection
    connection = redis.connect('events')
    const { client } = connection
    client.on('message', deliver)
    client.on('close', () => { joins.clear() })
    client.on('ready', rejoin)
    return connection
  }

  /** A connection that is new has no subscriptions. */
  function rejoin (): void {
    clearTimeout(pause)
    pause = undefined
    if (closed || connection?.client.status !== 'ready') return
    const waiting = listeners.channels().filter((channel) => !joins.has(channel))
    for (let start = 0; start < waiting.length; start += chunkSize) {
      join(waiting.slice(start, start + chunkSize)).catch(rejoinLater)
    }
  }

  /** Where Redis refuses subscriptions, they are asked for again from time to time. */
  function rejoinLater (): void {
    pause ??= setTimeout(rejoin, pauseMs).unref()
  }

  function deliver (name: string, text: string): void {
    const channel = name.slice(prefix.length)
    if (!listeners.has(channel)) return
    try {
      const event: unknown = JSON.parse(text)
      if (isObject(event)) listeners.deliver(channel, event)
      else logger.error({ channel }, 'Something that is no event came over the event bus.')
    } catch (error) {
      logger.error({ err: error, channel }, 'Something that is no event came over the event bus.')
    }
  }

  function join (channels: readonly string[]): Promise<void> {
    const { client } = open()
    const joining = redis.run(async () => { await client.subscribe(...channels.map((channel) => prefix + channel)) })
    for (const channel of channels) joins.set(channel, joining)
    joining.catch(() => {
      for (const channel of channels) if (joins.get(channel) === joining) joins.delete(channel)
    })
    return joining
  }

  function leave (channel: string): void {
    joins.delete(channel)
    // Where this fails the connection is gone, and its subscriptions with it.
    if (connection?.client.status === 'ready') connection.client.unsubscribe(prefix + channel).catch(() => {})
  }

  return {
    async publish (channel, event) {
      return await redis.publish(prefix + channel, JSON.stringify(event))
    },
    async subscribe (channel, listener, { lasting = false } = {}) {
      const remove = listeners.add(channel, listener)
      try {
        await open().attempted
        await (joins.get(channel) ?? join([channel]))
      } catch (error) {
        if (lasting) {
          rejoinLater()
          return remove
        }
        remove()
        throw error
      }
      return remove
    },
    close () {
      closed = true
      clearTimeout(pause)
      listeners.clear()
      joins.clear()
    }
  }
}
