import { Type, type Static } from '@sinclair/typebox'
import { byteSize, closedObject, count, definition, headerNamePattern, httpUrl, maxTimerMs, mib, milliseconds, oneOfWords, shortName, text } from './primitives.ts'

/** The handler types of the configuration file. `type` tells them apart. */

const reloadable = true

export const FileHandler = closedObject({
  type: Type.Literal('file'),
  path: text({ description: 'The module: .js, .mjs or .ts, below one of `server.handlerRoots`. Relative to the configuration file.', reloadable }),
  export: text({ default: 'default', description: 'Which export of the module is the function.', reloadable }),
  timeout: Type.Optional(milliseconds({ description: 'How long one call may take. Without it, the timeout of the tool counts.', reloadable })),
  isolation: oneOfWords(['none', 'worker'], { default: 'none', description: 'Where it runs: in the server itself, or in a thread of its own that is ended when its time is up. For functions that block.', reloadable }),
  memoryLimit: Type.Optional(byteSize({ minimum: 16 * mib, maximum: 4096 * mib, description: 'How much memory the JavaScript values of its thread may take; 256 MiB unless given. Only with `"isolation": "worker"`.', reloadable }))
}, { description: 'Calls a function that a module exports, with `(args, context)`.' })
export type FileHandler = Static<typeof FileHandler>

export const InlineHandler = closedObject({
  type: Type.Literal('inline'),
  code: text({ description: 'A JavaScript function expression `async (args, context) => …`, or the body of one. Taken as it stands: `${…}` in it is JavaScript, not a placeholder.', reloadable }),
  timeout: milliseconds({ default: 5000, description: 'How long one call may take.', reloadable }),
  memoryLimit: byteSize({ default: 64 * mib, minimum: mib, maximum: 2048 * mib, description: 'How much memory the sandbox of one call may use.', reloadable })
}, { description: 'Runs JavaScript from the file in a sandbox without network, files or environment.' })
export type InlineHandler = Static<typeof InlineHandler>

const queryScalar = { type: ['string', 'number', 'boolean'] }
type QueryScalar = string | number | boolean
const queryValue = Type.Unsafe<QueryScalar | QueryScalar[]>({ anyOf: [queryScalar, { type: 'array', items: queryScalar }] })

export const HttpHandler = closedObject({
  type: Type.Literal('http'),
  url: httpUrl({ description: 'Where to send the request. `${args.name}` stands for an argument and stays inside its place.', reloadable }),
  method: oneOfWords(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'], { default: 'GET', description: 'The request method.', reloadable }),
  headers: Type.Optional(Type.Record(Type.String(), Type.String({ secret: true }), {
    propertyNames: { pattern: headerNamePattern, expects: 'a header name: letters, digits and "-"' },
    description: 'Request headers. `${args.name}` is allowed in values.',
    reloadable
  })),
  query: Type.Optional(Type.Record(Type.String(), queryValue, {
    description: 'Query parameters; a list repeats its name. Without this key, GET and DELETE send the arguments that the URL does not use.', reloadable
  })),
  body: Type.Optional(Type.Unknown({ description: 'The JSON body. Without this key, POST and PUT send the arguments.', reloadable })),
  timeout: milliseconds({ default: 5000, maximum: maxTimerMs, description: 'How long one attempt may take. The timeout of the tool bounds all attempts together.', reloadable }),
  headersTimeout: Type.Optional(milliseconds({ description: 'How long the headers of the answer may take, from when the request is sent. Without it, `timeout` counts.', reloadable })),
  bodyTimeout: Type.Optional(milliseconds({ description: 'How long the body of the answer may pause. Without it, `timeout` counts.', reloadable })),
  retries: Type.Integer({ minimum: 0, maximum: 10, default: 0, description: 'How often a failed request is repeated, where a repeat is safe.', reloadable }),
  requestTransform: Type.Optional(text({ description: 'JavaScript, run in the sandbox, that changes the request before it is sent. Taken as it stands.', reloadable })),
  responseTransform: Type.Optional(text({ description: 'JavaScript, run in the sandbox, that makes the result out of the response. Taken as it stands.', reloadable })),
  maxResponseBytes: byteSize({ default: 10 * mib, maximum: 1024 * mib, description: 'The largest response that is read; a larger one fails the call.', reloadable }),
  allowedHosts: Type.Optional(Type.Array(text(), { minItems: 1, description: 'Hosts (`name`, `name:port` or `*.name`) that requests may reach. Needed where an argument is part of the host. Redirects are never followed. A host that stands here by its own name may be in a private network.', reloadable })),
  allowPrivate: Type.Array(text({ expects: 'an address or a CIDR range, such as "10.0.0.0/8"' }), {
    default: [], description: 'Addresses and CIDR ranges beside the public ones that requests may reach: see [handlers.md](handlers.md#which-addresses).', reloadable
  })
}, { description: 'Calls an HTTP API.' })
export type HttpHandler = Static<typeof HttpHandler>

export const RegistryHandler = closedObject({
  type: Type.Literal('registry'),
  name: text({ description: 'The name under which the embedding program registered the function.', reloadable })
}, { description: 'Calls a function that the embedding program registered.' })
export type RegistryHandler = Static<typeof RegistryHandler>

export const SqlHandler = closedObject({
  type: Type.Literal('sql'),
  database: shortName({ description: 'A name under `databases`.', reloadable }),
  query: text({ description: 'One statement, with named parameters (`:name`) that take the arguments. They are bound, never written into it.', reloadable }),
  readOnly: Type.Boolean({ default: true, description: 'Whether it runs in a transaction that cannot write.', reloadable }),
  maxRows: count({ default: 1000, maximum: 1_000_000, description: 'How many rows it may return. What only reads is cut there, and says so; what writes fails, and writes nothing.', reloadable })
}, { description: 'Runs a statement on a configured database.' })
export type SqlHandler = Static<typeof SqlHandler>

export type Handler = FileHandler | InlineHandler | HttpHandler | RegistryHandler | SqlHandler

/** Which function does the work. */
export const Handler = definition('Handler', Type.Unsafe<Handler>({
  type: 'object',
  discriminator: { propertyName: 'type' },
  oneOf: [FileHandler, InlineHandler, HttpHandler, RegistryHandler, SqlHandler]
}))
