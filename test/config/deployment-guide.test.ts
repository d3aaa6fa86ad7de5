import t from 'tap'
import { loadValue, soundTool } from '../helpers/load-text.ts'

/** The JSON of the deployment guide, each piece in a whole file: it loads, or it is refused by the name of its section. */

const handler = { type: 'registry', name: 'f' }
const inWholeFile = (fragment: object, ...tools: string[]) => ({ name: 'guide', version: '1.0.0', host: '127.0.0.1', port: 3001, tools: tools.map((name) => soundTool(name)), ...fragment })

t.test('response caching: loads as it is', async (t) => {
  const caching = { enabled: true, ttl: 300, maxSize: 1000, tools: { 'expensive-tool': { ttl: 600, enabled: true } } }
  const { config, faults, notices } = await loadValue(t, inWholeFile({ caching }, 'expensive-tool'))
  t.strictSame([faults, notices], [[], []])
  t.match(config?.caching, caching)
})

t.test('rate limiting: loads as it is, and says that there is nobody yet whose key it could limit', async (t) => {
  const { config, faults, notices } = await loadValue(t, inWholeFile({
    security: {
      rateLimit: {
        enabled: true,
        global: { window: 60000, maxRequests: 1000 },
        perTool: { 'expensive-operation': { window: 60000, maxRequests: 10 } },
        perApiKey: { 'free-tier': { window: 60000, maxRequests: 100 }, 'paid-tier': { window: 60000, maxRequests: 10000 } }
      }
    }
  }, 'expensive-operation'))
  t.strictSame(faults, [])
  t.match(config?.security.rateLimit, { global: { window: 60000, maxRequests: 1000 }, perApiKey: { 'paid-tier': { maxRequests: 10000 } } })
  t.strictSame(notices.map(({ message }) => message), ['"security.rateLimit.perApiKey" limits nobody: there are no keys.'])
})

const example = {
  name: 'example',
  inputSchema: {
    type: 'object',
    properties: {
      email: { type: 'string', format: 'email', maxLength: 255 },
      age: { type: 'integer', minimum: 0, maximum: 150 }
    },
    required: ['email'],
    additionalProperties: false
  }
}

t.test('input validation: the tool loads with its schema as it is, once it says what does the work', async (t) => {
  const { config, faults } = await loadValue(t, inWholeFile({ tools: [{ ...example, handler }] }))
  t.strictSame(faults, [])
  t.strictSame(config?.tools[0]?.inputSchema, example.inputSchema)
  t.match((await loadValue(t, inWholeFile({ tools: [example] }))).faults, [{ path: ['tools', 0, 'handler'], message: /"handler" is missing/ }])
})

t.test('network security: the list of addresses loads, and what would shut everyone out is said', async (t) => {
  const security = { ipWhitelist: ['10.0.0.0/8', '192.168.0.0/16', '203.0.113.0/24'] }
  t.match(await loadValue(t, inWholeFile({ security })), { faults: [], config: { security }, notices: [{ message: /"trustProxy": "loopback"/ }] })
  t.match(await loadValue(t, inWholeFile({ security, server: { trustProxy: 'loopback' } })), { faults: [], notices: [] })
})

t.test('the environment of the guide is taken: what is there counts, what is not is said', async (t) => {
  const env = {
    NODE_ENV: 'production',
    PORT: '3001',
    CONFIG_PATH: '/etc/mcp/config.json',
    API_KEY_SALT: 'salt',
    SESSION_SECRET: 'secret',
    LOG_LEVEL: 'info',
    LOG_FILE: '/var/log/mcp/server.log',
    AUDIT_LOG_FILE: '/var/log/mcp/audit.log',
    NODE_OPTIONS: '--max-old-space-size=2048',
    MAX_REQUEST_SIZE: '10mb',
    REQUEST_TIMEOUT: '30000',
    DATABASE_URL: 'postgresql://user:pass@localhost:5432/db',
    REDIS_URL: 'redis://localhost:6379',
    API_TOKEN: 'token',
    METRICS_ENABLED: 'true',
    METRICS_PORT: '9090',
    HEALTH_CHECK_PATH: '/health'
  }
  const { config, notices } = await loadValue(t, inWholeFile({}), { env })
  t.match(config, { port: 3001, logging: { level: 'info', file: '/var/log/mcp/server.log' }, server: { maxRequestSize: 10_485_760, requestTimeout: 30_000 }, redis: { url: 'redis://localhost:6379' }, databases: { default: { url: 'postgresql://user:pass@localhost:5432/db' } }, security: { audit: { enabled: true, logFile: '/var/log/mcp/audit.log' } }, health: { enabled: true, path: '/health' }, metrics: { enabled: true, port: 9090, path: '/metrics' } })
  t.strictSame(notices, [])
})

t.test('the sizes and times of the guide are the defaults', async (t) => {
  const { config } = await loadValue(t, inWholeFile({}))
  t.match(config?.server, { keepAliveTimeout: 65_000, headersTimeout: 66_000, compression: { enabled: true, threshold: 1024 }, requestTimeout: 30_000 })
})
