/** Variables that win over the file, and what they set. An empty one counts as not set. */
export const environmentTable: readonly { variable: string, path: readonly [string, ...string[]] }[] = [
  { variable: 'PORT', path: ['port'] },
  { variable: 'HOST', path: ['host'] },
  { variable: 'LOG_LEVEL', path: ['logging', 'level'] },
  { variable: 'LOG_FILE', path: ['logging', 'file'] },
  { variable: 'MAX_REQUEST_SIZE', path: ['server', 'maxRequestSize'] },
  { variable: 'REQUEST_TIMEOUT', path: ['server', 'requestTimeout'] }
]
