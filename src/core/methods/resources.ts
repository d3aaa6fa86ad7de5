import type { Exchange } from '../context.ts'
import type { Method } from '../dispatcher.ts'
import type { CacheHint, Caller, ResourceEntry, ResourceTemplateEntry } from '../entries.ts'
import { InvalidParamsError, ResourceUnknownError } from '../errors.ts'
import type { RequestId } from '../json-rpc.ts'
import type { Registry } from '../registry.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject, ReadResourceResult } from '../ports.ts'
import { createListMethod } from './list.ts'
import { progressTokenOf } from './params.ts'

export interface ResourceParts {
  resources: Registry<ResourceEntry>
  templates: Registry<ResourceTemplateEntry>
  caller: Caller
  wire: Wire
  pageSize: number
}

interface Reading { outcome: ReadResourceResult | Promise<ReadResourceResult>, hint: CacheHint }

/** `resources/list`, `resources/templates/list` and `resources/read`. MCP 2026-07-28 server/resources. */
export function createResourceMethods ({ resources, templates, caller, wire, pageSize }: ResourceParts): [string, Method][] {
  const read = createReader(resources, templates)

  function readResource (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { uri } = params
    if (typeof uri !== 'string') throw new InvalidParamsError('params.uri must be the URI of a resource.')
    const { outcome, hint } = read(caller, uri, exchange, progressTokenOf(params))
    const write = (result: ReadResourceResult): string => wire.result(result, exchange.revision, hint)
    return outcome instanceof Promise ? outcome.then(write) : write(outcome)
  }

  return [
    ['resources/list', createListMethod({ registry: resources, key: 'resources', describe: (entry) => entry.description, wire, pageSize })],
    ['resources/templates/list', createListMethod({ registry: templates, key: 'resourceTemplates', describe: (entry) => entry.description, wire, pageSize })],
    ['resources/read', readResource]
  ]
}

/** Starts to read a URI and says for how long the answer may be kept. */
export type Reader = (caller: Caller, uri: string, exchange: Exchange, progressToken?: RequestId) => Reading

/** Finds a resource by its URI, else the first template that fits, and reads it. Throws ResourceUnknownError. */
export function createReader (resources: Registry<ResourceEntry>, templates: Registry<ResourceTemplateEntry>): Reader {
  return function read (caller, uri, exchange, progressToken) {
    const fixed = resources.get(uri)
    if (fixed !== undefined) return { outcome: caller.call(fixed, {}, exchange, progressToken, uri), hint: fixed.cacheHint }
    for (const entry of templates.list) {
      const variables = entry.template.match(uri)
      if (variables !== undefined) return { outcome: caller.call(entry, variables, exchange, progressToken, uri), hint: entry.cacheHint }
    }
    throw new ResourceUnknownError(uri)
  }
}
