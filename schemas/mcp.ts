import { Type, type Static } from '@sinclair/typebox'

/** The shapes that travel on the wire and that handlers may return. Field names and meaning: MCP 2026-07-28, schema.ts. */

export const Json = Type.Unknown()
export type JsonObject = { [key: string]: unknown }

export const Meta = Type.Record(Type.String(), Type.Unknown())

export const Icon = Type.Object({
  src: Type.String({ description: 'An https: or data: URL of the image.' }),
  mimeType: Type.Optional(Type.String()),
  sizes: Type.Optional(Type.Array(Type.String())),
  theme: Type.Optional(Type.Union([Type.Literal('light'), Type.Literal('dark')]))
}, { additionalProperties: false })
export type Icon = Static<typeof Icon>

export const Annotations = Type.Object({
  audience: Type.Optional(Type.Array(Type.Union([Type.Literal('user'), Type.Literal('assistant')]))),
  priority: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  lastModified: Type.Optional(Type.String())
})
export type Annotations = Static<typeof Annotations>

const blockExtras = {
  annotations: Type.Optional(Annotations),
  _meta: Type.Optional(Meta)
}

export const TextContent = Type.Object({ type: Type.Literal('text'), text: Type.String(), ...blockExtras })
export type TextContent = Static<typeof TextContent>

export const ImageContent = Type.Object({ type: Type.Literal('image'), data: Type.String(), mimeType: Type.String(), ...blockExtras })
export const AudioContent = Type.Object({ type: Type.Literal('audio'), data: Type.String(), mimeType: Type.String(), ...blockExtras })

export const TextResourceContents = Type.Object({
  uri: Type.String(), mimeType: Type.Optional(Type.String()), text: Type.String(), _meta: Type.Optional(Meta)
})
export const BlobResourceContents = Type.Object({
  uri: Type.String(), mimeType: Type.Optional(Type.String()), blob: Type.String(), _meta: Type.Optional(Meta)
})
export const ResourceContents = Type.Union([TextResourceContents, BlobResourceContents])
export type ResourceContents = Static<typeof ResourceContents>

export const EmbeddedResource = Type.Object({ type: Type.Literal('resource'), resource: ResourceContents, ...blockExtras })
export const ResourceLink = Type.Object({
  type: Type.Literal('resource_link'),
  uri: Type.String(),
  name: Type.String(),
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  mimeType: Type.Optional(Type.String()),
  size: Type.Optional(Type.Number()),
  icons: Type.Optional(Type.Array(Icon)),
  ...blockExtras
})

export const ContentBlock = Type.Union([TextContent, ImageContent, AudioContent, EmbeddedResource, ResourceLink])
export type ContentBlock = Static<typeof ContentBlock>

export const CallToolResult = Type.Object({
  content: Type.Array(ContentBlock),
  structuredContent: Type.Optional(Type.Unknown()),
  isError: Type.Optional(Type.Boolean()),
  _meta: Type.Optional(Meta)
}, { additionalProperties: false })
export type CallToolResult = Static<typeof CallToolResult>

export const PromptMessage = Type.Object({
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  content: ContentBlock
})
export type PromptMessage = Static<typeof PromptMessage>

export const GetPromptResult = Type.Object({
  description: Type.Optional(Type.String()),
  messages: Type.Array(PromptMessage),
  _meta: Type.Optional(Meta)
}, { additionalProperties: false })
export type GetPromptResult = Static<typeof GetPromptResult>

export const ReadResourceResult = Type.Object({
  contents: Type.Array(ResourceContents),
  _meta: Type.Optional(Meta)
}, { additionalProperties: false })
export type ReadResourceResult = Static<typeof ReadResourceResult>

export const ToolAnnotations = Type.Object({
  title: Type.Optional(Type.String({ description: 'A name for people.' })),
  readOnlyHint: Type.Optional(Type.Boolean({ description: 'The tool changes nothing.' })),
  destructiveHint: Type.Optional(Type.Boolean({ description: 'The tool may destroy what was there.' })),
  idempotentHint: Type.Optional(Type.Boolean({ description: 'A second call with the same arguments changes nothing more.' })),
  openWorldHint: Type.Optional(Type.Boolean({ description: 'The tool reaches things outside of this server.' }))
}, { additionalProperties: false })
export type ToolAnnotations = Static<typeof ToolAnnotations>

export const LogLevel = Type.Union([
  Type.Literal('debug'), Type.Literal('info'), Type.Literal('notice'), Type.Literal('warning'),
  Type.Literal('error'), Type.Literal('critical'), Type.Literal('alert'), Type.Literal('emergency')
])
/** RFC 5424 severities, least severe first in `logLevels` of core. */
export type LogLevel = Static<typeof LogLevel>

/** A tool as `tools/list` describes it. */
export interface ToolDescription {
  name: string
  title?: string
  description?: string
  inputSchema: JsonObject
  outputSchema?: JsonObject
  annotations?: ToolAnnotations
  icons?: Icon[]
  _meta?: JsonObject
}

export interface PromptArgument { name: string, title?: string, description?: string, required?: boolean }

/** A prompt as `prompts/list` describes it. */
export interface PromptDescription {
  name: string
  title?: string
  description?: string
  arguments?: PromptArgument[]
  icons?: Icon[]
  _meta?: JsonObject
}

interface ResourceFacts {
  name: string
  title?: string
  description?: string
  mimeType?: string
  annotations?: Annotations
  icons?: Icon[]
  _meta?: JsonObject
}

/** A resource as `resources/list` describes it. */
export interface ResourceDescription extends ResourceFacts { uri: string, size?: number }
/** A template as `resources/templates/list` describes it. */
export interface ResourceTemplateDescription extends ResourceFacts { uriTemplate: string }
