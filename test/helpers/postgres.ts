import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { DatabaseSection } from '../../schemas/config/storage.ts'
import type { Database } from '../../src/core/database.ts'
import { openPostgres } from '../../src/stores/postgres.ts'
import { commandOf, makeCluster, settingsOf, writeOwn } from '../../scripts/postgres-commands.ts'
import { createRecorder, type Recorder } from './log-recorder.ts'
import { freePort, run, type Program, type Teardown } from './server.ts'

/** A real PostgreSQL for a test: on a free port, in a directory of its own, gone with the test. */
export interface PostgresServer {
  readonly port: number
  readonly password: string | undefined
  readonly url: string
  /** A section below `databases` that leads to it. */
  section (more?: Partial<DatabaseSection>): DatabaseSection
  /** Runs statements beside those that are tested, as the owner of everything. */
  sql (text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Stops all of it in the middle of whatever it does (SIGSTOP): connections stay, answers do not come. */
  pause (): void
  resume (): void
  /** Ends it at once (SIGKILL) and waits for that. */
  kill (): Promise<void>
  /** Ends it as an operator does: it hangs up on everybody. */
  stop (): Promise<void>
  /** Starts it again on the same port, with its data. */
  restart (): Promise<void>
}

export interface PostgresServerOptions {
  /** Without one, everybody is let in. */
  password?: string
  /** Further settings. */
  settings?: Readonly<Record<string, string | number>>
  /** A certificate and its key, PEM: then it speaks TLS, and nothing else. */
  tls?: { readonly cert: string, readonly key: string }
}

const attempts = 5
const user = 'gantry'
export async function startPostgres (t: Teardown, { password, settings: more = {}, tls }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-postgres-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const data = join(folder, 'data')
  makeCluster(folder, data, { user, password })
  if (tls !== undefined) {
    writeOwn(join(data, 'server.crt'), tls.cert)
    writeOwn(join(data, 'server.key'), tls.key)
    writeOwn(join(data, 'pg_hba.conf'), `hostssl all all 127.0.0.1/32 ${password === undefined ? 'trust' : 'scram-sha-256'}\n`)
  }
  const options = settingsOf({ ...(tls !== undefined && { ssl: 'on' }), ...more })
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
    const [command, args] = commandOf('postgres', ['-D', data, '-p', String(port), ...options])
    const started = run(t, args, { command, cwd: folder })
    // A killed one leaves its children behind, which keep its memory.
    t.teardown(() => { signalAll(started.pid, 'SIGKILL') })
    await started.line(/database system is ready to accept connections/)
    return started
  }

  async function signalAndWait (signal: NodeJS.Signals): Promise<void> {
    signalAll(program.pid, signal)
    await program.exited
  }

  return {
    port,
    password,
    url: `postgres://${user}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@127.0.0.1:${port}/postgres`,
    section: (rest = {}) => databaseSection({ port, user, database: 'postgres', ...(password !== undefined && { password }), ...rest }),
    async sql (text, values = []) {
      const client = new pg.Client({ host: '127.0.0.1', port, user, database: 'postgres', password: password ?? '', ssl: tls === undefined ? false : { rejectUnauthorized: false } })
      await client.connect()
      try {
        const { rows } = await client.query(text, [...values]) as { rows?: Record<string, unknown>[] }
        return rows ?? []
      } finally {
        await client.end()
      }
    },
    pause () { signalAll(program.pid, 'SIGSTOP') },
    resume () { signalAll(program.pid, 'SIGCONT') },
    kill: () => signalAndWait('SIGKILL'),
    async stop () {
      program.signal('SIGINT')
      await program.exited
    },
    async restart () { program = await startAt(port) }
  }
}

/** A section below `databases` with the defaults that the loader fills in. */
export function databaseSection (more: Partial<DatabaseSection> = {}): DatabaseSection {
  return { host: '127.0.0.1', port: 5432, ssl: 'disable', max: 20, maxQueue: 200, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 2000, statementTimeout: 10_000, ...more }
}

export interface OpenedDatabase { database: Database, log: Recorder }

/** A database as the server opens it, with what it logs. It closes with the test. */
export function openDatabase (t: Teardown, section: DatabaseSection, log: Recorder = createRecorder()): OpenedDatabase {
  const database = openPostgres({ name: 'main', section, serverName: 'test', logger: log.logger, clock: { now: () => Date.now() } })
  t.teardown(() => database.close())
  return { database, log }
}

/** Each connection has a process of its own, which does not stop with the first. */
function signalAll (pid: number, signal: NodeJS.Signals): void {
  const parents = new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), parentOf(name)]))
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child)
  for (const target of [pid, ...children]) {
    try {
      process.kill(target, signal)
    } catch {
      // It is gone already.
    }
  }
}

function parentOf (pid: string): number {
  try {
    // The name, in parentheses, may hold spaces.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1])
  } catch {
    return NaN // It has ended meanwhile.
  }
}
