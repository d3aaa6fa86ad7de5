// SDK v1 with one server and one transport a session, answering in plain JSON: its fastest form.
import { randomUUID } from 'node:crypto'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import Fastify from 'fastify'
import * as z from 'zod/v4'
import { serve } from './serve.mjs'

const transports = new Map()
const inputSchema = z.strictObject({ a: z.number(), b: z.number() })

async function openSession () {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => { transports.set(id, transport) }
  })
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  server.registerTool('add', { description: 'Adds two numbers.', inputSchema }, async ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }]
  }))
  await server.connect(transport)
  return transport
}

const app = Fastify({ logger: false })
app.post('/mcp', async function callSdk (request, reply) {
  reply.hijack()
  const transport = transports.get(request.headers['mcp-session-id']) ?? await openSession()
  await transport.handleRequest(request.raw, reply.raw, request.body)
})

await serve(app)
