// What a hand-written JSON route costs: the floor every other server is compared with.
import Fastify from 'fastify'
import { serve } from './serve.mjs'

const app = Fastify({ logger: false })

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

await serve(app)
