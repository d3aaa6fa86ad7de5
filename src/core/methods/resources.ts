import { answeredHint, type CacheHints } from '../cache-hints.ts'
import type { Exchange } from '../exchange.ts'
import type { Method } from '../dispatcher.ts'
import { describeResource } from '../descriptions.ts'
import type { ResourceEntry, ResourceTemplateEntry } from '../entries.ts'
import { InvalidParamsError } from '../errors.ts'
import { findResource, listedBy } from '../lookup.ts'
import type { Registry } from '../registry.ts'
import { refuseTooLarge } from '../result-budget.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'
import { callEntry, type CallParts } from './call.ts'
import { createListMethod } from './list.ts'

export interface ResourceParts extends CallParts {
  resources: Registry<ResourceEntry>
  templates: Registry<ResourceTemplateEntry>
  wire: Wire
  cacheHints: CacheHints
  pageSize: number
  tolerance: Tolerance
  /** Bytes that what is read of a resource may have. */
  maxResultBytes: number
}

/** `resources/list`, `resources/templates/list` and `resources/read`. MCP 2026-07-28 server/resources. */
export function createResourceMethods (parts: ResourceParts): [string, Method][] {
  const { resources, templates, rounds, wire, cacheHints, pageSize, tolerance, maxResultBytes: maxBytes } = parts

  function readResource (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { uri } = params
    if (typeof uri !== 'string') throw new InvalidParamsError('params.uri must be the URI of a resource.')
    const { entry, variables } = findResource(parts, uri, exchange.principal)
    const hint = rounds.continues(params, exchange) ? answeredHint : cacheHints.ofResource(entry.caching)
    return callEntry(parts, {
      entry, target: `resources/read ${uri}`, params, args: variables, exchange, uri, write: (result) => refuseTooLarge(wire.result(result, exchange.revision, hint), maxBytes, 'the resource')
    })
  }

  return [
    ['resources/list', createListMethod({ registry: resources, key: 'resources', isListed: listedBy.resource, describe: ({ description }, revision) => describeResource(description, revision), hint: cacheHints.lists, wire, pageSize, tolerance })],
    ['resources/templates/list', createListMethod({ registry: templates, key: 'resourceTemplates', isListed: listedBy.template, describe: ({ description }, revision) => describeResource(description, revision), hint: cacheHints.lists, wire, pageSize, tolerance })],
    ['resources/read', readResource]
  ]
}
