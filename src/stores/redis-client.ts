import type { EventEmitter } from 'node:events'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { GantryError } from '../core/errors.ts'
import type { Clock, Logger } from '../core/ports.ts'
import { createClusterConnection } from './redis-cluster.ts'
import { groupPrefix, type KeyGroup, type RedisCommands } from './redis-commands.ts'
import { createReasons, createRefusalLog, stateUnavailable } from './redis-failure.ts'
import { addressText, type RedisSentinels, type RedisSettings, type RedisTlsSettings } from './redis-settings.ts'
import { createRedisTransitions } from './redis-transitions.ts'

/** The Redis of a configuration: connections that come back by themselves and commands that never wait for that. */
export interface RedisConnections {
  /** Where it is, without credentials. */
  readonly address: string
  /** What the keys of a group begin with. Keys of one command belong to one group: a cluster has each on one node. */
  keyPrefix (group: KeyGroup): string
  readonly channelPrefix: string
  /** The connection for commands, for libraries that want one. Whoever uses it translates its errors: see `run`. */
  readonly commands: RedisCommands
  /** Whether all connections are there and, in a cluster, each group of keys. */
  readonly available: boolean
  /** Runs commands. Rejects with StateUnavailableError, which names what is not reached, when Redis is away, is too slow or refuses. Other errors of `work` pass. */
  run<T> (work: (commands: RedisCommands) => Promise<T>, what?: string): Promise<T>
  /** Hands a text to all connections that listen to a channel, in the order of its calls. Gives their number. Rejects as `run` does. */
  publish (channel: string, text: string): Promise<number>
  /** Opens a further connection under a name of its own. It closes with the others; after that this throws StateUnavailableError. */
  connect (purpose: string): RedisConnection
  /** Ends all connections, within half a second each way. */
  close (): Promise<void>
}

export interface RedisConnection {
  readonly client: Redis
  /** Resolves when the first attempt has come to an end, good or bad, or takes too long to wait for. */
  readonly attempted: Promise<void>
}

export interface RedisOpenOptions {
  settings: RedisSettings
  logger: Logger
  clock: Clock
}

const connectTimeoutMs = 2_000
const heartbeatMs = 2_000
const longestPauseMs = 1_000
const quitLimitMs = 500
const demotionPauseMs = 5_000
/** What the library says of a connection that closed, whatever the reason was. */
const bareLoss = 'Connection is closed.'

/** Opens the connection for commands, loading the client library now. Resolves when the first attempt has ended; a Redis that is away is no error. */
export async function openRedis ({ settings, logger, clock }: RedisOpenOptions): Promise<RedisConnections> {
  const { Redis, Cluster } = await import('ioredis')
  const address = addressText(settings)
  const reasonOf = createReasons([settings.password, settings.sentinels?.password])
  const transitions = createRedisTransitions(logger, address, clock)
  const noteRefusal = createRefusalLog(logger, address, clock)
  const clients: (Redis | Cluster)[] = []
  let closing = false

  /** Connects, and goes on trying. Resolves when the first attempt has ended. */
  async function open (client: Redis | Cluster): Promise<void> {
    const events: EventEmitter = client
    let reason = 'the connection was closed'
    const note = (error: unknown): void => {
      const text = reasonOf(error)
      // Of several nodes, or attempts, one may have told why.
      if (text !== bareLoss) reason = text
    }
    events.on('error', (error: unknown) => {
      note(error)
      // No sentinel leads to a primary, and each of them was asked: there is no connection that could close.
      if (client.status === 'connecting') transitions.departed(client, reason)
    })
    events.on('node error', note)
    events.on('ready', () => {
      if (client !== cluster?.commands) transitions.arrived(client)
      // That one node told of the others is not enough.
      else void cluster.check().then(() => { if (client.status === 'ready') transitions.arrived(client) })
    })
    events.on('close', () => {
      transitions.departed(client, reason)
      reason = 'the connection was closed'
    })
    clients.push(client)
    const attempted = new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, connectTimeoutMs)
      const end = (): void => { clearTimeout(limit); resolve() }
      events.once('ready', end).once('close', end)
      if (settings.sentinels !== undefined) events.once('error', end)
    })
    client.connect().catch(ignore) // "close" has it, and the next attempt follows by itself.
    await attempted
  }

  function connect (purpose: string): RedisConnection {
    if (closing) throw stateUnavailable('the server is closing')
    const client = new Redis(clientOptions(settings, purpose, clock))
    cluster?.leadToEvents(client)
    return { client, attempted: open(client) }
  }

  async function run<T> (work: (commands: RedisCommands) => Promise<T>, what?: string): Promise<T> {
    try {
      return await work(commands)
    } catch (error) {
      if (error instanceof GantryError || error instanceof TypeError || error instanceof SyntaxError) throw error
      const reason = reasonOf(error)
      if (isReply(error)) noteRefusal(reason)
      throw stateUnavailable(reason, what)
    }
  }

  async function close (): Promise<void> {
    closing = true
    transitions.end()
    clearInterval(heartbeat)
    await Promise.all(clients.map(quit))
  }

  const cluster = settings.cluster === undefined ? undefined : createClusterConnection({ Client: Cluster, settings, nodes: settings.cluster, nodeOptions: sharedOptions(settings, 'commands', clock), pauseMs, transitions, reasonOf })
  const commands = cluster?.commands ?? new Redis(clientOptions(settings, 'commands', clock))
  const heartbeat = setInterval(() => {
    for (const client of clients) if (client.status === 'ready') client.ping().catch(ignore)
    void cluster?.check()
  }, heartbeatMs)
  heartbeat.unref()
  await open(commands)
  await cluster?.check()
  return {
    address,
    keyPrefix: (group) => groupPrefix(settings, group),
    channelPrefix: settings.channelPrefix,
    commands,
    get available () { return transitions.available },
    run,
    publish: async (channel, text) => await run(() => cluster === undefined ? commands.publish(channel, text) : cluster.publish(channel, text)),
    connect,
    close
  }
}

