import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { RedisSection } from '../../schemas/config/storage.ts'
import { openRedis, type RedisConnections } from '../../src/stores/redis-client.ts'
import { redisSettings } from '../../src/stores/redis-settings.ts'
import { createRecorder, type Recorder } from './log-recorder.ts'
import { freePort, run, type Program, type Teardown } from './server.ts'

/** A real Redis for a test: on a free port, with nothing kept on disk, gone with the test. */
export interface RedisServer {
  readonly port: number
  readonly password: string | undefined
  readonly url: string
  /** The `redis` section that leads to it. */
  section (more?: Partial<RedisSection>): RedisSection
  /** A client beside those that are tested. */
  client (): Promise<Redis>
  /** Stops it in the middle of whatever it does (SIGSTOP): connections stay, answers do not come. */
  pause (): void
  resume (): void
  /** Ends it at once (SIGKILL) and waits for that. */
  kill (): Promise<void>
  /** Starts it again on the same port, empty. */
  restart (): Promise<void>
}

export interface RedisServerOptions {
  password?: string
  /** Further arguments of redis-server. */
  args?: readonly string[]
}

const attempts = 5

export async function startRedis (t: Teardown, { password, args = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-redis-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const command = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...(password === undefined ? [] : ['--requirepass', password]), ...args]
  let { program, port } = await startSomewhere()

  /** Another program may have taken the port that was free: then on another one. */
  async function startSomewhere (): Promise<{ program: Program, port: number }> {
    let failure: unknown
    for (let attempt = 0; attempt < attempts; attempt++) {
      const port = await freePort()
      try {
        return { program: await startAt(port), port }
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async function startAt (port: number): Promise<Program> {
    const started = run(t, ['--port', String(port), ...command], { command: 'redis-server', cwd: folder })
    await started.line(/Ready to accept connections/)
    return started
  }

  return {
    port,
    password,
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    section: (more = {}) => redisSection({ port, ...(password !== undefined && { password }), ...more }),
    async client () {
      const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, ...(password !== undefined && { password }), retryStrategy: () => 20 })
      client.on('error', () => {}) // the tests take the server away
      t.teardown(() => { client.disconnect() })
      await client.connect()
      return client
    },
    pause () { program.signal('SIGSTOP') },
    resume () { program.signal('SIGCONT') },
    async kill () {
      program.signal('SIGKILL')
      await program.exited
    },
    async restart () { program = await startAt(port) }
  }
}

/** A `redis` section with the defaults that the loader fills in. */
export function redisSection (more: Partial<RedisSection> = {}): RedisSection {
  return { host: '127.0.0.1', port: 6379, db: 0, tls: false, keyPrefix: '', commandTimeout: 1000, ...more }
}

export interface OpenedRedis { redis: RedisConnections, log: Recorder }

/** Connections as the server opens them, with what they log. They close with the test. */
export async function connectRedis (t: Teardown, section: RedisSection, log: Recorder = createRecorder()): Promise<OpenedRedis> {
  const redis = await openRedis({ settings: redisSettings(section, process.cwd()), logger: log.logger, clock: { now: () => Date.now() } })
  t.teardown(() => redis.close())
  return { redis, log }
}

/** Moves what was counted into the past. */
export async function passCountedTime (client: Redis, ms: number): Promise<void> {
  for (const key of await client.keys('*limit:*')) {
    const [text, left] = [await client.get(key) ?? '', await client.pttl(key)]
    if (left <= ms) await client.del(key)
    else await client.set(key, text.replace(/(\d+):/g, (_match, time: string) => `${Number(time) - ms}:`), 'PX', left - ms)
  }
}

/** Lets time pass for everything that Redis keeps below a prefix, without waiting: what would have ended by then is gone. */
export async function passTime (client: Redis, ms: number, pattern = '*'): Promise<void> {
  for (const key of await client.keys(pattern)) {
    if (await client.type(key) === 'zset') {
      for (const member of await client.zrange(key, '0', '-1')) await client.zincrby(key, String(-ms), member)
    }
    const left = await client.pttl(key)
    if (left < 0) continue
    if (left <= ms) await client.del(key)
    else await client.pexpire(key, left - ms)
  }
}
