import { isObject } from './json-rpc.ts'
import { metaKeys } from './classify.ts'
import {
  isModern, supportsAnyStructuredContent, supportsAudio, supportsIcons, supportsResourceLink, supportsStructuredContent, type Revision
} from './versions.ts'
import type { CacheHint } from './entries.ts'
import type { CallToolResult, JsonObject } from './ports.ts'
import type { ContentBlock, ToolDescription } from '../../schemas/mcp.ts'

/** What a result looks like in each revision. The only place that knows. */

/** Turns results into JSON text in the form of a revision. */
export interface Wire {
  /** Any result. `hint` is for those that 2026-07-28 lets clients keep. */
  result (result: object, revision: Revision, hint?: CacheHint): string
  /** A tool's result; `wrapped` when its output schema is shown wrapped to the 2025 era. */
  toolResult (result: CallToolResult, revision: Revision, wrapped: boolean): string
}

/** The parts that never change are made into text once. */
export function createWire (serverInfo: object): Wire {
  const identity = JSON.stringify(serverInfo)
  const modernHead = `{"resultType":"complete","_meta":{${JSON.stringify(metaKeys.serverInfo)}:${identity}}`

  function result (value: object, revision: Revision, hint?: CacheHint): string {
    if (!isModern(revision)) return JSON.stringify(value)
    const full = hint === undefined ? value : { ...value, ...hint }
    const meta = (value as { _meta?: unknown })._meta
    if (isObject(meta)) {
      return JSON.stringify({ resultType: 'complete', ...full, _meta: { ...meta, [metaKeys.serverInfo]: serverInfo } })
    }
    const text = JSON.stringify(full)
    return text === '{}' ? `${modernHead}}` : `${modernHead},${text.slice(1)}`
  }

  return {
    result,
    toolResult: (value, revision, wrapped) => result(isModern(revision) ? value : legacyToolResult(value, revision, wrapped), revision)
  }
}

/** True when the 2025 era, which knows objects only, has to see this output inside of `{ "result": … }`. */
export function wrapsOutput (description: ToolDescription): boolean {
  return description.outputSchema !== undefined && description.outputSchema['type'] !== 'object'
}

/** A tool's description as a revision knows it. */
export function describeTool (description: ToolDescription, revision: Revision): ToolDescription {
  if (isModern(revision)) return description
  const known = { ...description }
  if (!supportsIcons(revision)) delete known.icons
  if (!supportsStructuredContent(revision)) delete known.outputSchema
  else if (wrapsOutput(description)) known.outputSchema = wrapSchema(description.outputSchema as JsonObject)
  return known
}

/** Moves `$schema` and the definitions to the new root, so that references such as "#/$defs/x" still lead there. */
function wrapSchema (schema: JsonObject): JsonObject {
  const { $schema, $defs, definitions, ...inner } = schema
  const roots = { $schema, $defs, definitions }
  const kept = Object.fromEntries(Object.entries(roots).filter(([, value]) => value !== undefined))
  return { ...kept, type: 'object', properties: { result: inner }, required: ['result'] }
}

function legacyToolResult (result: CallToolResult, revision: Revision, wrapped: boolean): CallToolResult {
  const { structuredContent, ...rest } = result
  const content = supportsResourceLink(revision) ? result.content : result.content.map((block) => legacyBlock(block, revision))
  if (structuredContent === undefined || !supportsStructuredContent(revision)) return { ...rest, content }
  if (supportsAnyStructuredContent(revision) || (!wrapped && isObject(structuredContent))) return content === result.content ? result : { ...result, content }
  return { ...rest, content, structuredContent: { result: structuredContent } }
}

/** What an old client could not read, said in text. */
function legacyBlock (block: ContentBlock, revision: Revision): ContentBlock {
  if (block.type === 'resource_link') return { type: 'text', text: `${block.title ?? block.name}: ${block.uri}` }
  if (block.type === 'audio' && !supportsAudio(revision)) {
    return { type: 'resource', resource: { uri: 'data:audio', mimeType: block.mimeType, blob: block.data } }
  }
  return block
}
