import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild, stopChild } from './children.ts'
import { nodeCommand } from './cores.ts'
import type { Scenario } from './scenarios.ts'

/** A server of the benchmark that is listening. */
export type ServerProcess = { pid: number, origin: string, stop: () => Promise<void> }

export type ServerOptions = {
  core: number | undefined
  /** Where its output goes: a file, as a service manager would keep it. */
  directory: string
  /** The URL of a PostgreSQL, for those that need one. */
  databaseUrl?: string | undefined
  /** Where a CPU profile goes, if one is wanted. */
  profiles: string | undefined
}

/** The project's root folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const HOST = '127.0.0.1'
const START_MS = 20_000
const POLL_MS = 20

/** Starts the server of a scenario on a free port. Throws with the end of its output when it does not listen. */
export async function startServer (scenario: Scenario, options: ServerOptions): Promise<ServerProcess> {
  const port = await freePort()
  const logFile = join(options.directory, `${scenario.name}.log`)
  const log = openSync(logFile, 'w')
  const flags = options.profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profiles}`]
  const [command, args] = nodeCommand(options.core, [...flags, ...scenario.command])
  const child = startChild(command, args, { cwd: ROOT, env: environment(port, options), stdio: ['ignore', log, log] })
  closeSync(log)

  let failure: Error | undefined
  child.once('error', (cause) => { failure = new Error(`${scenario.name}: ${command} could not be started`, { cause }) })
  const deadline = Date.now() + START_MS
  while (!await accepts(port)) {
    failure ??= child.exitCode !== null || child.signalCode !== null ? new Error(`${scenario.name} ended before it listened`) : undefined
    failure ??= Date.now() > deadline ? new Error(`${scenario.name} does not listen after ${START_MS} ms`) : undefined
    if (failure !== undefined) {
      await stopChild(child)
      throw new Error(`${failure.message}; its last words:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`, { cause: failure })
    }
    await wait(POLL_MS)
  }
  if (child.pid === undefined) throw new Error(`${scenario.name} has no process id`)
  return { pid: child.pid, origin: `http://${HOST}:${port}`, stop: () => stopChild(child) }
}

/** Nothing of the caller's environment but the path: two runs on two shells measure the same thing. */
/** Where servers may write what they keep, beside their logs, is in BENCH_DIRECTORY. */
function environment (port: number, { directory, databaseUrl }: ServerOptions): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    HOST,
    PORT: String(port),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    API_KEY_SALT: randomBytes(32).toString('hex'),
    BENCH_DIRECTORY: directory,
    ...databaseUrl !== undefined && { DATABASE_URL: databaseUrl }
  }
}

export async function freePort (): Promise<number> {
  const probe = createServer().listen(0, HOST)
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port on the loopback address')
  return address.port
}

export async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, HOST)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    // Refused: not listening yet.
    return false
  } finally {
    socket.destroy()
  }
}
