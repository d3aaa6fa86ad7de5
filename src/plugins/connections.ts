import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { unreadableAnswer } from '../core/http-errors.ts'

export interface ConnectionsOptions {
  /** How many each server of the app holds at once. */
  max: number
}

/** Bounds the connections of all addresses that the app listens on, and answers on them what is no request. */
export default fp<ConnectionsOptions>(async function connections (app, { max }) {
  app.server.maxConnections = max
  app.addHook('onListen', async function boundOthers () {
    for (const server of app.otherServers()) {
      server.maxConnections = max
      server.on('clientError', refuseUnreadable)
    }
  })
}, { name: 'connections', fastify: '5.x', dependencies: ['closing'] })

/** Of what Node cannot read, or did not get in time. No hook sees these. */
export function refuseUnreadable (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) socket.write(unreadableAnswer(error))
  socket.destroy(error)
}
