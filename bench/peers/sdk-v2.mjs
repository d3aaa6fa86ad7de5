// The official SDK v2 as its Fastify guide mounts it. The schema is made once, outside the factory:
// kinder to the SDK than the guide, which makes it anew for each request.
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import Fastify from 'fastify'
import * as z from 'zod/v4'
import { serve } from './serve.mjs'

const inputSchema = z.strictObject({ a: z.number(), b: z.number() })
const tool = { description: 'Adds two numbers.', inputSchema }

function add ({ a, b }) {
  return { content: [{ type: 'text', text: String(a + b) }] }
}

const handler = toNodeHandler(createMcpHandler(() => {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool('add', tool, add)
  return server
}))

const app = Fastify({ logger: false })
app.all('/mcp', (request, reply) => handler(request.raw, reply.raw, request.body))

await serve(app)
