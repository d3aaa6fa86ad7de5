import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const statuses = ['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO'] as const
export type Status = typeof statuses[number]

/** One check of the suite. */
export interface Check { readonly id: string, readonly status: Status, readonly errorMessage?: string }

/** The checks of each scenario that was begun; none where it came to no result. */
export type Results = ReadonlyMap<string, readonly Check[]>

/** Reads what the suite wrote into its output folder about the scenarios that it said it began. */
export function readResults (folder: string, begun: readonly string[]): Results {
  const results = new Map<string, readonly Check[]>(begun.map((scenario) => [scenario, []]))
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(name)?.[1]
    const file = join(folder, name, 'checks.json')
    if (scenario !== undefined && existsSync(file)) results.set(scenario, readChecks(file))
  }
  return results
}

function readChecks (file: string): Check[] {
  const checks: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(checks) || !checks.every(isCheck)) throw new Error(`${file} is not the list of checks that this edition of the suite writes.`)
  return checks
}

function isCheck (value: unknown): value is Check {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' &&
    'status' in value && statuses.some((status) => status === value.status)
}
