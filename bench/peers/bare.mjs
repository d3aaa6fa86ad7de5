// What a hand-written JSON route costs: the floor every other server is compared with.
import Fastify from 'fastify'
import { serve } from './serve.mjs'

const app = Fastify({ logger: false })
const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'bench', version: '1.0.0' } }

app.post('/add', {
  schema: {
    body: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
      additionalProperties: false
    }
  }
}, async function add (request) {
  const { a, b } = request.body
  return { sum: a + b }
})

// The same request and the same answer as an MCP call has, by hand: what of its cost is size, and what is the server.
app.post('/mcp', {
  schema: {
    body: {
      type: 'object',
      properties: {
        jsonrpc: { const: '2.0' },
        id: { type: ['string', 'integer'] },
        method: { const: 'tools/call' },
        params: {
          type: 'object',
          properties: {
            name: { const: 'add' },
            arguments: {
              type: 'object',
              properties: { a: { type: 'number' }, b: { type: 'number' } },
              required: ['a', 'b'],
              additionalProperties: false
            },
            _meta: { type: 'object' }
          },
          required: ['name', 'arguments']
        }
      },
      required: ['jsonrpc', 'id', 'method', 'params']
    }
  }
}, async function call (request) {
  const { id, params: { arguments: { a, b }, _meta } } = request.body
  const result = { content: [{ type: 'text', text: String(a + b) }] }
  if (_meta === undefined) return { jsonrpc: '2.0', id, result }
  return { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: serverInfo, ...result } }
})

await serve(app)
