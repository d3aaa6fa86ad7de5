/** What enforces each control that a configuration can declare, and where: the catalogue behind `gantry explain`. */

/** The ways into the server. `mcp` is `/mcp` in every revision, with its GET stream and DELETE; `rest` is `/tools`; `sse` the old HTTP+SSE transport; `ops` what `/health` says beside the state; `metrics` the metrics that are served beside MCP. */
export const doorNames = ['mcp', 'rest', 'sse', 'stdio', 'ops', 'metrics'] as const
export type DoorName = typeof doorNames[number]

const http: readonly DoorName[] = ['mcp', 'rest', 'sse']
const every: readonly DoorName[] = ['mcp', 'rest', 'sse', 'stdio']

export interface ControlKind {
  /** Where it stands in the configuration; `*` is any entry. All below belongs to it. */
  readonly path: readonly string[]
  /** What it does, as the continuation of its path. */
  readonly does: string
  /** The source file that enforces it. */
  readonly enforcedBy: string
  readonly doors: readonly DoorName[]
}

export const controlKinds: readonly ControlKind[] = [
  { path: ['security', 'ipWhitelist'], does: 'the only addresses that are served', enforcedBy: 'src/plugins/ip-filter.ts', doors: http },
  { path: ['security', 'authentication', 'enabled'], does: 'callers show who they are, or are refused', enforcedBy: 'src/plugins/auth.ts', doors: http },
  { path: ['security', 'authentication', 'acceptRisk'], does: 'an address that others reach may be bound without authentication', enforcedBy: 'src/config/semantics.ts', doors: http },
  { path: ['security', 'authentication', 'headerName'], does: 'the header for keys, beside Authorization', enforcedBy: 'src/auth/credential.ts', doors: http },
  { path: ['security', 'authentication', 'allowAnonymous'], does: 'callers without a credential are let in with the permissions of "anonymous"', enforcedBy: 'src/plugins/auth.ts', doors: http },
  { path: ['security', 'authentication', 'apiKeys'], does: 'the keys that are accepted', enforcedBy: 'src/auth/api-keys.ts', doors: http },
  { path: ['security', 'authentication', 'failureLimit'], does: 'refused credentials that one address may show', enforcedBy: 'src/auth/failure-limit.ts', doors: http },
  { path: ['security', 'authentication', 'oauth'], does: 'access tokens that are accepted', enforcedBy: 'src/auth/access-tokens.ts', doors: http },
  { path: ['security', 'permissions', 'anonymous'], does: 'what callers without a credential may do', enforcedBy: 'src/core/lookup.ts', doors: http },
  { path: ['security', 'permissions', 'authenticated'], does: 'what every caller with a credential may do', enforcedBy: 'src/core/lookup.ts', doors: http },
  { path: ['security', 'permissions', 'local'], does: 'what the caller over stdio may do', enforcedBy: 'src/core/lookup.ts', doors: ['stdio'] },
  { path: ['security', 'rateLimit'], does: 'how often callers may call', enforcedBy: 'src/core/rate-limits.ts', doors: every },
  { path: ['security', 'audit'], does: 'the record of every decision and call', enforcedBy: 'src/plugins/audit.ts', doors: every },
  { path: ['tools', '*', 'rateLimit'], does: 'how often this tool may be called', enforcedBy: 'src/core/rate-limits.ts', doors: every },
  { path: ['tools', '*', 'timeout'], does: 'how long a call of this tool may take', enforcedBy: 'src/core/pipeline.ts', doors: every },
  { path: ['tools', '*', 'maxConcurrent'], does: 'how many calls of this tool may run at once', enforcedBy: 'src/core/call-slots.ts', doors: every },
  { path: ['tools', '*', 'maxQueue'], does: 'how many calls of this tool may wait', enforcedBy: 'src/core/call-slots.ts', doors: every },
  { path: ['caching'], does: 'whose results are kept, for whom and how long', enforcedBy: 'src/core/cache/keep-rule.ts', doors: every },
  { path: ['tools', '*', 'cache'], does: 'whether results of this tool are kept, for whom and how long', enforcedBy: 'src/core/cache/keep-rule.ts', doors: every },
  { path: ['tools', '*', 'invalidates'], does: 'the kept results that a success of this tool drops', enforcedBy: 'src/core/cache/result-cache.ts', doors: every },
  { path: ['tools', '*', 'maxResultBytes'], does: 'how large a result of this tool may be', enforcedBy: 'src/core/result-budget.ts', doors: every },
  { path: ['server', 'allowedHosts'], does: 'the Host headers that are served', enforcedBy: 'src/plugins/origin-guard.ts', doors: http },
  { path: ['server', 'allowedOrigins'], does: 'the pages that may call', enforcedBy: 'src/plugins/origin-guard.ts', doors: http },
  { path: ['server', 'trustProxy'], does: 'the peers whose forwarded headers count', enforcedBy: 'src/core/proxies.ts', doors: http },
  { path: ['server', 'securityHeaders'], does: 'security headers on every answer', enforcedBy: 'src/plugins/security-headers.ts', doors: http },
  { path: ['server', 'maskHandlerErrors'], does: 'what handlers throw is hidden from callers', enforcedBy: 'src/core/pipeline.ts', doors: every },
  { path: ['server', 'requestTimeout'], does: 'how long calls may take unless their tool says otherwise', enforcedBy: 'src/core/pipeline.ts', doors: every },
  { path: ['server', 'headersTimeout'], does: 'how long a client may take to send its headers', enforcedBy: 'src/app.ts', doors: http },
  { path: ['server', 'receiveTimeout'], does: 'how long a client may take to send a whole request', enforcedBy: 'src/app.ts', doors: http },
  { path: ['server', 'maxConnections'], does: 'connections of each address that is listened on', enforcedBy: 'src/plugins/connections.ts', doors: http },
  { path: ['server', 'maxRequestSize'], does: 'the largest body, or line', enforcedBy: 'src/app.ts', doors: every },
  { path: ['server', 'maxResultBytes'], does: 'how large results may be unless their tool says otherwise', enforcedBy: 'src/core/result-budget.ts', doors: every },
  { path: ['server', 'maxSessions'], does: 'sessions in all', enforcedBy: 'src/plugins/sessions.ts', doors: ['mcp', 'sse'] },
  { path: ['server', 'maxSessionsPerPrincipal'], does: 'sessions of one caller', enforcedBy: 'src/plugins/sessions.ts', doors: ['mcp', 'sse'] },
  { path: ['server', 'sessionIdleTimeout'], does: 'after how long an unused session ends', enforcedBy: 'src/plugins/sessions.ts', doors: ['mcp', 'sse'] },
  { path: ['server', 'maxStreams'], does: 'streams in all', enforcedBy: 'src/core/stream-slots.ts', doors: ['mcp'] },
  { path: ['server', 'maxStreamsPerPrincipal'], does: 'streams of one caller', enforcedBy: 'src/core/stream-slots.ts', doors: ['mcp'] },
  { path: ['server', 'maxAnonymousStreams'], does: 'streams of all callers without a name', enforcedBy: 'src/core/stream-slots.ts', doors: ['mcp'] },
  { path: ['server', 'handlerRoots'], does: 'where handler modules and resource files may lie', enforcedBy: 'src/tools/allowed-file.ts', doors: every },
  { path: ['server', 'upstreams', 'allowPrivate'], does: 'addresses beside the public ones that http handlers may reach', enforcedBy: 'src/tools/http/egress.ts', doors: every },
  { path: ['server', 'upstreams', 'maxConcurrent'], does: 'requests under way to one origin of http handlers', enforcedBy: 'src/core/gate.ts', doors: every },
  { path: ['server', 'upstreams', 'maxQueue'], does: 'requests that wait for one origin', enforcedBy: 'src/core/gate.ts', doors: every },
  { path: ['server', 'upstreams', 'circuitBreaker'], does: 'when nothing is sent to an origin that fails', enforcedBy: 'src/tools/http/breaker.ts', doors: every },
  { path: ['tools', '*', 'handler', 'allowPrivate'], does: 'addresses beside the public ones that this handler may reach', enforcedBy: 'src/tools/http/egress.ts', doors: every },
  { path: ['tools', '*', 'handler', 'allowedHosts'], does: 'the only hosts that this handler calls', enforcedBy: 'src/tools/http/hosts.ts', doors: every },
  { path: ['health', 'enabled'], does: 'whether the state of the server is told', enforcedBy: 'src/app.ts', doors: ['ops'] },
  { path: ['health', 'required'], does: 'the checks without which work is to be sent elsewhere', enforcedBy: 'src/core/health.ts', doors: ['ops'] },
  { path: ['*', '*', 'handler', 'readOnly'], does: 'whether the statement of an sql handler may write', enforcedBy: 'src/stores/postgres.ts', doors: every },
  { path: ['*', '*', 'handler', 'maxRows'], does: 'how many rows an sql handler may return', enforcedBy: 'src/stores/postgres-exchange.ts', doors: every },
  { path: ['databases', '*', 'ssl'], does: 'how the way to this database is protected', enforcedBy: 'src/stores/postgres-settings.ts', doors: every },
  { path: ['databases', '*', 'max'], does: 'connections to this database', enforcedBy: 'src/core/gate.ts', doors: every },
  { path: ['databases', '*', 'maxQueue'], does: 'statements that wait for a connection', enforcedBy: 'src/core/gate.ts', doors: every },
  { path: ['databases', '*', 'statementTimeout'], does: 'how long a statement may take', enforcedBy: 'src/stores/postgres.ts', doors: every },
  { path: ['metrics', 'enabled'], does: 'whether metrics are kept and served', enforcedBy: 'src/app.ts', doors: ['metrics'] },
  { path: ['metrics', 'port'], does: 'where metrics are served to whoever reaches it', enforcedBy: 'src/plugins/metrics-listener.ts', doors: [] },
  { path: ['metrics', 'host'], does: 'the address of that port', enforcedBy: 'src/plugins/metrics-listener.ts', doors: [] },
  { path: ['server', 'tasks'], does: 'how many tasks there may be, and for how long', enforcedBy: 'src/plugins/tasks.ts', doors: ['mcp', 'stdio'] },
  { path: ['server', 'pressure'], does: 'when work is refused because the process is overloaded', enforcedBy: 'src/plugins/pressure.ts', doors: http },
  { path: ['server', 'protocol', 'strictness'], does: 'whether deviations of clients are borne', enforcedBy: 'src/core/tolerating.ts', doors: ['mcp', 'sse', 'stdio'] }
]
