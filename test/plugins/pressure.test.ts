import t from 'tap'
import { build, post, rest, type GantryApp } from '../helpers/build.ts'
import { until } from '../helpers/waiting.ts'

async function whenPressed (app: GantryApp): Promise<void> {
  let pressed = false
  await until('the process is found overloaded', () => {
    void app.inject({ url: '/tools' }).then(({ statusCode }) => { pressed = statusCode === 503 })
    return pressed
  })
}

t.test('an overloaded process refuses work with 503 and says when to come again', async (t) => {
  let entered = 0
  const app = await build(t, { server: { pressure: { maxRssBytes: 1 } } }, { tools: { echo: () => { entered++; return 'x' } } })
  await whenPressed(app)
  const mcp = await post(app, { jsonrpc: '2.0', id: 1, method: 'ping' })
  t.match([mcp.status, mcp.headers['retry-after']], [503, '10'])
  t.match(mcp.message, { jsonrpc: '2.0', error: { code: -32603, message: /overloaded/ } })
  const called = await rest(app, 'echo', {})
  t.match([called.status, called.headers['retry-after'], called.body], [503, '10', { code: 'MCP_OVERLOADED', status: 503 }])
  t.equal(called.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.equal(entered, 0)
  t.equal((await app.inject('/health')).statusCode, 200, 'but who asks for its health is told')
  t.equal((await app.inject('/health/live')).statusCode, 200, 'it lives')
  const { statusCode, payload } = await app.inject('/health/ready')
  t.match([statusCode, JSON.parse(payload)], [503, { status: 'overloaded' }], 'and work is better sent elsewhere')
})

t.test('each limit counts by itself', async (t) => {
  await whenPressed(await build(t, { server: { pressure: { maxHeapUsedBytes: 1 } } }))
  t.pass('the heap')
})

t.test('limits that are off, or far away, refuse nothing', async (t) => {
  for (const pressure of [{ enabled: false, maxRssBytes: 1 }, { maxEventLoopDelay: 0 }, {}]) {
    const app = await build(t, { server: { pressure } }, { tools: { echo: () => 'x' } })
    t.equal((await rest(app, 'echo')).status, 200)
  }
})
