import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { SCENARIOS } from './scenarios.ts'
import { ROOT } from './server-process.ts'

/** What a reader must know to compare the figures with others. */
export type Machine = { cpu: string, memory: string, node: string, packages: string[], load: number }

export function describeMachine (): Machine {
  const all = cpus()
  const names = new Set(['autocannon', ...SCENARIOS.flatMap(({ package: name }) => name ?? [])])
  return {
    cpu: `${all[0]?.model.trim() ?? 'unknown CPU'}, ${all.length} cores, ${platform()} ${arch()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    packages: [`mcp-gantry ${version('package.json')}`, ...[...names].map((name) => `${name} ${version(join('node_modules', name, 'package.json'))}`)],
    load: loadavg()[0] ?? 0
  }
}

function version (manifest: string): string {
  const parsed: unknown = JSON.parse(readFileSync(join(ROOT, manifest), 'utf8'))
  if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) throw new Error(`${manifest} names no version`)
  return String(parsed.version)
}
