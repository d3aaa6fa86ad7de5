import { resolve } from 'node:path'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { openFileSink } from '../audit/file-sink.ts'
import { Audit } from '../core/audit.ts'
import type { GantryError } from '../core/errors.ts'
import type { Meter } from '../core/meter.ts'
import type { Clock, Logger, Principal } from '../core/ports.ts'
import type { AuditSection } from '../../schemas/config/observability.ts'

export interface AuditOptions {
  /** Undefined, or not enabled: nothing is recorded. */
  section: AuditSection | undefined
  /** The version of the server. */
  version: string
  /** What the path of the file is relative to. */
  baseDir: string
  key: string | undefined
  /** Takes secrets out of what a client sent. */
  redact: ((text: string) => string) | undefined
  /** Counts what is refused; undefined where nothing is counted. */
  meter: Meter | undefined
  logger: Logger
  clock: Clock
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined where nothing is recorded. */
    audit: Audit | undefined
    /** What is missing in the record, since the start: lines, and calls that were refused. Undefined where nothing is recorded. */
    auditMissing: { readonly dropped: number, readonly refused: number } | undefined
    /** Records a request that is answered with an error before a method or a tool has it. `message` is the part of the body that is meant, unless it is all of it. */
    recordRefusal (request: FastifyRequest, error: GantryError, message?: unknown): void
  }
}

/** Opens the audit log and closes it with the app, last of all. Rejects with AuditFileError when it cannot be written. */
export default fp<AuditOptions>(async function audit (app, { section, version, baseDir, key, redact = (text) => text, meter, logger, clock }) {
  if (section?.enabled !== true) {
    app.decorate('audit', undefined)
    app.decorate('auditMissing', undefined)
    app.decorate('recordRefusal', function countRefusal (_request: FastifyRequest, error: GantryError) { meter?.refusal(error) })
    return
  }
  const sink = openFileSink({ file: resolve(baseDir, section.logFile), section, key: key === '' ? undefined : key, redact, logger, clock })
  const audit = new Audit(sink)
  app.decorate('audit', audit)
  app.decorate('auditMissing', sink.missing)
  app.decorate('recordRefusal', function recordRefusal (request: FastifyRequest, error: GantryError, message: unknown = request.body) {
    meter?.refusal(error)
    // Outside of what is guarded, and before the guards, nobody is known.
    const { principal } = request as { principal?: Principal | null }
    audit.refuse(error, { requestId: request.id, principal: principal ?? undefined, address: request.ip }, message, { verb: request.method, path: request.url.split('?', 1)[0] })
  })

  let isStarted = false
  const end = (): void => {
    process.off('exit', end)
    audit.cutOff()
    if (isStarted) sink.note({ event: 'server.stop', outcome: 'ok' })
    sink.close()
  }
  // Whatever ends the process in order, at once or because a call takes too long, leaves nothing out.
  process.on('exit', end)
  app.addHook('onReady', async function recordStart () {
    sink.record({ event: 'server.start', outcome: 'ok', facts: { version, pid: process.pid } })
    isStarted = true
  })
  app.addHook('onClose', async function closeAudit () { end() })
}, { name: 'audit', fastify: '5.x' })
