/**
 * Variables that win over the file, and what they set. An empty one counts as not set. One with `completes` counts only where the section
 * is there already, from the file or from a variable before it: by itself it asks for nothing.
 */
export const environmentTable: readonly { variable: string, path: readonly [string, ...string[]], completes?: boolean }[] = [
  { variable: 'PORT', path: ['port'] },
  { variable: 'HOST', path: ['host'] },
  { variable: 'LOG_LEVEL', path: ['logging', 'level'] },
  { variable: 'LOG_FILE', path: ['logging', 'file'] },
  { variable: 'AUDIT_LOG_FILE', path: ['security', 'audit', 'logFile'] },
  { variable: 'MAX_REQUEST_SIZE', path: ['server', 'maxRequestSize'] },
  { variable: 'REQUEST_TIMEOUT', path: ['server', 'requestTimeout'] },
  { variable: 'REDIS_URL', path: ['redis', 'url'] },
  { variable: 'REDIS_HOST', path: ['redis', 'host'] },
  { variable: 'REDIS_PASSWORD', path: ['redis', 'password'], completes: true }
]

/** Variables that hold nothing but secrets: what is in them is never shown, whatever they are for. */
export const secretVariables: readonly string[] = [
  'API_KEY_SALT', 'SESSION_SECRET', 'AUDIT_KEY', 'REDIS_URL', 'REDIS_PASSWORD', 'DATABASE_URL', 'DB_PASSWORD',
  'VAULT_TOKEN', 'VAULT_SECRET_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'
]
