import { faults } from './faults.ts'
import { completions, prompts, resources } from './prompts.ts'
import type { Promised } from './promise.ts'
import { reports } from './reports.ts'
import { tools } from './tools.ts'
import { introductions } from './introductions.ts'

/** Everything that a server with the configuration of the fixture keeps through every door. */
export const promises: readonly Promised[] = [...introductions, ...tools, ...prompts, ...resources, ...completions, ...reports, ...faults]
