import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { commandOf, makeCluster, settingsOf } from '../scripts/postgres-commands.ts'
import { startChild, stopChild } from './children.ts'
import { accepts, freePort } from './server-process.ts'

/** A PostgreSQL that listens, for the servers that need one. */
export type PostgresProcess = { url: string, stop: () => Promise<void> }

const USER = 'bench'
const START_MS = 20_000
const POLL_MS = 20

/** Starts one on a free port, with nothing in it. Throws when it does not listen. */
export async function startPostgres (): Promise<PostgresProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-postgres-'))
  const data = join(folder, 'data')
  const port = await freePort()
  makeCluster(folder, data, { user: USER })
  const [command, args] = commandOf('postgres', ['-D', data, '-p', String(port), ...settingsOf({ max_connections: 100 })])
  const child = startChild(command, args, { cwd: folder, stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    await stopChild(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!await accepts(port)) {
    if (child.exitCode === null && Date.now() < deadline) {
      await wait(POLL_MS)
      continue
    }
    await stop()
    throw new Error('PostgreSQL does not listen')
  }
  return { url: `postgres://${USER}@127.0.0.1:${port}/postgres`, stop }
}
