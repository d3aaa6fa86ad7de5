/** What the server does with clients that deviate from the specification in a harmless way: serve them all the same, or refuse them. */
export type Strictness = 'strict' | 'lenient'

/** One harmless way in which clients deviate. The texts are Markdown, for docs/tolerance.md. */
export interface Deviation {
  /** Where it can occur. */
  readonly where: 'everywhere' | 'HTTP' | 'stdio, HTTP+SSE'
  /** What the client does. */
  readonly what: string
  /** What the specification says, and where. */
  readonly rule: string
  /** How it is served in lenient mode. */
  readonly served: string
  /** What strict mode answers. */
  readonly refused: string
  readonly reason: string
  /** A client that a public report names, with the report. */
  readonly seen?: string
}

/**
 * Every deviation that lenient mode bears; nothing else is. None of them changes who may do what, and none lets a proxy in front see
 * another call than the one that is made.
 */
export const deviations = {
  'params-null': {
    where: 'everywhere',
    what: '`"params": null`',
    rule: '`params` is an object or absent (JSON-RPC 2.0 §4.2; 2025-11-25 basic, Requests)',
    served: 'as absent',
    refused: '-32600',
    reason: 'Serializers of typed languages write absent members as null.',
    seen: 'clients that list tools so, [MonkeyCode #1268](https://github.com/chaitin/MonkeyCode/pull/1268)'
  },
  'params-empty-list': {
    where: 'everywhere',
    what: '`"params": []`',
    rule: '`params` is an object or absent (2025-11-25 basic, Requests)',
    served: 'as absent',
    refused: '-32600',
    reason: 'PHP writes an empty array so, whatever it was meant to be.',
    seen: 'AIquila for Nextcloud, [aiquila #442](https://github.com/elgorro/aiquila/issues/442); MCPSharp, [#6](https://github.com/afrise/MCPSharp/issues/6)'
  },
  'jsonrpc-missing': {
    where: 'everywhere',
    what: 'a message without `"jsonrpc"`',
    rule: '`jsonrpc` is exactly "2.0" (JSON-RPC 2.0 §4)',
    served: 'as if it said "2.0"; any other version is refused',
    refused: '-32600',
    reason: 'What the message asks for is plain without it.',
    seen: 'clients in the wild, [deja-vu #1796](https://github.com/vshulcz/deja-vu/pull/1796)'
  },
  'notification-id-null': {
    where: 'everywhere',
    what: 'a notification with `"id": null`',
    rule: 'Notifications have no `id` (2025-11-25 basic, Notifications)',
    served: 'as a notification; a request with a null id is refused',
    refused: '-32600',
    reason: 'Serializers that share one type for requests and notifications write the absent id as null.'
  },
  'notification-with-id': {
    where: 'everywhere',
    what: 'a notification (`notifications/…`) with an `id`, before 2026-07-28',
    rule: 'Notifications have no `id` (2025-11-25 basic, Notifications)',
    served: 'as a notification, and the id gets an empty result, as its sender may wait for one',
    refused: '-32601: no request has such a name',
    reason: 'The name says what is meant.',
    seen: 'ruby_llm-mcp, [#74](https://github.com/patvice/ruby_llm-mcp/pull/74); Swarm, [#140](https://github.com/parruda/swarm/pull/140)'
  },
  'response-null-member': {
    where: 'everywhere',
    what: 'an answer with `"error": null` beside its result, or `"result": null` beside its error',
    rule: 'Only one of the two is there (JSON-RPC 2.0 §5)',
    served: 'the null is left out',
    refused: '-32600',
    reason: 'JSON-RPC 1.0 had it so; without this, a call that waits for the answer would wait in vain.'
  },
  'meta-type': {
    where: 'everywhere',
    what: '`_meta` that is null or no object',
    rule: '`_meta` is an object (2025-11-25 basic, General fields)',
    served: 'as absent',
    refused: '-32602',
    reason: 'Metadata is optional, and absent metadata is what is meant.'
  },
  'progress-token-type': {
    where: 'everywhere',
    what: 'a `progressToken` that is null or no string or number',
    rule: 'Progress tokens are strings or integers (2025-11-25 basic/utilities/progress)',
    served: 'as absent: there is no progress',
    refused: '-32602',
    reason: 'Clients write null when they want no progress.'
  },
  'arguments-null': {
    where: 'everywhere',
    what: '`"arguments": null` in tools/call or prompts/get',
    rule: '`arguments` is an object or absent (2025-11-25 schema, CallToolRequest)',
    served: 'as absent',
    refused: '-32602',
    reason: 'Tools without parameters are called so.',
    seen: 'clients of ai-memory-mcp, [#6](https://github.com/alphaonedev/ai-memory-mcp/issues/6)'
  },
  'arguments-empty-list': {
    where: 'everywhere',
    what: '`"arguments": []` in tools/call or prompts/get',
    rule: '`arguments` is an object or absent (2025-11-25 schema, CallToolRequest)',
    served: 'as absent; a list with anything in it is refused',
    refused: '-32602',
    reason: 'PHP writes an empty array so, whatever it was meant to be.',
    seen: 'the official PHP SDK up to 0.4.0, [php-sdk #284](https://github.com/modelcontextprotocol/php-sdk/issues/284)'
  },
  'cursor-null': {
    where: 'everywhere',
    what: '`"cursor": null` in a list request',
    rule: 'A cursor is a string that the server gave out (2025-11-25 server/utilities/pagination)',
    served: 'the first page',
    refused: '-32602',
    reason: 'Serializers write the cursor of the first page as null.'
  },
  'cursor-empty': {
    where: 'everywhere',
    what: '`"cursor": ""` in a list request',
    rule: 'A cursor is a string that the server gave out (2025-11-25 server/utilities/pagination); this server gives out no empty one',
    served: 'the first page',
    refused: '-32602',
    reason: 'In languages without an absent string the first page has the empty one.'
  },
  'prompt-argument-type': {
    where: 'everywhere',
    what: 'numbers, booleans or null as arguments of a prompt',
    rule: 'Arguments of prompts are strings (2025-11-25 schema, GetPromptRequest)',
    served: 'numbers and booleans as their text, null as absent; lists and objects are refused',
    refused: '-32602',
    reason: 'There is one text for each, and the user meant it.',
    seen: 'clients of the official Python SDK, [python-sdk #1058](https://github.com/modelcontextprotocol/python-sdk/pull/1058)'
  },
  'prompt-argument-unknown': {
    where: 'everywhere',
    what: 'arguments that the prompt does not have',
    rule: 'Servers check the arguments of prompts (2025-11-25 server/prompts, Implementation Considerations)',
    served: 'they are left out',
    refused: '-32602',
    reason: 'Clients fill forms from a list that may be older than the prompt.'
  },
  'log-level-spelling': {
    where: 'everywhere',
    what: 'a level in capitals, or `warn`, in logging/setLevel of a session',
    rule: 'Levels are the eight words of RFC 5424 in small letters (2025-11-25 server/utilities/logging)',
    served: 'as the level that is meant',
    refused: '-32602',
    reason: 'Logging libraries spell their levels so.'
  },
  'initialize-no-version': {
    where: 'everywhere',
    what: 'initialize without a `protocolVersion`',
    rule: 'The client sends a version that it supports (2025-11-25 basic/lifecycle, Initialization)',
    served: 'with our latest version of that era',
    refused: '-32602',
    reason: 'The answer names the version; a client that cannot speak it will end the session.'
  },
  'initialize-no-capabilities': {
    where: 'everywhere',
    what: 'initialize without `capabilities`',
    rule: 'The client sends its capabilities (2025-11-25 basic/lifecycle, Initialization)',
    served: 'as a client without any',
    refused: '-32602',
    reason: 'Simple clients have none to declare.',
    seen: 'gopher-mcp, [#183](https://github.com/GopherSecurity/gopher-mcp/issues/183)'
  },
  'initialize-no-client-info': {
    where: 'everywhere',
    what: 'initialize without `clientInfo`',
    rule: 'The client sends its name and version (2025-11-25 basic/lifecycle, Initialization)',
    served: 'as a client without a name',
    refused: '-32602',
    reason: 'Nothing is decided by the name.',
    seen: 'gopher-mcp, [#183](https://github.com/GopherSecurity/gopher-mcp/issues/183)'
  },
  'accept-missing': {
    where: 'HTTP',
    what: 'no Accept header',
    rule: 'The client sends Accept with `application/json` and `text/event-stream`, on GET with the latter (2025-11-25 basic/transports, Sending Messages, Listening; 2026-07-28 basic/transports/streamable-http)',
    served: 'as one that takes both (RFC 9110 §12.5.1)',
    refused: '406',
    reason: 'HTTP libraries leave it to the caller.',
    seen: 'Claude Code, [hindsight #571](https://github.com/vectorize-io/hindsight/pull/571); mcp-remote, [#243](https://github.com/punkpeye/mcp-remote/pull/243)'
  },
  'accept-one-type': {
    where: 'HTTP',
    what: 'an Accept header of a POST that takes only one of the two types',
    rule: 'The client sends Accept with `application/json` and `text/event-stream` (2025-11-25 basic/transports, Sending Messages; 2026-07-28 basic/transports/streamable-http)',
    served: 'in the type that it takes; with JSON only, nothing is sent before the answer',
    refused: '406',
    reason: 'Most answers need one of the two only.',
    seen: 'Claude Code with JSON, [#45368](https://github.com/anthropics/claude-code/issues/45368); ElevenLabs with event streams, [composio #2152](https://github.com/ComposioHQ/composio/issues/2152)'
  },
  'version-header-missing': {
    where: 'HTTP',
    what: 'no MCP-Protocol-Version header in a session of 2025-06-18 or later',
    rule: 'The client sends it with all requests after initialize (2025-11-25 basic/transports, Protocol Version Header)',
    served: 'under the version of the session',
    refused: '400 with -32600',
    reason: 'The session knows its version; the specification names that way.',
    seen: 'the official C# SDK before its #500, [csharp-sdk #495](https://github.com/modelcontextprotocol/csharp-sdk/issues/495); clients of Harper, [#1611](https://github.com/HarperFast/harper/issues/1611)'
  },
  'version-header-other': {
    where: 'HTTP',
    what: 'an MCP-Protocol-Version header with another version than the one of the session, both before 2026-07-28',
    rule: 'It is the version that was negotiated (2025-11-25 basic/transports, Protocol Version Header)',
    served: 'under the version of the session; versions that are unknown or of another era are refused',
    refused: '400 with -32600',
    reason: 'Clients send the latest version that they know, and speak the one that was negotiated.',
    seen: 'Hermes Agent, [#114350](https://github.com/NousResearch/hermes-agent/issues/114350); the official conformance suite 0.1.16'
  },
  'session-id-on-initialize': {
    where: 'HTTP',
    what: 'an Mcp-Session-Id header with initialize',
    rule: 'A new session is asked for without a session id (2025-11-25 basic/transports, Session Management)',
    served: 'with a new session; the id is not looked at, and no session is ended or taken over',
    refused: '400 with -32600',
    reason: 'Clients keep the id of a session that has ended.',
    seen: 'opencode, [OmniRoute #5957](https://github.com/diegosouzapw/OmniRoute/pull/5957)'
  },
  'trailing-slash': {
    where: 'HTTP',
    what: 'the path with a slash at its end (or without the one that is configured)',
    rule: 'There is a single endpoint path (2025-11-25 basic/transports, Streamable HTTP)',
    served: 'as the path itself, never by a redirect',
    refused: '404',
    reason: 'Users and clients add it and take it away, and clients lose headers on redirects.',
    seen: 'Claude, [WikidataMCP #3](https://github.com/wmde/WikidataMCP/issues/3); default of other servers, [python-sdk #1168](https://github.com/modelcontextprotocol/python-sdk/issues/1168)'
  },
  'request-before-initialize': {
    where: 'stdio, HTTP+SSE',
    what: 'a request other than ping before initialize, without the envelope of 2026-07-28',
    rule: 'Initialization is the first interaction (2025-11-25 basic/lifecycle, Initialization)',
    served: 'as a client of 2025-03-26 without capabilities',
    refused: '-32600',
    reason: 'Scripts list and call tools so.'
  },
  'request-before-initialized': {
    where: 'stdio, HTTP+SSE',
    what: 'a request other than ping after initialize, without `notifications/initialized` between them',
    rule: 'The client sends it after initialization (2025-11-25 basic/lifecycle, Initialization)',
    served: 'as if it had been sent',
    refused: '-32600',
    reason: 'The server has all that it needs from initialize.',
    seen: 'mcp-golang, [#127](https://github.com/metoro-io/mcp-golang/pull/127); mistral.rs, [#1613](https://github.com/EricLBuehler/mistral.rs/pull/1613)'
  },
  'initialized-name': {
    where: 'stdio, HTTP+SSE',
    what: 'the notification `initialized` instead of `notifications/initialized`',
    rule: 'Its name is `notifications/initialized` (2025-11-25 basic/lifecycle, Initialization)',
    served: 'as the one that is meant',
    refused: 'nothing, as it is a notification; the requests after it are refused',
    reason: 'The Language Server Protocol, which MCP takes after, calls its own so.',
    seen: 'mcp_client for Dart, [#2](https://github.com/app-appplayer/mcp_client/issues/2); mcp-probe, [#30](https://github.com/conikeec/mcp-probe/issues/30)'
  }
} as const satisfies Readonly<Record<string, Deviation>>

export type DeviationName = keyof typeof deviations
