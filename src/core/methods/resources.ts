import type { Exchange } from '../exchange.ts'
import type { Method } from '../dispatcher.ts'
import type { Registries, ResourceEntry, ResourceTemplateEntry } from '../entries.ts'
import { InvalidParamsError, ResourceUnknownError } from '../errors.ts'
import type { Registry } from '../registry.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'
import { callEntry, type CallParts } from './call.ts'
import { createListMethod } from './list.ts'

export interface ResourceParts extends CallParts {
  resources: Registry<ResourceEntry>
  templates: Registry<ResourceTemplateEntry>
  wire: Wire
  pageSize: number
  tolerance: Tolerance
}

/** `resources/list`, `resources/templates/list` and `resources/read`. MCP 2026-07-28 server/resources. */
export function createResourceMethods (parts: ResourceParts): [string, Method][] {
  const { resources, templates, wire, pageSize, tolerance } = parts

  function readResource (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { uri } = params
    if (typeof uri !== 'string') throw new InvalidParamsError('params.uri must be the URI of a resource.')
    const { entry, variables } = findResource(parts, uri)
    return callEntry(parts, {
      entry, target: `resources/read ${uri}`, params, args: variables, exchange, uri, write: (result) => wire.result(result, exchange.revision, entry.cacheHint)
    })
  }

  return [
    ['resources/list', createListMethod({ registry: resources, key: 'resources', describe: (entry) => entry.description, wire, pageSize, tolerance })],
    ['resources/templates/list', createListMethod({ registry: templates, key: 'resourceTemplates', describe: (entry) => entry.description, wire, pageSize, tolerance })],
    ['resources/read', readResource]
  ]
}

export interface FoundResource {
  entry: ResourceEntry | ResourceTemplateEntry
  /** The values of a template's variables; none for a plain resource. */
  variables: JsonObject
}

/** Whether there is something at a URI. */
export function hasResource ({ resources, templates }: Pick<Registries, 'resources' | 'templates'>, uri: string): boolean {
  return resources.get(uri) !== undefined || templates.list.some(({ template }) => template.match(uri) !== undefined)
}

/** Finds a resource by its URI, else the first template that fits. Throws ResourceUnknownError. */
export function findResource ({ resources, templates }: Pick<Registries, 'resources' | 'templates'>, uri: string): FoundResource {
  const fixed = resources.get(uri)
  if (fixed !== undefined) return { entry: fixed, variables: {} }
  for (const entry of templates.list) {
    const variables = entry.template.match(uri)
    if (variables !== undefined) return { entry, variables }
  }
  throw new ResourceUnknownError(uri)
}
