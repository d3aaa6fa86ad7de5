import compress from '@fastify/compress'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

export interface CompressionOptions {
  enabled: boolean
  /** Bytes; what is smaller is sent as it is. */
  threshold: number
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Sends text, compressed if it is long enough and the client accepts it. */
    sendCompressed (request: FastifyRequest, reply: FastifyReply, text: string): void
  }
}

/** Compression by @fastify/compress, asked for only where it can pay: most answers are too short, and streams must not be held back. */
export default fp<CompressionOptions>(async function compression (app, { enabled, threshold }) {
  if (enabled) await app.register(compress, { global: false, globalDecompression: false, threshold })

  app.decorate('sendCompressed', enabled
    ? function sendCompressed (request: FastifyRequest, reply: FastifyReply, text: string): void {
      if (text.length < threshold || request.headers['accept-encoding'] === undefined) reply.send(text)
      else reply.compress(text)
    }
    : function sendPlain (_request: FastifyRequest, reply: FastifyReply, text: string): void { reply.send(text) })
}, { name: 'compression', fastify: '5.x' })
