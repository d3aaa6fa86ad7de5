/**
 * Variables that win over the file, and what they set. An empty one counts as not set. One with `completes` counts only where the section
 * is there already, from the file or from a variable before it: by itself it asks for nothing. A `*` stands for the database that is meant:
 * the one called `default`, or the only one; where there is none, `default`.
 */
export const environmentTable: readonly { variable: string, path: readonly [string, ...string[]], completes?: boolean }[] = [
  { variable: 'PORT', path: ['port'] },
  { variable: 'HOST', path: ['host'] },
  { variable: 'LOG_LEVEL', path: ['logging', 'level'] },
  { variable: 'LOG_FILE', path: ['logging', 'file'] },
  { variable: 'LOG_ERROR_FILE', path: ['logging', 'errorFile'] },
  { variable: 'AUDIT_LOG_FILE', path: ['security', 'audit', 'logFile'] },
  { variable: 'METRICS_ENABLED', path: ['metrics', 'enabled'] },
  { variable: 'METRICS_PORT', path: ['metrics', 'port'] },
  { variable: 'MAX_REQUEST_SIZE', path: ['server', 'maxRequestSize'] },
  { variable: 'REQUEST_TIMEOUT', path: ['server', 'requestTimeout'] },
  { variable: 'HEALTH_CHECK_PATH', path: ['health', 'path'] },
  { variable: 'REDIS_URL', path: ['redis', 'url'] },
  { variable: 'REDIS_HOST', path: ['redis', 'host'] },
  { variable: 'REDIS_PASSWORD', path: ['redis', 'password'], completes: true },
  { variable: 'DATABASE_URL', path: ['databases', '*', 'url'] },
  { variable: 'DB_HOST', path: ['databases', '*', 'host'], completes: true },
  { variable: 'DB_PORT', path: ['databases', '*', 'port'], completes: true },
  { variable: 'DB_NAME', path: ['databases', '*', 'database'], completes: true },
  { variable: 'DB_USER', path: ['databases', '*', 'user'], completes: true },
  { variable: 'DB_PASSWORD', path: ['databases', '*', 'password'], completes: true }
]

/** Variables that hold nothing but secrets: what is in them is never shown, whatever they are for. */
export const secretVariables: readonly string[] = [
  'API_KEY_SALT', 'SESSION_SECRET', 'AUDIT_KEY', 'REDIS_URL', 'REDIS_PASSWORD', 'DATABASE_URL', 'DB_PASSWORD',
  'VAULT_TOKEN', 'VAULT_SECRET_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'
]
