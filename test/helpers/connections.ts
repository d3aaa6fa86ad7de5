import type { Server } from 'node:net'

/** Counts the connections of a server from now on. */
export function countConnections (server: Server): () => number {
  let count = 0
  server.on('connection', (socket) => {
    count++
    socket.once('close', () => { count-- })
  })
  return () => count
}
