import { Type, type Static, type StringOptions } from '@sinclair/typebox'
import { Handler } from './handler.ts'
import { Icon, Meta, ToolAnnotations } from './mcp.ts'
import { byteSize, closedObject, count, definition, described, flag, jsonSchema, kib, milliseconds, oneOfWords, RateWindow, seconds, text, toolName, toolNamePattern } from './primitives.ts'

/** A tool of the configuration file. */

const reloadable = true

/** By what kept results are dropped together. */
function tag (options: StringOptions = {}) {
  return Type.String({ pattern: toolNamePattern, expects: '1 to 64 letters, digits, "_", "." or "-"', ...options })
}

export const CacheRule = definition('CacheRule', closedObject({
  ttl: Type.Optional(seconds({ description: 'How long a result is kept. Without it, `caching.ttl`.', reloadable })),
  enabled: flag({ default: true, description: 'Whether results of this tool are kept.', reloadable }),
  scope: Type.Optional(oneOfWords(['principal', 'shared'], { description: 'Who gets a result that is kept: the caller that it was made for (`principal`, as without this key), or every caller that may use the tool (`shared`). Say `shared` only where the answer does not depend on who asks.', reloadable })),
  staleWhileRevalidate: Type.Optional(seconds({ description: 'For how long after its time a result is still handed out, while a new one is made in the background.', reloadable })),
  staleIfError: Type.Optional(seconds({ description: 'For how long after its time a result stands in for a call that fails or takes too long.', reloadable })),
  tags: Type.Optional(Type.Array(tag(), { uniqueItems: true, maxItems: 16, description: 'Names for these results, by which `invalidates` of other tools drops them. The name of the tool is always one.', reloadable }))
}))
export type CacheRule = Static<typeof CacheRule>

export const ToolConfig = definition('Tool', closedObject({
  name: toolName({ description: 'The name that callers use, unique in the file.', reloadable }),
  title: Type.Optional(text({ description: 'A name for people.', reloadable })),
  description: Type.Optional(text({ description: 'What the tool does and when to use it; models choose by it.', reloadable })),
  inputSchema: jsonSchema({
    properties: { type: { const: 'object' } },
    required: ['type'],
    default: { type: 'object', additionalProperties: false },
    description: 'JSON Schema of the arguments. Its root says `"type": "object"`. 2020-12, or draft-07 and 2019-09 when `$schema` says so. Without it, the tool takes no arguments.',
    reloadable
  }),
  outputSchema: Type.Optional(jsonSchema({ description: 'JSON Schema of the structured result; a result that does not fit is an error.', reloadable })),
  annotations: Type.Optional(described(ToolAnnotations, { description: 'Hints for clients about what the tool does.', reloadable })),
  icons: Type.Optional(Type.Array(Icon, { description: 'Images that clients may show.', reloadable })),
  _meta: Type.Optional(described(Meta, { description: 'Passed to clients unchanged.', reloadable })),
  handler: described(Handler, { description: 'What does the work.', reloadable }),
  timeout: Type.Optional(milliseconds({ description: 'How long one call may take. Without it, `server.requestTimeout`.', reloadable })),
  maxResultBytes: Type.Optional(byteSize({ minimum: kib, description: 'How large the JSON of a result may be. Text that is more is cut, with a note. Without it, `server.maxResultBytes`.', reloadable })),
  maxConcurrent: Type.Optional(count({ maximum: 1_000_000, description: 'How many calls of this tool may run at once in one instance. Without it, any number.', reloadable })),
  maxQueue: Type.Optional(count({ minimum: 0, maximum: 1_000_000, description: 'How many more may wait for their turn, their time going on; one more fails. Without it, 100. Only with `maxConcurrent`.', reloadable })),
  task: Type.Optional(oneOfWords(['optional', 'required'], {
    description: 'Lets calls go on in the background, for clients of revision 2026-07-28 that declare `io.modelcontextprotocol/tasks`. Other clients get the result itself (`optional`) or an error (`required`). In a task, `server.requestTimeout` does not count; `timeout` does.',
    reloadable
  })),
  taskStart: Type.Optional(oneOfWords(['call', 'handler'], {
    description: 'When a call becomes a task: at once, before its handler runs (`call`, as without this key), or when the handler says so with `context.startTask()`, so that it can ask or answer before (`handler`).',
    reloadable
  })),
  cache: Type.Optional(described(CacheRule, { description: 'Keeps results of this tool. The same as `caching.tools`.', reloadable })),
  invalidates: Type.Optional(Type.Array(tag(), { minItems: 1, maxItems: 64, uniqueItems: true, description: 'Which kept results are dropped when this tool has succeeded: those with these tags, and those of tools with these names.', reloadable })),
  rateLimit: Type.Optional(described(RateWindow, { description: 'How often this tool may be called, by all callers together. The same as `security.rateLimit.perTool`.', reloadable }))
}))
export type ToolConfig = Static<typeof ToolConfig>
