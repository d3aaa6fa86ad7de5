import type { Cluster, ClusterOptions, Redis } from 'ioredis'
import { groupPrefix, keyGroups } from './redis-commands.ts'
import { redisScript } from './redis-script.ts'
import type { RedisNode, RedisSettings } from './redis-settings.ts'
import type { RedisTransitions } from './redis-transitions.ts'

/**
 * A Redis Cluster. Each group of keys lives on one node, so each is asked for by itself whether it can be reached. Events take one node
 * too, that of the group "bus": only there does who publishes learn who listens, and does everything keep its order.
 */
export interface ClusterConnection {
  readonly commands: Cluster
  /** Hands an event to the node of events. Gives how many connections listen there. Rejects with errors of the client library. */
  publish (channel: string, text: string): Promise<number>
  /** Has a connection lead to the node of events whenever it connects. */
  leadToEvents (listener: Redis): void
  /** Asks for every group, and where events are; connections that listen elsewhere are made anew. Never rejects. */
  check (): Promise<void>
}

export interface ClusterConnectionOptions {
  Client: typeof Cluster
  settings: RedisSettings
  /** Some that tell of all others. */
  nodes: readonly RedisNode[]
  /** For the connection to each node. */
  nodeOptions: Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>
  pauseMs: (attempt: number) => number
  transitions: RedisTransitions
  reasonOf: (error: unknown) => string
}

const slotsTimeoutMs = 1_000
/** A command follows keys to another node, and once more while they are on their way. */
const maxRedirections = 4

/** KEYS: any of the group of events. ARGV: channel, text. Goes to the node of its key, as a plain PUBLISH does not. */
const publish = redisScript("return redis.call('PUBLISH', ARGV[1], ARGV[2])")

/** Makes the client; nothing is connected yet. */
export function createClusterConnection ({ Client, settings, nodes, nodeOptions, pauseMs, transitions, reasonOf }: ClusterConnectionOptions): ClusterConnection {
  const commands = new Client(nodes.map(({ host, port }) => ({ host, port })), {
    lazyConnect: true,
    clusterRetryStrategy: pauseMs,
    enableOfflineQueue: false,
    // It would be asked of a node that is not connected yet, and fail. Whether the groups are there tells more.
    enableReadyCheck: false,
    maxRedirections,
    // A command on a connection that broke may have been done: it is not sent again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: slotsTimeoutMs,
    // Names go to the nodes as they are: certificates are for names, and addresses change.
    dnsLookup: (name, answer) => { answer(null, name) },
    redisOptions: nodeOptions
  })
  // What is asked of a node while its connection is being made is refused: so none waits for its first command.
  const attempts = new Set<Promise<void>>()
  commands.on('+node', (node: Redis) => {
    const attempt = node.connect().catch(ignore).finally(() => { attempts.delete(attempt) })
    attempts.add(attempt)
  })
  commands.on('-node', () => { void ask() })

  const groups = keyGroups.map((name) => ({ name, key: groupPrefix(settings, name) }))
  const eventKey = groupPrefix(settings, 'bus')
  const listeners: Redis[] = []
  let checking: Promise<void> | undefined
  let eventSlot: number | undefined
  let eventNode: RedisNode | undefined

  /** One check at a time. */
  async function ask (): Promise<void> {
    await (checking ??= check().finally(() => { checking = undefined }))
  }

  async function check (): Promise<void> {
    // What one node tells may lead to more of them.
    while (attempts.size > 0) await Promise.all(attempts)
    if (commands.status !== 'ready') return
    await Promise.all([...groups.map(askFor), findEventNode()])
    for (const listener of listeners) if (listener.status === 'ready' && isElsewhere(listener)) listener.disconnect(true)
  }

  async function askFor (group: typeof groups[number]): Promise<void> {
    try {
      await commands.exists(group.key)
      transitions.arrived(group)
    } catch (error) {
      transitions.departed(group, `${group.name}: ${reasonOf(error)}`)
    }
  }

  function isElsewhere ({ options: { host, port } }: Redis): boolean {
    return eventNode !== undefined && (host !== eventNode.host || port !== eventNode.port)
  }

  async function findEventNode (): Promise<void> {
    try {
      eventSlot ??= await commands.cluster('KEYSLOT', eventKey)
      eventNode = ownerOf(eventSlot, await commands.cluster('SLOTS')) ?? eventNode
    } catch { /* It is asked again. What is known holds until then. */ }
  }

  return {
    commands,
    async publish (channel, text) { return Number(await publish(commands, [eventKey], [channel, text])) },
    leadToEvents (listener) {
      let attempt = 0
      // It reads its options whenever it connects. Until the node is known, it tries one after the other.
      const aim = (): void => { Object.assign(listener.options, eventNode ?? nodes[attempt++ % nodes.length]) }
      aim()
      listener.on('close', aim)
      listeners.push(listener)
    },
    check: ask
  }
}

/** Reads the answer of CLUSTER SLOTS: ranges of slots, each with its nodes, the primary first. */
function ownerOf (slot: number, ranges: unknown): RedisNode | undefined {
  if (!Array.isArray(ranges)) return undefined
  const range: unknown = ranges.find((range: unknown) => Array.isArray(range) && Number(range[0]) <= slot && slot <= Number(range[1]))
  const primary: unknown = Array.isArray(range) ? range[2] : undefined
  if (!Array.isArray(primary)) return undefined
  const [host, port] = primary as unknown[]
  return typeof host === 'string' && host !== '' && typeof port === 'number' ? { host, port } : undefined
}

function ignore (): void {}
