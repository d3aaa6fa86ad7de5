import { Type, type Static } from '@sinclair/typebox'
import { CacheHintsSection } from '../cache-hint.ts'
import { byteSize, closedObject, count, flag, kib, maxTimerMs, mib, milliseconds, oneOfWords, text, urlPath } from '../primitives.ts'

/** How the server talks and what it bears. */

const HttpSseSection = closedObject({
  enabled: flag({ default: false, description: 'Serve it.' }),
  path: urlPath({ default: '/sse', description: 'Where clients open their stream.' }),
  messagesPath: urlPath({ default: '/messages', description: 'Where clients post their messages. The stream tells them this path as it stands here: a proxy in front must not change it.' })
}, {
  default: {},
  description: 'HTTP+SSE, the transport of revision 2024-11-05, for clients that have no other. It is deprecated: its session ids stand in URLs, where others may log them. A session lasts as long as its stream and counts in `maxSessions`. With Redis, its messages may arrive at any instance.'
})

const ProtocolSection = closedObject({
  sessions: oneOfWords(['stateful', 'stateless'], {
    default: 'stateful',
    description: 'Whether 2025-era clients get a session. `stateless` answers each request by itself: no server messages, no log messages, no subscriptions.'
  }),
  strictness: oneOfWords(['lenient', 'strict'], {
    default: 'lenient',
    description: 'What happens to clients that deviate from the protocol in a harmless way. `lenient` serves and counts them; `strict` refuses them. [tolerance.md](tolerance.md) lists the deviations.'
  }),
  cacheHints: CacheHintsSection,
  httpSse: HttpSseSection
}, { default: {}, description: 'How the protocol is spoken.' })

const CompressionSection = closedObject({
  enabled: flag({ default: true, description: 'Compress answers when the client accepts it.' }),
  threshold: byteSize({ default: kib, minimum: 0, description: 'Answers smaller than this are sent as they are.' })
}, { default: {}, description: 'Compression of answers. Event streams are never compressed.' })

const PressureSection = closedObject({
  enabled: flag({ default: true, description: 'Answer 503 while the process is overloaded.' }),
  maxEventLoopDelay: milliseconds({ default: 1000, minimum: 0, description: 'How late the event loop may be. 0 turns this check off.' }),
  maxHeapUsedBytes: byteSize({ default: 0, minimum: 0, description: 'How much of the JavaScript heap may be in use. 0 turns this check off.' }),
  maxRssBytes: byteSize({ default: 0, minimum: 0, description: 'How much memory the process may hold. 0 turns this check off.' })
}, { default: {}, description: 'When to refuse work.' })

export const TasksSection = closedObject({
  maxTasks: count({ default: 10_000, description: 'How many tasks are kept at once; a call that would be one more fails. With Redis this counts the tasks of all instances.' }),
  maxTasksPerPrincipal: count({ default: 1000, description: 'How many of them one caller may have. Callers without a name of their own (anonymous) share `maxTasks` and have no bound beside it.' }),
  ttl: milliseconds({ default: 7_200_000, description: 'How long a task and its result are kept, from its start. Not less than `maxDuration`.' }),
  pollInterval: milliseconds({ default: 1000, description: 'How often clients are asked to look after a task.' }),
  maxDuration: milliseconds({ default: 3_600_000, description: 'How long a task may run, the time in which it waits for its client included.' }),
  maxResultSize: byteSize({ default: mib, minimum: kib, description: 'The largest result that is kept. A larger one is cut, or an error, as one that is larger than `maxResultBytes`.' }),
  maxTotalSize: byteSize({ default: 256 * mib, minimum: 64 * kib, description: 'How much all tasks together may hold. Each counts at least 4 kb.' })
}, { default: {}, description: 'Calls that go on in the background: tools with `task`.' })
export type TasksSection = Static<typeof TasksSection>

const CircuitBreakerSection = closedObject({
  enabled: flag({ default: true, description: 'Send nothing for a while to an origin that fails.' }),
  failures: count({ default: 5, description: 'How many failures in a row open the circuit: failed connections, timeouts, answers of 500 and above.' }),
  cooldown: milliseconds({ default: 10_000, description: 'How long it stays open, and up to half of that longer, by chance. Then one request at a time finds out whether the origin works again.' })
}, { default: {}, description: 'What happens when an origin fails again and again.' })

export const UpstreamsSection = closedObject({
  allowPrivate: Type.Array(text({ expects: 'an address or a CIDR range, such as "10.0.0.0/8"' }), {
    default: [],
    description: 'Addresses and CIDR ranges beside the public ones that every `http` handler may reach; `allowPrivate` of a handler adds to them.'
  }),
  connectTimeout: milliseconds({ default: 5000, description: 'How long a connection may take to be made, its TLS handshake included.' }),
  maxConcurrent: count({ default: 128, maximum: 100_000, description: 'How many requests to one origin (scheme, host and port) may be under way at once, over as many connections.' }),
  maxQueue: count({ default: 512, minimum: 0, description: 'How many more may wait for their turn; one more fails at once. The wait counts in the `timeout` of the handler.' }),
  circuitBreaker: CircuitBreakerSection
}, { default: {}, description: 'The APIs that `http` handlers call. [handlers.md](handlers.md#which-addresses) says more.' })
export type UpstreamsSection = Static<typeof UpstreamsSection>

