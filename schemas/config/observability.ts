import { Type, type Static } from '@sinclair/typebox'
import { auditFilters } from '../audit.ts'
import { byteSize, closedObject, flag, mib, oneOfWords, port, text, urlPath } from '../primitives.ts'

/** What the server tells about itself. */

export const logLevelNames = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const LoggingSection = closedObject({
  level: oneOfWords(logLevelNames, { default: 'info', description: 'The least severe level that is written. At any but `silent`, one line at the start says where the server is. `LOG_LEVEL` wins.', reloadable: true }),
  file: Type.Optional(text({ description: 'Write to this file instead of the standard output. Relative to the configuration file. `LOG_FILE` wins.' }))
}, { default: {}, description: 'The log.' })
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
  port: Type.Optional(port({ description: 'A port of its own for them. `METRICS_PORT` wins.' })),
  path: urlPath({ default: '/metrics', description: 'Where they are served.' })
}, { description: 'Prometheus metrics.' })
export type MetricsSection = Static<typeof MetricsSection>

export const HealthSection = closedObject({
  enabled: flag({ default: true, description: 'Whether health is served.' }),
  path: urlPath({ default: '/health', description: 'Where it is served. `HEALTH_CHECK_PATH` wins.' })
}, { description: 'Health checks.' })
export type HealthSection = Static<typeof HealthSection>
