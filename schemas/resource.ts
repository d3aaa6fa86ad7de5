import { Type, type Static } from '@sinclair/typebox'
import { OwnCacheHint } from './cache-hint.ts'
import { Handler } from './handler.ts'
import { Annotations, Icon, Meta } from './mcp.ts'
import { closedObject, definition, described, milliseconds, shortName, text } from './primitives.ts'

/** A resource or resource template of the configuration file. */

const reloadable = true

export const ResourceConfig = definition('Resource', closedObject({
  uri: Type.Optional(Type.String({
    pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s]*$',
    expects: 'a URI with its scheme, such as "docs://readme"',
    description: 'The address of one resource, unique in the file.',
    reloadable
  })),
  uriTemplate: Type.Optional(text({ description: 'The addresses of many: RFC 6570, such as `users://{id}`.', reloadable })),
  name: shortName({ description: 'The name that clients show.', reloadable }),
  title: Type.Optional(text({ description: 'A name for people.', reloadable })),
  description: Type.Optional(text({ description: 'What it holds.', reloadable })),
  mimeType: Type.Optional(Type.String({
    pattern: '^[^\\s/;]+/[^\\s/;]+(\\s*;.*)?$',
    expects: 'a media type, such as "text/markdown"',
    description: 'The media type. Without it: by the ending of the file, `text/plain` for text, `application/json` for other JSON.',
    reloadable
  })),
  size: Type.Optional(Type.Integer({ minimum: 0, unit: 'bytes', description: 'The size, when known. Not for templates.', reloadable })),
  content: Type.Optional(Type.Unknown({ description: 'A text, or any JSON value, which is served as JSON text.', reloadable })),
  blob: Type.Optional(Type.String({ contentEncoding: 'base64', description: 'Binary content, base64.', reloadable })),
  file: Type.Optional(text({ description: 'A file below one of `server.handlerRoots`, relative to the configuration file; text or binary by type.', reloadable })),
  handler: Type.Optional(described(Handler, { description: 'A function that reads it.', reloadable })),
  complete: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String(), { minItems: 1, uniqueItems: true }), {
    description: 'For templates: the values of each variable that are offered for completion.', reloadable
  })),
  timeout: Type.Optional(milliseconds({ description: 'How long the handler may take. Without it, `server.requestTimeout`.', reloadable })),
  cacheHint: Type.Optional(described(OwnCacheHint, { description: 'What clients are told of keeping it. What is not said here comes from `server.protocol.cacheHints`.', reloadable })),
  annotations: Type.Optional(described(Annotations, { description: 'Hints for clients: audience, priority, last change.', reloadable })),
  icons: Type.Optional(Type.Array(Icon, { description: 'Images that clients may show.', reloadable })),
  _meta: Type.Optional(described(Meta, { description: 'Passed to clients unchanged.', reloadable }))
}, { exactlyOne: [['uri', 'uriTemplate'], ['content', 'blob', 'file', 'handler']] }))
export type ResourceConfig = Static<typeof ResourceConfig>
