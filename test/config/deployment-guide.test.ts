import t from 'tap'
import { loadValue, pathsOf, soundTool } from '../helpers/load-text.ts'

/** The JSON of the deployment guide, each piece in a whole file: it loads, or it is refused by the name of its section. */

const handler = { type: 'registry', name: 'f' }
const inWholeFile = (fragment: object, ...tools: string[]) => ({ name: 'guide', version: '1.0.0', host: '127.0.0.1', port: 3001, tools: tools.map((name) => soundTool(name)), ...fragment })

const refused: readonly { name: string, config: object, section: string, path: string }[] = [
  {
    name: 'response caching',
    config: inWholeFile({ caching: { enabled: true, ttl: 300, maxSize: 1000, tools: { 'expensive-tool': { ttl: 600, enabled: true } } } }, 'expensive-tool'),
    section: 'caching',
    path: '$.caching'
  }
]
for (const { name, config, section, path } of refused) {
  t.test(`${name}: refused by name, and for nothing else`, async (t) => {
    const { faults } = await loadValue(t, config)
    t.strictSame(pathsOf(faults), [path])
    t.match(faults, [{ message: `"${section}" is not available in this version of Gantry: remove it; nothing would enforce it.`, line: Number, column: Number }])
  })
}

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
  t.match(config, { port: 3001, logging: { level: 'info', file: '/var/log/mcp/server.log' }, server: { maxRequestSize: 10_485_760, requestTimeout: 30_000 }, redis: { url: 'redis://localhost:6379' }, security: { audit: { enabled: true, logFile: '/var/log/mcp/audit.log' } } })
  t.strictSame(notices.map(({ message }) => message.split(' ')[0]), ['DATABASE_URL', 'HEALTH_CHECK_PATH', 'METRICS_ENABLED', 'METRICS_PORT'])
})

t.test('the sizes and times of the guide are the defaults', async (t) => {
  const { config } = await loadValue(t, inWholeFile({}))
  t.match(config?.server, { keepAliveTimeout: 65_000, headersTimeout: 66_000, compression: { enabled: true, threshold: 1024 }, requestTimeout: 30_000 })
})
