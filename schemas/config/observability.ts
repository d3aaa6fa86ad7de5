import { Type, type Static } from '@sinclair/typebox'
import { auditFilters } from '../audit.ts'
import { MetricsHost } from './network.ts'
import { byteSize, closedObject, flag, mib, milliseconds, oneOfWords, port, text, urlPath } from '../primitives.ts'

/** What the server tells about itself. */

export const logLevelNames = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const LoggingSection = closedObject({
  level: oneOfWords(logLevelNames, { default: 'info', description: 'The least severe level that is written. At any but `silent`, one line at the start says where the server is. `LOG_LEVEL` wins.', reloadable: true }),
  file: Type.Optional(text({ description: 'Write to this file instead of the standard output. Each process needs one of its own. Relative to the configuration file. `LOG_FILE` wins.' })),
  errorFile: Type.Optional(text({ description: 'A file that gets the lines of level `error` and above, too. Relative to the configuration file. `LOG_ERROR_FILE` wins.' })),
  maxFileSize: byteSize({ default: 10 * mib, minimum: 1024, description: 'Before one of these files would become larger it is put aside, and a new one begun.' }),
  maxFiles: Type.Integer({ default: 10, minimum: 1, maximum: 10_000, description: 'How many files of `file` are kept, with the one that is written; older ones are deleted.' }),
  maxErrorFiles: Type.Integer({ default: 5, minimum: 1, maximum: 10_000, description: 'The same of `errorFile`.' }),
  access: closedObject({
    enabled: flag({ default: true, description: 'Whether each request has a line, at level `info`.' }),
    sample: Type.Number({ default: 1, minimum: 0, maximum: 1, description: 'The share of the requests that succeeded that have one. All others always have.' })
  }, { default: {}, description: 'The lines of requests.' })
}, { default: {}, description: 'The log. [logging.md](logging.md) describes it.' })
export type LoggingSection = Static<typeof LoggingSection>

export const AuditSection = closedObject({
  enabled: flag({ default: true, description: 'Whether calls are recorded.' }),
  logFile: text({ default: 'audit.log', description: 'The file to write; each process needs one of its own. Relative to the configuration file. `AUDIT_LOG_FILE` wins, and by itself turns the audit log on.' }),
  events: Type.Array(oneOfWords(auditFilters, { expects: 'an event such as "tool.call", or an area such as "tool.*"' }), { default: [], description: 'The events to record, such as `tool.call`, or areas of them, such as `tool.*`; an empty list means all. [audit.md](audit.md#events) lists them.' }),
  maxFileSize: byteSize({ default: 10 * mib, minimum: 1024, description: 'Before a file would become larger it is put aside, and a new one begun.' }),
  maxFiles: Type.Integer({ default: 5, minimum: 1, maximum: 10_000, description: 'How many files are kept, with the one that is written; older ones are deleted.' }),
  includeArguments: flag({ default: false, description: 'Record the arguments of calls, and not only their digest. What looks like a secret by the name of its member is left out.' }),
  onFull: oneOfWords(['block', 'drop'], { default: 'block', description: 'While the file cannot be written, as on a full disk: `block` refuses calls with 503, `drop` serves them unrecorded and counts what is missing.' }),
  fsync: flag({ default: false, description: 'Wait for the disk after each line: then lines survive a power cut too, and each costs milliseconds.' })
}, { description: 'The record of who called what. [audit.md](audit.md) describes it.' })
export type AuditSection = Static<typeof AuditSection>

export const MetricsSection = closedObject({
  enabled: flag({ default: true, description: 'Whether metrics are collected and served. `METRICS_ENABLED` wins.' }),
  port: Type.Optional(port({ description: 'A port of their own for them, where no credential is asked for; 0 takes any that is free. Without it they are served beside MCP, for callers with the permission `ops:metrics`. `METRICS_PORT` wins.' })),
  host: Type.Optional(MetricsHost),
  path: urlPath({ default: '/metrics', description: 'Where they are served.' })
}, { description: 'Prometheus metrics. [metrics.md](metrics.md) describes them.' })
export type MetricsSection = Static<typeof MetricsSection>

/** What `/health` looks at. */
export const healthCheckNames = ['handlers', 'upstreams', 'redis', 'database'] as const
export type HealthCheckName = typeof healthCheckNames[number]

export const HealthSection = closedObject({
  enabled: flag({ default: true, description: 'Whether health is served.' }),
  path: urlPath({ default: '/health', description: 'Where it is served; `/live` and `/ready` lie below. `HEALTH_CHECK_PATH` wins.' }),
  interval: milliseconds({ default: 2000, minimum: 50, maximum: 60_000, description: 'How long after its last outcome a check runs again.' }),
  timeout: milliseconds({ default: 2000, minimum: 10, maximum: 60_000, description: 'A check without an outcome after this has failed.' }),
  required: Type.Array(oneOfWords(healthCheckNames), { default: ['handlers'], description: 'The checks without which this server is `unhealthy` (503). A failure of another makes it `degraded` (200): what all instances share should not take all of them out of service at once.' })
}, { default: {}, description: 'Health checks. [health.md](health.md) describes them.' })
export type HealthSection = Static<typeof HealthSection>
