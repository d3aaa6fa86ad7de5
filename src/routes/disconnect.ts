import type { FastifyReply } from 'fastify'

/** Calls back once when the client goes away before its answer is sent; at once if it has gone already. */
export function whenGone ({ raw }: FastifyReply, gone: () => void): void {
  if (raw.destroyed && !raw.writableFinished) gone()
  else raw.once('close', () => { if (!raw.writableFinished) gone() })
}