function clientOptions (settings: RedisSettings, purpose: string, clock: Clock) {
  const { node, sentinels, tls, commandTimeoutMs } = settings
  return {
    ...(sentinels === undefined ? node : sentinelOptions(sentinels, tls, commandTimeoutMs)),
    ...sharedOptions(settings, purpose, clock),
    // Nothing waits for a connection: a command fails at once while there is none, and when it is lost.
    enableOfflineQueue: false,
    retryStrategy: pauseMs
  } satisfies RedisOptions
}

/** What a connection to a node of a cluster has, too. */
function sharedOptions ({ username, password, db, tls, commandTimeoutMs }: RedisSettings, purpose: string, clock: Clock) {
  return {
    username,
    password,
    db,
    ...(tls !== undefined && { tls }),
    connectionName: `gantry:${purpose}`,
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: quitLimitMs,
    commandTimeout: commandTimeoutMs,
    // Silence while an answer is due, if only that to a heartbeat, means that the connection is dead. Until it is cut, commands that timed
    // out stay queued for the order of the answers; afterwards they fail at once.
    socketTimeout: commandTimeoutMs + 500,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // The library's own would leave a rejection that nobody handles; the bus subscribes again.
    autoResubscribe: false,
    maxLoadingRetryTime: longestPauseMs,
    reconnectOnError: createDemotionCheck(clock)
  } satisfies RedisOptions
}

/** All sentinels are asked, again and again: one that knows the primary is enough. */
function sentinelOptions ({ nodes, name, username, password }: RedisSentinels, tls: RedisTlsSettings | undefined, commandTimeoutMs: number) {
  return {
    sentinels: nodes.map(({ host, port }) => ({ host, port })),
    name,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    sentinelCommandTimeout: commandTimeoutMs,
    sentinelRetryStrategy: pauseMs,
    // Those of the configuration are asked and no others: what one of them tells of the rest may not be reachable from here.
    updateSentinels: false
  } satisfies RedisOptions
}

/** How long to wait before the next attempt. */
function pauseMs (attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 10), longestPauseMs) * (0.75 + Math.random() / 4)
}

/** Whether a primary has become a replica: then the name may lead to the new primary by now. Asked with every error; true from time to time. */
function createDemotionCheck (clock: Clock): (error: Error) => boolean {
  let triedAt = -Infinity
  return ({ message }) => {
    if (!message.startsWith('READONLY') || clock.now() - triedAt < demotionPauseMs) return false
    triedAt = clock.now()
    return true
  }
}

/** An error that Redis answered with, as opposed to one on the way. A cluster that misses a node is away. */
function isReply (error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !error.message.startsWith('CLUSTERDOWN')
}

/** Says goodbye where that is possible, and hangs up in any case. */
async function quit (client: Redis | Cluster): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  if (client.status === 'ready') {
    const limit = new Promise<void>((resolve) => { timer = setTimeout(resolve, quitLimitMs) })
    await Promise.race([client.quit().then(ignore, ignore), limit])
  }
  clearTimeout(timer)
  if (client.status !== 'end') client.disconnect()
}

function ignore (): void {}
