// What an MCP call that asks a database costs by hand: the same bytes in and out, the statement prepared by its name, no transaction around it.
import Fastify from 'fastify'
import pg from 'pg'
import { serve } from './serve.mjs'

const app = Fastify({ logger: false })
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 })
const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'bench', version: '1.0.0' } }

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
  const { id, params: { arguments: { a, b } } } = request.body
  const { rows, rowCount } = await pool.query({ name: 'add', text: 'SELECT $1::int + $2::int AS sum', values: [a, b] })
  const structuredContent = { rows, rowCount }
  const content = [{ type: 'text', text: JSON.stringify(structuredContent) }]
  return { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: serverInfo, content, structuredContent } }
})

await serve(app)
