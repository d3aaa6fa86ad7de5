/**
 * Variables that win over the file, and what they set. An empty one counts as not set. One with `completes` counts only where the section
 * is there already, from the file or from a variable before it: by itself it asks for nothing.
 */
export const environmentTable: readonly { variable: string, path: readonly [string, ...string[]], completes?: boolean }[] = [
  { variable: 'PORT', path: ['port'] },
  { variable: 'HOST', path: ['host'] },
  { variable: 'LOG_LEVEL', path: ['logging', 'level'] },
  { variable: 'LOG_FILE', path: ['logging', 'file'] },
  { variable: 'MAX_REQUEST_SIZE', path: ['server', 'maxRequestSize'] },
  { variable: 'REQUEST_TIMEOUT', path: ['server', 'requestTimeout'] },
  { variable: 'REDIS_URL', path: ['redis', 'url'] },
  { variable: 'REDIS_HOST', path: ['redis', 'host'] },
  { variable: 'REDIS_PASSWORD', path: ['redis', 'password'], completes: true }
]