export const ServerSection = closedObject({
  path: urlPath({ default: '/mcp', description: 'Where MCP is served.' }),
  protocol: ProtocolSection,
  sessionIdleTimeout: milliseconds({ default: 1_800_000, description: 'A session that is not used for this long ends.', reloadable: true }),
  maxSessions: count({ default: 10_000, description: 'How many sessions may exist at once; more are refused with 503. With Redis this counts the sessions of all instances.', reloadable: true }),
  maxSessionsPerPrincipal: count({ default: 1000, description: 'How many of them one caller may have. Callers without a name of their own (anonymous) share `maxSessions` and have no bound beside it.', reloadable: true }),
  maxStreams: count({ default: 10_000, description: 'How many streams of one instance may wait for news at once: `subscriptions/listen` requests and GET streams of sessions. One more is refused with 503.' }),
  maxStreamsPerPrincipal: count({ default: 1000, description: 'How many of them one caller may have; one more is refused with 429.' }),
  maxAnonymousStreams: count({ default: 9000, description: 'How many of them all callers without a name of their own (anonymous) may have together; one more is refused with 429. What lies between this and `maxStreams` stays free for callers with a name.' }),
  pageSize: count({ default: 1000, maximum: 100_000, description: 'How many entries one page of a list holds.' }),
  maxRequestSize: byteSize({ default: 10 * mib, maximum: 1024 * mib, description: 'The largest request body; a larger one gets 413. `MAX_REQUEST_SIZE` wins.' }),
  maxResultBytes: byteSize({ default: 10 * mib, minimum: kib, description: 'How large the JSON of a result may be: of a tool that does not say, of a prompt, of what is read of a resource. Tools\' text that is more is cut, with a note; what cannot be cut is an error.', reloadable: true }),
  requestTimeout: milliseconds({ default: 30_000, description: 'How long a call may take when its tool does not say. `REQUEST_TIMEOUT` wins.', reloadable: true }),
  keepAliveTimeout: milliseconds({ default: 65_000, minimum: 0, description: 'How long an idle connection stays open. 0 never closes it.' }),
  // Node refuses to wait for headers longer than the five minutes that it has for a whole request, whatever that is set to later.
  headersTimeout: milliseconds({ default: 66_000, maximum: 300_000, description: 'How long a client may take to send its headers.' }),
  receiveTimeout: milliseconds({ default: 120_000, description: 'How long a client may take to send a whole request, its headers and its body; then it gets 408.' }),
  maxConnections: count({ default: 20_000, description: 'How many connections one address that the server listens on holds at once; one more is closed as it comes. Each stream takes one.' }),
  drainTimeout: milliseconds({ default: 10_000, minimum: 0, description: 'How long calls in flight may still run at shutdown.' }),
  handlerRoots: Type.Array(text(), {
    default: ['.'],
    minItems: 1,
    description: 'Directories that file handlers and resource files may be in. Relative to the configuration file; `.` is its own directory.'
  }),
  allowedHosts: Type.Optional(Type.Array(text(), {
    minItems: 1, reloadable: true, description: 'Values of the Host header that are served. Without this key: loopback names when bound to loopback, any otherwise.'
  })),
  allowedOrigins: Type.Optional(Type.Array(text(), {
    reloadable: true, description: 'Web origins (`https://app.example.com`) whose pages may call: CORS lets them read the answers, without cookies. Without this key: those of this machine when bound to loopback, none otherwise. Requests without Origin pass.'
  })),
  trustProxy: Type.Union([Type.Boolean(), text(), Type.Array(text(), { minItems: 1 })], {
    default: false,
    expects: 'true or false, or the proxies in front: addresses, CIDR ranges, "loopback", "linklocal" or "uniquelocal", as a list or a text with commas',
    description: 'Whose `X-Forwarded-For`, `-Host` and `-Proto` headers count: those of proxies in front of the server. Of all others they change nothing. `true` believes everyone. [network.md](network.md) says more.'
  }),
  compression: CompressionSection,
  securityHeaders: flag({ default: true, description: 'Send the security headers that mean something on an API.' }),
  maskHandlerErrors: flag({ default: false, description: 'Tell clients only that a handler failed, not with which message.', reloadable: true }),
  tasks: TasksSection,
  upstreams: UpstreamsSection,
  pressure: PressureSection
}, { default: {}, description: 'The HTTP server, sessions and limits.' })
export type ServerSection = Static<typeof ServerSection>

export const ClusterSection = closedObject({
  enabled: flag({ default: true, description: 'Run several worker processes.' }),
  workers: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024, description: 'How many. Without it, one for each processor.' })),
  restartDelay: milliseconds({ default: 1000, maximum: maxTimerMs, description: 'How long to wait before a worker that ended is replaced.' })
}, { description: 'Worker processes.' })
export type ClusterSection = Static<typeof ClusterSection>
