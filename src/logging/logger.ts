import { pino, type Logger } from 'pino'

export type { Logger }

export interface LoggerOptions {
  level: string
  /** A file to append to; without it, the stream. */
  file: string | undefined
  /** Standard error where standard output carries a protocol. */
  stream: 'stdout' | 'stderr'
  /** Takes secrets out of a line that is to be written. */
  redactLine: (line: string) => string
}

const secrets = ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']

/** The server's own log: one JSON object a line. Lines are written at once, so that none is lost when the process ends. */
export function createLogger ({ level, file, stream, redactLine }: LoggerOptions): Logger {
  const destination = file === undefined
    ? pino.destination({ dest: stream === 'stdout' ? 1 : 2, sync: true })
    : pino.destination({ dest: file, append: true, mkdir: true, sync: true })
  return pino({
    level,
    redact: { paths: secrets.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]), censor: '[redacted]' },
    hooks: { streamWrite: redactLine }
  }, destination)
}
