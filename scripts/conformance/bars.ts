import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'

const require = createRequire(import.meta.url)

/** The two editions of the official suite, by the names they are installed under. */
export const editions = { current: '@modelcontextprotocol/conformance', stable: 'conformance-0-1' } as const

/** All that the suite needs of a server, as a user would write it: a configuration and handlers. */
export const fixture = 'test/conformance/server.yaml'

/** What has to come of some of a run's scenarios. The suite is pinned, so a run that does less than this left something out. */
export interface Bar {
  readonly part: string
  /** Whether a scenario belongs here, if no bar before this one took it. */
  holds (scenario: string): boolean
  /** This many scenarios, no more and no fewer, and each of them passes. */
  readonly scenarios: number
  /** The checks in them that pass, at least. */
  readonly checks: number
}

/** One start of the suite. */
export interface Run {
  /** What it shows, in plain words. */
  readonly promise: string
  readonly edition: keyof typeof editions
  readonly arguments: readonly string[]
  readonly bars: readonly Bar[]
}

export const runs: readonly Run[] = [
  {
    promise: 'every scenario that 2025-11-25 requires passes without a warning, and so do those beyond it',
    edition: 'current',
    arguments: ['--requirements', '2025-11-25'],
    bars: [
      { part: 'required', holds: requiredBy('2025-11-25'), scenarios: 30, checks: 69 },
      { part: 'beyond', holds: any, scenarios: 3, checks: 14 }
    ]
  },
  {
    promise: 'every scenario that 2026-07-28 requires passes without a warning, and so do those beyond it and of the tasks extension',
    edition: 'current',
    arguments: ['--requirements', '2026-07-28'],
    bars: [
      { part: 'required', holds: requiredBy('2026-07-28'), scenarios: 37, checks: 120 },
      { part: 'tasks extension', holds: isOfTasks, scenarios: 10, checks: 44 },
      { part: 'beyond', holds: any, scenarios: 3, checks: 32 }
    ]
  },
  everythingAt('2025-03-26', { scenarios: 1, checks: 3 }),
  everythingAt('2025-06-18', { scenarios: 27, checks: 56 }),
  everythingAt('2025-11-25', { scenarios: 33, checks: 83 }),
  everythingAt('2026-07-28', { scenarios: 40, checks: 152 }),
  {
    promise: 'every scenario of the stable edition passes without a warning',
    edition: 'stable',
    arguments: ['--suite', 'all'],
    bars: [{ part: 'all', holds: any, scenarios: 32, checks: 46 }]
  }
]

/** The version of an edition that is installed. */
export function versionOf (edition: Run['edition']): string {
  const { version } = JSON.parse(readFileSync(manifestOf(edition), 'utf8')) as { version: string }
  return version
}

/** The script of an edition. */
export function programOf (edition: Run['edition']): string {
  return join(dirname(manifestOf(edition)), 'dist/index.js')
}

function manifestOf (edition: Run['edition']): string {
  return require.resolve(`${editions[edition]}/package.json`)
}

function everythingAt (revision: string, amounts: Pick<Bar, 'scenarios' | 'checks'>): Run {
  return {
    promise: `every scenario that applies to ${revision} passes without a warning`,
    edition: 'current',
    arguments: ['--suite', 'all', '--spec-version', revision],
    bars: [{ part: 'all', holds: any, ...amounts }]
  }
}

/** The list that the suite froze when the revision was released. */
function requiredBy (revision: string): Bar['holds'] {
  const file = join(dirname(manifestOf('current')), 'requirements', `${revision}.yaml`)
  const { server } = parse(readFileSync(file, 'utf8')) as { server: string[] }
  const required = new Set(server)
  return (scenario) => required.has(scenario)
}

function isOfTasks (scenario: string): boolean {
  return scenario.startsWith('tasks-')
}

function any (): boolean {
  return true
}
