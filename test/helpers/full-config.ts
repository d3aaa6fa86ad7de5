/** A configuration that uses every section, handler type and optional key once. Each call gives a new one. */
export function fullConfig () {
  return {
    $schema: './config.schema.json',
    name: 'full',
    version: '2.0.0',
    description: 'Everything once',
    instructions: 'Use it well',
    host: '127.0.0.1',
    port: 3001,
    tools: [
      {
        name: 'by-file',
        title: 'By file',
        description: 'Calls a module',
        inputSchema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        outputSchema: { type: 'object' },
        annotations: { title: 'T', readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
        icons: [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' }],
        _meta: { 'example.com/x': 1 },
        handler: { type: 'file', path: './a.js', export: 'run', timeout: 100 },
        timeout: 5000,
        maxResultBytes: '64kb',
        maxConcurrent: 4,
        maxQueue: 8,
        task: 'optional',
        taskStart: 'handler',
        cache: { ttl: 60, enabled: true, scope: 'shared', staleWhileRevalidate: 10, staleIfError: 20, tags: ['files'] },
        rateLimit: { window: 60000, maxRequests: 10 }
      },
      { name: 'by-code', inputSchema: { type: 'object' }, handler: { type: 'inline', code: '() => 1', timeout: 50, memoryLimit: '16mb' } },
      {
        name: 'by-http',
        invalidates: ['files'],
        inputSchema: { type: 'object' },
        handler: {
          type: 'http',
          url: 'https://example.com/x',
          method: 'POST',
          headers: { accept: 'text/plain' },
          query: { q: 'x', n: 1, b: true },
          body: { a: [1] },
          timeout: 100,
          headersTimeout: 50,
          bodyTimeout: 50,
          retries: 2,
          requestTransform: '(x) => x',
          responseTransform: '(x) => x',
          maxResponseBytes: 2048,
          allowedHosts: ['example.com'],
          allowPrivate: ['10.0.0.0/8']
        }
      },
      { name: 'by-registry', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'f' } },
      { name: 'by-sql', inputSchema: { type: 'object' }, handler: { type: 'sql', database: 'main', query: 'select 1', readOnly: true, maxRows: 5 } }
    ],
    prompts: [
      {
        name: 'by-template',
        title: 'T',
        description: 'D',
        arguments: [{ name: 'who', title: 'T', description: 'D', required: true, enum: ['a', 'b'], complete: ['a'] }],
        template: 'Hi {{who}}',
        timeout: 10,
        icons: [{ src: 'data:,' }],
        _meta: {}
      },
      {
        name: 'by-messages',
        messages: [
          { role: 'user', content: 'text' },
          { role: 'assistant', content: { type: 'text', text: 'x', annotations: { audience: ['user'], priority: 1, lastModified: '2026-01-01' } } },
          { role: 'user', content: { type: 'image', data: 'AA==', mimeType: 'image/png' } },
          { role: 'user', content: { type: 'resource', resource: { uri: 'a://b', text: 'x' } } },
          { role: 'user', content: { type: 'resource', resource: { uri: 'a://b', blob: 'AA==' } } },
          { role: 'user', content: { type: 'resource_link', uri: 'a://b', name: 'n', size: 3 } }
        ]
      },
      { name: 'by-handler', handler: { type: 'registry', name: 'g' } }
    ],
    resources: [
      { uri: 'a://text', name: 'n', title: 'T', description: 'D', mimeType: 'text/plain; charset=utf-8', size: 3, content: 'abc', annotations: { priority: 0.5 }, icons: [], _meta: {} },
      { uri: 'a://blob', name: 'n', blob: 'AAAA' },
      { uri: 'a://file', name: 'n', file: './a.txt' },
      { uriTemplate: 'a://{id}', name: 'n', handler: { type: 'registry', name: 'h' }, complete: { id: ['1', '2'] }, timeout: 5 }
    ],
    security: {
      authentication: {
        enabled: true,
        acceptRisk: false,
        headerName: 'x-api-key',
        allowAnonymous: false,
        apiKeys: [
          { name: 'ci', key: 'secret-key', permissions: ['tools:*', 'tools:call:report-*'], tier: 'free', enabled: true, createdAt: '2025-12-31', notBefore: '2026-01-01', expiresAt: '2027-01-01T00:00:00Z', rateLimit: { window: 1000, maxRequests: 1 } },
          { name: 'cd', keyHash: 'ab'.repeat(32) }
        ],
        oauth: {
          resource: 'https://example.com/mcp',
          issuers: [{ issuer: 'https://id.example.com', audience: 'x', jwksUri: 'https://id.example.com/jwks', permissionsFrom: 'scope', tierFrom: 'plan', algorithms: ['RS256'], plainJwt: false }],
          scopes: { reports: ['reports:read', 'tools:call'], 'reports:read': ['tools:list'] },
          requiredScopes: ['reports:read'],
          stepUp: true,
          clockTolerance: 0,
          jwksMaxAge: 60000,
          jwksCooldown: 1000
        }
      },
      permissions: { anonymous: [], authenticated: ['tools:list'] },
      ipWhitelist: ['10.0.0.0/8', '::1'],
      rateLimit: {
        enabled: true,
        global: { window: 60000, maxRequests: 1000 },
        perTool: { 'by-code': { window: 60000, maxRequests: 10 } },
        perApiKey: { free: { window: 60000, maxRequests: 100 } },
        perPrincipal: { window: 60000, maxRequests: 100 },
        perAddress: { window: 60000, maxRequests: 100 },
        maxCallers: 1000,
        onStoreFailure: { global: 'open', perTool: 'open', perApiKey: 'closed', perPrincipal: 'closed', perAddress: 'open' },
        legacyHeaders: true
      },
      audit: { enabled: true, logFile: './audit.log', events: ['tool.call', 'session.*'], maxFileSize: 10485760, maxFiles: 5, includeArguments: false, onFull: 'drop', fsync: false }
    },
    caching: { enabled: true, ttl: 300, maxSize: 1000, store: 'memory', maxBytes: '8mb', maxValueBytes: '64kb', tools: { 'by-code': { ttl: 600, enabled: true } } },
    logging: { level: 'debug', file: './server.log', errorFile: './errors.log', maxFileSize: 20_000_000, maxFiles: 20, maxErrorFiles: 10, access: { enabled: true, sample: 0.5 } },
    metrics: { enabled: true, host: '127.0.0.1', port: 9090, path: '/metrics' },
    health: { enabled: true, path: '/health', interval: 2000, timeout: 2000, required: ['handlers', 'redis', 'database'] },
    server: {
      path: '/mcp',
      protocol: { sessions: 'stateless', strictness: 'strict', httpSse: { enabled: true, path: '/sse', messagesPath: '/messages' } },
      sessionIdleTimeout: 1000,
      maxSessions: 5,
      pageSize: 10,
      maxResultBytes: '1mb',
      maxRequestSize: '1mb',
      requestTimeout: 1000,
      keepAliveTimeout: 0,
      headersTimeout: 1000,
      receiveTimeout: 1000,
      maxConnections: 5,
      drainTimeout: 0,
      handlerRoots: ['.'],
      allowedHosts: ['localhost'],
      allowedOrigins: [],
      compression: { enabled: false, threshold: 0 },
      trustProxy: ['loopback', '10.0.0.0/8'],
      securityHeaders: false,
      maskHandlerErrors: true,
      tasks: { maxTasks: 10, maxTasksPerPrincipal: 5, ttl: 2000, pollInterval: 100, maxDuration: 1000, maxResultSize: '64kb', maxTotalSize: '1mb' },
      upstreams: { allowPrivate: ['10.0.0.0/8', 'fd00::/8'], connectTimeout: 100, maxConcurrent: 10, maxQueue: 0, circuitBreaker: { enabled: false, failures: 2, cooldown: 100 } },
      pressure: { enabled: false, maxEventLoopDelay: 0, maxHeapUsedBytes: '1gb', maxRssBytes: 1 }
    },
    redis: { url: 'redis://127.0.0.1', host: '127.0.0.1', port: 6379, password: 'p' },
    databases: { main: { url: 'postgresql://127.0.0.1/x', host: 'db', port: 5432, database: 'd', user: 'u', password: 'p', ssl: 'verify-full', max: 5, maxQueue: 0, idleTimeoutMillis: 0, connectionTimeoutMillis: 10, statementTimeout: 0 } },
    cluster: { enabled: true, workers: 2, restartDelay: 10 }
  }
}
