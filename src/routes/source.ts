import type { FastifyRequest } from 'fastify'
import type { AuditSource } from '../core/audit-event.ts'
import type { SessionRecord } from '../core/session.ts'

/** What is known of a session, or of the client that has none. */
export type KnownSession = Pick<SessionRecord, 'revision' | 'clientName'> & { id: string | undefined }

/** Who sent a request to `/mcp` and from where, as the audit tells of it. */
export function sourceOf ({ id: requestId, principal, ip: address }: FastifyRequest, { id: sessionId, revision, clientName }: KnownSession): AuditSource {
  return { requestId, principal, door: 'mcp', address, sessionId, revision, clientName }
}
