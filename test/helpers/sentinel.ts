import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, run, type Teardown } from './server.ts'

/** What the sentinels of a test call their primary. */
export const primaryName = 'main'

export interface Sentinel {
  readonly port: number
  /** Resolves when it knows of a replica that could take over. */
  knowsReplica (): Promise<void>
}

export interface SentinelOptions {
  /** The port of the primary that is watched. */
  primary: number
  /** Where it listens; a free port unless told. */
  port?: number
  /** Further lines of its configuration. */
  lines?: readonly string[]
  /** Whether it speaks TLS and nothing else. */
  tls?: boolean
}

/** A real sentinel: alone, so that its own word is enough for a failover, and quick to call a primary dead. */
export async function startSentinel (t: Teardown, { primary, port, lines = [], tls = false }: SentinelOptions): Promise<Sentinel> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-sentinel-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const own = port ?? await freePort()
  const file = join(folder, 'sentinel.conf')
  writeFileSync(file, [
    ...(tls ? ['port 0', `tls-port ${own}`] : [`port ${own}`]),
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${primaryName} 127.0.0.1 ${primary} 1`,
    `sentinel down-after-milliseconds ${primaryName} 500`,
    `sentinel failover-timeout ${primaryName} 2000`,
    ...lines
  ].join('\n'))
  const program = run(t, [file, '--sentinel'], { command: 'redis-server', cwd: folder })
  await program.line(/Sentinel ID is/)
  return { port: own, knowsReplica: async () => { await program.line(/\+slave /) } }
}
