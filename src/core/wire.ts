import { ResultTooLargeError, ToolFailedError, type ToolCallError } from './call-errors.ts'
import { isObject } from './json-rpc.ts'
import { metaKeys } from './classify.ts'
import { isModern, supportsAnyStructuredContent, supportsAudio, supportsResourceLink, supportsStructuredContent, type Revision } from './versions.ts'
import { cutWithin, fits, type ResultBudget } from './result-budget.ts'
import type { CacheHint } from './cache-hints.ts'
import type { CallToolResult, GetPromptResult } from './ports.ts'
import type { ContentBlock } from '../../schemas/mcp.ts'

/** What the result of a method looks like in each revision. The only place that knows; what stands in lists: descriptions.ts. */

/** Turns results into JSON text in the form of a revision. */
export interface Wire {
  /** Any result. `hint` is for those that 2026-07-28 lets clients keep. */
  result (result: object, revision: Revision, hint?: CacheHint): string
  /** A tool's result; `wrapped` when its output schema is shown wrapped to the 2025 era. Throws ResultTooLargeError. */
  toolResult (result: CallToolResult, revision: Revision, wrapped: boolean, budget: ResultBudget): string
  promptResult (result: GetPromptResult, revision: Revision): string
  /** The answer to a call that became a task. SEP-2663, Task Creation. */
  task (facts: object): string
}

/** The parts that never change are made into text once. */
export function createWire (serverInfo: object): Wire {
  const identity = JSON.stringify(serverInfo)
  const identityMember = `${JSON.stringify(metaKeys.serverInfo)}:${identity}}`
  const modernHead = `{"resultType":"complete","_meta":{${identityMember}`

  function result (value: object, revision: Revision, hint?: CacheHint): string {
    if (!isModern(revision)) return JSON.stringify(value)
    const full = hint === undefined ? value : { ...value, ...hint }
    const meta = (value as { _meta?: unknown })._meta
    if (isObject(meta)) {
      // What is as usual is put together of texts, as below.
      const metaText = 'resultType' in full || metaKeys.serverInfo in meta || 'toJSON' in meta ? '{}' : JSON.stringify(meta)
      if (metaText !== '{}') {
        const rest = JSON.stringify({ ...full, _meta: undefined })
        return `{"resultType":"complete","_meta":${metaText.slice(0, -1)},${identityMember}${rest === '{}' ? '}' : `,${rest.slice(1)}`}`
      }
      return JSON.stringify({ resultType: 'complete', ...full, _meta: { ...meta, [metaKeys.serverInfo]: serverInfo } })
    }
    const text = JSON.stringify(full)
    return text === '{}' ? `${modernHead}}` : `${modernHead},${text.slice(1)}`
  }

  return {
    result,
    toolResult (value, revision, wrapped, budget) {
      // It is cut in the form in which it is sent: what a revision does not know takes no room.
      const sent = isModern(revision) ? value : legacyToolResult(value, revision, wrapped)
      const text = result(sent, revision)
      return fits(text, budget.maxBytes) ? text : cutWithin(sent, text, budget, (cut) => result(cut, revision))
    },
    promptResult: (value, revision) => result(isModern(revision) ? value : legacyPromptResult(value, revision), revision),
    task: (facts) => JSON.stringify({ resultType: 'task', _meta: { [metaKeys.serverInfo]: serverInfo }, ...facts })
  }
}

/** Why a result cannot be sent: it is too large, or what `unwritableResult` says. */
export function unsendableResult (toolName: string, cause: unknown): ToolCallError {
  return cause instanceof ResultTooLargeError ? cause : unwritableResult(toolName, cause)
}

/** The failure of a tool whose result JSON cannot hold: a cycle, a BigInt, a getter that throws. */
export function unwritableResult (toolName: string, cause: unknown): ToolFailedError {
  const reason = cause instanceof Error && typeof cause.message === 'string' ? cause.message.split('\n', 1)[0] ?? '' : 'no reason was given'
  return new ToolFailedError(`${toolName} returned a value that cannot be written as JSON: ${reason}`, { cause })
}

function legacyToolResult (result: CallToolResult, revision: Revision, wrapped: boolean): CallToolResult {
  const { structuredContent, ...rest } = result
  const content = supportsResourceLink(revision) ? result.content : result.content.map((block) => legacyBlock(block, revision))
  if (structuredContent === undefined || !supportsStructuredContent(revision)) return { ...rest, content }
  if (supportsAnyStructuredContent(revision) || (!wrapped && isObject(structuredContent) && !('toJSON' in structuredContent))) return content === result.content ? result : { ...result, content }
  // A date and the like are objects here and texts on the wire.
  const value: unknown = JSON.parse(JSON.stringify(structuredContent))
  return { ...rest, content, structuredContent: !wrapped && isObject(value) ? value : { result: value } }
}

function legacyPromptResult (result: GetPromptResult, revision: Revision): GetPromptResult {
  if (supportsResourceLink(revision)) return result
  return { ...result, messages: result.messages.map((message) => ({ ...message, content: legacyBlock(message.content, revision) })) }
}

/** What an old client could not read, said in text. */
function legacyBlock (block: ContentBlock, revision: Revision): ContentBlock {
  if (block.type === 'resource_link') return { type: 'text', text: `${block.title ?? block.name}: ${block.uri}` }
  if (block.type === 'audio' && !supportsAudio(revision)) {
    return { type: 'resource', resource: { uri: 'data:audio', mimeType: block.mimeType, blob: block.data } }
  }
  return block
}
