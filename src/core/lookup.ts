import type { PromptEntry, Registries, ResourceEntry, ResourceTemplateEntry, ToolEntry } from './entries.ts'
import { InvalidParamsError, PermissionRefusedError, PromptUnknownError, ResourceUnknownError, ToolUnknownError } from './errors.ts'
import type { Meter } from './meter.ts'
import { grantsOf, type Grants, type Scope } from './permissions.ts'
import type { Registry } from './registry.ts'
import type { JsonObject, Principal } from './ports.ts'

/**
 * Where names become entries, for every door, and therefore where permissions are judged: what a caller may not use is not there for it.
 * Its errors are those of what does not exist; the audit finds a PermissionRefusedError as their cause.
 */

/** `meter` counts what is refused, where there is one. */
export function findTool (tools: Registry<ToolEntry>, name: string, { permissions }: Principal, meter: Meter | undefined): ToolEntry {
  const entry = tools.get(name)
  if (entry !== undefined && grantsOf(permissions).allows('tools:call', name)) return entry
  meter?.unreached(name)
  throw new ToolUnknownError(name, entry === undefined ? undefined : refusal('tools:call', name))
}

export function findPrompt (prompts: Registry<PromptEntry>, name: string, { permissions }: Principal): PromptEntry {
  const entry = prompts.get(name)
  if (entry === undefined) throw new PromptUnknownError(name)
  if (!grantsOf(permissions).allows('prompts:get', name)) throw new PromptUnknownError(name, refusal('prompts:get', name))
  return entry
}

export interface FoundResource {
  entry: ResourceEntry | ResourceTemplateEntry
  /** The values of a template's variables; none for a plain resource. */
  variables: JsonObject
}

type ResourceRegistries = Pick<Registries, 'resources' | 'templates'>

/** Finds a resource by its URI, else the first template that fits. */
export function findResource (registries: ResourceRegistries, uri: string, { permissions }: Principal): FoundResource {
  const found = resourceAt(registries, uri)
  if (found === undefined) throw new ResourceUnknownError(uri)
  if (!grantsOf(permissions).allows('resources:read', uri)) throw new ResourceUnknownError(uri, refusal('resources:read', uri))
  return found
}

/** Whether a caller may be told of the changes of what is at a URI: it has to be able to read it, too. */
export function mayWatch (registries: ResourceRegistries, uri: string, { permissions }: Principal): boolean {
  const grants = grantsOf(permissions)
  return resourceAt(registries, uri) !== undefined && grants.allows('resources:subscribe', uri) && grants.allows('resources:read', uri)
}

/** Finds a template by its text. */
export function findTemplate (templates: Registry<ResourceTemplateEntry>, uriTemplate: string, { permissions }: Principal): ResourceTemplateEntry {
  const entry = templates.get(uriTemplate)
  const allowed = grantsOf(permissions).allows('resources:read', uriTemplate)
  if (entry !== undefined && allowed) return entry
  throw new InvalidParamsError(`Unknown resource template: ${uriTemplate}`, entry === undefined ? undefined : refusal('resources:read', uriTemplate))
}

/** Which entries a caller sees in a list: those that it may list and use. */
export const listedBy = {
  tool: (grants: Grants, { description: { name } }: ToolEntry): boolean => grants.allows('tools:list', name) && grants.allows('tools:call', name),
  prompt: (grants: Grants, { description: { name } }: PromptEntry): boolean => grants.allows('prompts:list', name) && grants.allows('prompts:get', name),
  resource: (grants: Grants, { description: { uri } }: ResourceEntry): boolean => grants.allows('resources:list', uri) && grants.allows('resources:read', uri),
  template: (grants: Grants, { description: { uriTemplate } }: ResourceTemplateEntry): boolean => grants.allows('resources:list', uriTemplate) && grants.allows('resources:read', uriTemplate)
}

function resourceAt ({ resources, templates }: ResourceRegistries, uri: string): FoundResource | undefined {
  const fixed = resources.get(uri)
  if (fixed !== undefined) return { entry: fixed, variables: {} }
  for (const entry of templates.list) {
    const variables = entry.template.match(uri)
    if (variables !== undefined) return { entry, variables }
  }
  return undefined
}

function refusal (scope: Scope, name: string): { cause: PermissionRefusedError } {
  return { cause: new PermissionRefusedError(`${scope}:${name}`) }
}
