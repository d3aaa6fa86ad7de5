import { pino, type Logger } from 'pino'
import type { AccessLog } from '../core/access.ts'
import { RotatingFile } from '../files/rotating-file.ts'
import type { LoggingSection } from '../../schemas/config/observability.ts'
import { createAccessLog } from './access-log.ts'
import { LogOutput } from './log-output.ts'
import { Outlet } from './outlet.ts'
import { personalLine } from './personal-line.ts'
import { StreamTarget } from './stream-target.ts'

export type { Logger }

export interface LogOptions {
  section: Omit<LoggingSection, 'file' | 'errorFile'>
  /** Absolute; without it, the stream. */
  file: string | undefined
  /** Absolute. Gets the lines of errors, too. */
  errorFile: string | undefined
  /** Standard error where standard output carries a protocol. */
  stream: 'stdout' | 'stderr'
  /** Whether what is not written to a file is for a person to read, with or without colours. */
  forPeople: { color: boolean } | undefined
  /** Takes secrets out of a line that is to be written. */
  redactLine: (line: string) => string
  /** Tells the person at the terminal what the log itself cannot say. */
  complain: (text: string) => void
}

/** The server's own log. */
export interface Log {
  readonly logger: Logger
  /** Undefined where no lines of requests are wanted. */
  readonly access: AccessLog | undefined
  /** Writes what waits to be written, and ends the log. */
  close (): void
}

const headers = ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']
/** Large enough that a write costs little for each of its lines. */
const batchChars = 65_536

/** Opens the log: one JSON object a line, or one line of text where people read it. Throws what the file system throws. */
export function openLog ({ section, file, errorFile, stream, forPeople, redactLine, complain }: LogOptions): Log {
  const { level, maxFileSize, maxFiles, maxErrorFiles, access } = section
  const present = file === undefined && forPeople !== undefined ? (line: string) => personalLine(line, forPeople) : asItIs
  const toStream = (): Outlet => new Outlet({
    target: new StreamTarget(stream === 'stdout' ? 1 : 2), name: `standard ${stream === 'stdout' ? 'output' : 'error'}`, complain, tellMissing: (count) => present(missingLine(count))
  })
  const toFile = (name: string, count: number): Outlet => new Outlet({ target: openFile(name, maxFileSize, count), name, complain, tellMissing: missingLine })
  const output = new LogOutput({
    main: file === undefined ? toStream() : toFile(file, maxFiles),
    errors: errorFile === undefined ? undefined : toFile(errorFile, maxErrorFiles),
    // A character is four bytes at most.
    maxBatchChars: file === undefined ? batchChars : Math.min(batchChars, maxFileSize / 4),
    present
  })
  const logger = pino({
    level,
    redact: { paths: headers.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]), censor: '[redacted]' },
    hooks: { streamWrite: redactLine }
  }, output)
  return {
    logger,
    access: access.enabled ? createAccessLog({ output, sample: access.sample, isInfoOn: () => logger.isLevelEnabled('info'), redactLine }) : undefined,
    close: () => { output.close() }
  }
}

/** Opened at once, so that a path that cannot be written is known at the start. */
function openFile (file: string, maxBytes: number, maxFiles: number): RotatingFile {
  const opened = new RotatingFile({ file, maxBytes, maxFiles })
  opened.open()
  return opened
}

function missingLine (count: number): string {
  return `${JSON.stringify({ level: 40, time: Date.now(), pid: process.pid, msg: `${count} lines of the log are missing here: they could not be written.` })}\n`
}

function asItIs (line: string): string { return line }
