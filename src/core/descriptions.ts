import { isObject } from './json-rpc.ts'
import {
  isModern, supportsDescriptionMeta, supportsIcons, supportsLastModified, supportsServerDescription, supportsStructuredContent, supportsTitles,
  supportsToolAnnotations, type Revision
} from './versions.ts'
import type { Icon, JsonObject, PromptDescription, ResourceDescription, ResourceTemplateDescription, ToolDescription } from '../../schemas/mcp.ts'

/**
 * How a server presents itself and what it has, in each revision: with the members that the revision knows. The only place that knows.
 * Sources: schema.ts of each revision in the MCP specification.
 */

/** MCP `Implementation`. */
export interface ServerInfo { name: string, version: string, title?: string, description?: string }

export function describeServer (serverInfo: ServerInfo, revision: Revision): ServerInfo {
  const known = { ...serverInfo }
  if (!supportsTitles(revision)) delete known.title
  if (!supportsServerDescription(revision)) delete known.description
  return known
}

export function describeTool (description: ToolDescription, revision: Revision): ToolDescription {
  if (isModern(revision)) return description
  const known = withKnownMembers(description, revision)
  if (!supportsToolAnnotations(revision)) delete known.annotations
  if (!supportsStructuredContent(revision)) delete known.outputSchema
  else if (wrapsOutput(description)) known.outputSchema = wrapSchema(description.outputSchema as JsonObject)
  return known
}

export function describePrompt (description: PromptDescription, revision: Revision): PromptDescription {
  const known = withKnownMembers(description, revision)
  if (known.arguments !== undefined && !supportsTitles(revision)) known.arguments = known.arguments.map(({ title: _title, ...argument }) => argument)
  return known
}

export function describeResource<Description extends ResourceDescription | ResourceTemplateDescription> (description: Description, revision: Revision): Description {
  const known = withKnownMembers(description, revision)
  if (known.annotations?.lastModified !== undefined && !supportsLastModified(revision)) {
    const { lastModified: _lastModified, ...annotations } = known.annotations
    known.annotations = annotations
  }
  return known
}

interface Described { title?: string, icons?: Icon[], _meta?: JsonObject }

function withKnownMembers<Description extends Described> (description: Description, revision: Revision): Description {
  const known = { ...description }
  if (!supportsTitles(revision)) delete known.title
  if (!supportsIcons(revision)) delete known.icons
  if (!supportsDescriptionMeta(revision)) delete known._meta
  return known
}

/** True when the 2025 era, which knows objects only, has to see this output inside of `{ "result": … }`. */
export function wrapsOutput (description: ToolDescription): boolean {
  return description.outputSchema !== undefined && description.outputSchema['type'] !== 'object'
}

/** Moves `$schema` and the definitions to the new root; references that led elsewhere from the old root follow it down. */
function wrapSchema (schema: JsonObject): JsonObject {
  // With an $id, the schema is a resource of its own: its references stay inside of it.
  if (typeof schema['$id'] === 'string') return { ...pick(schema, ['$schema']), type: 'object', properties: { result: schema }, required: ['result'] }
  const { $schema, $defs, definitions, ...inner } = schema
  const moved = moveReferences({ $defs, definitions }) as JsonObject
  return { ...pick({ ...moved, $schema }, ['$schema', '$defs', 'definitions']), type: 'object', properties: { result: moveReferences(inner) }, required: ['result'] }
}

function pick (schema: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]))
}

/** Keywords whose value is data: what looks like a reference in it is none. */
const dataKeywords: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])
/** Keywords whose members are schemas under names of their own. */
const namedSchemas: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'])

function moveReferences (schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(moveReferences)
  if (!isObject(schema)) return schema
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => {
    if (key === '$ref' && typeof value === 'string') return [key, movedReference(value)]
    if (namedSchemas.has(key) && isObject(value)) return [key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, moveReferences(inner)]))]
    return [key, dataKeywords.has(key) ? value : moveReferences(value)]
  }))
}

function movedReference (reference: string): string {
  const isFromRoot = reference === '#' || (reference.startsWith('#/') && !/^#\/(?:\$defs|definitions)(?:\/|$)/.test(reference))
  return isFromRoot ? `#/properties/result${reference.slice(1)}` : reference
}
