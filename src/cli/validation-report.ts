import { isAbsolute, relative } from 'node:path'
import { faultsToJson, formatFaults } from '../config/format-faults.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../../schemas/config/index.ts'

/** What `gantry validate` says about a file. */

interface Summary {
  name: string
  version: string
  tools: { total: number, byHandler: Record<string, number> }
  prompts: number
  resources: number
  resourceTemplates: number
}

/** One JSON document. `summary` is null when the file cannot be used. */
export function reportForPrograms ({ file, config, faults, notices }: LoadedConfig): string {
  const report = {
    file,
    valid: config !== undefined,
    faults: faultsToJson(faults),
    notices: notices.map(({ message }) => message),
    summary: config === undefined ? null : summarize(config)
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

export interface ReportOptions { cwd: string, color: boolean }

export function reportForPeople ({ file, config, faults, notices }: LoadedConfig, { cwd, color }: ReportOptions): string {
  const name = shortName(file, cwd)
  const notes = notices.map(({ message }) => `note: ${message}`)
  const closing = file === '' ? [] : ['', `${count(faults.length, 'fault')} in ${name}. It would not be served.`]
  const verdict = config === undefined ? [formatFaults(faults, name, { color }), ...closing] : [`${name} is sound.`, ...describe(config)]
  return `${[...verdict, ...notes].join('\n')}\n`
}

function describe (config: Config): string[] {
  const { tools, prompts, resources, resourceTemplates } = summarize(config)
  const kinds = Object.entries(tools.byHandler).map(([type, number]) => `${number} ${type}`).join(', ')
  return [
    `  tools      ${tools.total}${kinds === '' ? '' : ` (${kinds})`}`,
    `  prompts    ${prompts}`,
    `  resources  ${resources}${resourceTemplates === 0 ? '' : ` and ${count(resourceTemplates, 'template')}`}`
  ]
}

function summarize ({ name, version, tools, prompts, resources }: Config): Summary {
  const byHandler: Record<string, number> = {}
  for (const { handler: { type } } of tools) byHandler[type] = (byHandler[type] ?? 0) + 1
  const resourceTemplates = resources.filter(({ uriTemplate }) => uriTemplate !== undefined).length
  return { name, version, tools: { total: tools.length, byHandler }, prompts: prompts.length, resources: resources.length - resourceTemplates, resourceTemplates }
}

/** As the user would name the file: from here, unless that would lead up and away. */
function shortName (file: string, cwd: string): string {
  if (file === '') return 'configuration'
  const way = relative(cwd, file)
  return way.startsWith('..') || isAbsolute(way) ? file : way
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
