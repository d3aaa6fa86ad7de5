import { Type, type Static } from '@sinclair/typebox'
import { byteSize, closedObject, flag, mib, oneOfWords, port, text, urlPath } from '../primitives.ts'

/** What the server tells about itself. */

export const logLevelNames = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const LoggingSection = closedObject({
  level: oneOfWords(logLevelNames, { default: 'info', description: 'The least severe level that is written. `LOG_LEVEL` wins.', reloadable: true }),
  file: Type.Optional(text({ description: 'Write to this file instead of the standard output. Relative to the configuration file. `LOG_FILE` wins.' }))
}, { default: {}, description: 'The log.' })
export type LoggingSection = Static<typeof LoggingSection>

export const AuditSection = closedObject({
  enabled: flag({ default: true, description: 'Whether calls are recorded.' }),
  logFile: Type.Optional(text({ description: 'The file to write. Relative to the configuration file. `AUDIT_LOG_FILE` wins.' })),
  events: Type.Array(text(), { default: [], description: 'The events to record; an empty list means all.' }),
  maxFileSize: byteSize({ default: 10 * mib, minimum: 1024, description: 'A larger file is put aside and a new one begun.' }),
  maxFiles: Type.Integer({ default: 5, minimum: 1, maximum: 10_000, description: 'How many files are kept.' }),
  includeArguments: flag({ default: false, description: 'Record the arguments of calls too.' })
}, { description: 'The record of who called what.' })
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
