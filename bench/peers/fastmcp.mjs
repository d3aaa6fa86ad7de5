// fastmcp over its HTTP stream with sessions and plain JSON answers: its fastest form.
import { FastMCP } from 'fastmcp'
import * as z from 'zod/v4'
import { endOnSignal } from './serve.mjs'

const server = new FastMCP({ name: 'bench', version: '1.0.0' })

server.addTool({
  name: 'add',
  description: 'Adds two numbers.',
  parameters: z.strictObject({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => String(a + b)
})

endOnSignal()
await server.start({
  transportType: 'httpStream',
  httpStream: {
    host: process.env.HOST,
    port: Number(process.env.PORT),
    endpoint: '/mcp',
    enableJsonResponse: true
  }
})
