import { resolve } from 'node:path'
import type { AppOptions, GantryApp } from './app.ts'
import { AuditFileError, EntryFaultsError, ListenerError, ReferencedFileError } from './app.ts'
import { formatFaults } from './config/format-faults.ts'
import { loadConfig, type LoadedConfig } from './config/load.ts'
import { exitCodes } from './exit-codes.ts'
import { openLog, type Log, type Logger } from './logging/logger.ts'
import { guardExits } from './tools/containment/guard-exits.ts'
import { HandlerTrace } from './tools/containment/handler-trace.ts'
import { checkEntries, located } from './validate.ts'
import type { Config } from '../schemas/config/index.ts'
import { takesColor } from './logging/color.ts'

/** What the programs, HTTP server and stdio server, have in common: opening an app of a configuration file, and ending it. */

export interface ProgramOptions {
  /** The configuration file; without it, CONFIG_PATH and the usual names. */
  file?: string | undefined
}

export interface OpenedApp { app: GantryApp, config: Config, logger: Logger, accesses: Log['access'] }

/** Loads a configuration and builds an app of it. What is wrong is printed, and its exit code comes back. */
export async function openApp (file: string | undefined, build: (options: AppOptions) => Promise<GantryApp>, stream: 'stdout' | 'stderr'): Promise<OpenedApp | number> {
  const loaded = await loadConfig({ file })
  const { config } = loaded
  if (config === undefined) return refuse(await checkEntries(loaded))
  const log = openLogOf(loaded, config, stream)
  if (log === undefined) return exitCodes.badConfiguration
  const { logger, access: accesses } = log
  for (const { message } of loaded.notices) logger.warn(message)
  const trace = new HandlerTrace()
  guardExits(trace)
  process.on('uncaughtException', (error: unknown) => { if (!trace.contain(error, logger)) crash(error, logger, loaded) })
  try {
    const app = await build({ config, baseDir: loaded.baseDir, trace, logger, accesses, redactor: loaded.redactor, sessionSecret: loaded.env['SESSION_SECRET'], apiKeySalt: loaded.env['API_KEY_SALT'], auditKey: loaded.env['AUDIT_KEY'] })
    await app.ready()
    // The last of those who are told of the end: the others may have something to say.
    process.on('exit', () => { log.close() })
    toggleDebug(logger, config.logging.level)
    return { app, config, logger, accesses }
  } catch (error) {
    if (error instanceof EntryFaultsError) return refuse({ ...loaded, faults: located(error.faults, loaded) })
    if (error instanceof AuditFileError) {
      complain(loaded.redactor.text(error.message))
      return error.inUse ? exitCodes.failed : exitCodes.badConfiguration
    }
    if (error instanceof ListenerError) {
      complain(error.message)
      return exitCodes.failed
    }
    if (error instanceof ReferencedFileError) {
      complain(loaded.redactor.text(error.message))
      return exitCodes.badConfiguration
    }
    complain(loaded.redactor.text(`The server could not be built: ${traceOf(error)}`))
    return exitCodes.failed
  }
}

/** Ends the process for an error that nobody caught, such as Node by itself does: but Node would print its secrets. */
function crash (error: unknown, logger: Logger, { redactor }: LoadedConfig): never {
  logger.fatal({ err: error }, 'The server ends: something failed, and nobody was there to catch it.')
  complain(redactor.text(`The server ends: ${traceOf(error)}`))
  process.exit(exitCodes.failed)
}

function traceOf (error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error)
}

/** What whoever reads warnings alone still has to know, such as where the server is, and that it is there: only `silent` silences this. */
export function announce (logger: Logger, sentence: string): void {
  if (logger.level !== 'silent') logger.child({}, { level: 'info' }).info(sentence)
}

/** The log of a configuration; undefined, and told, where it cannot be written. */
function openLogOf ({ baseDir, env, redactor }: LoadedConfig, { logging }: Config, stream: 'stdout' | 'stderr'): Log | undefined {
  // Like all paths of the file, relative to it.
  const place = (file: string | undefined): string | undefined => file === undefined ? undefined : resolve(baseDir, file)
  const forPeople = process[stream].isTTY && env['NODE_ENV'] !== 'production' ? { color: takesColor(process[stream]) } : undefined
  try {
    return openLog({ section: logging, file: place(logging.file), errorFile: place(logging.errorFile), stream, forPeople, redactLine: redactor.line, complain })
  } catch (error) {
    complain(redactor.text(`The log cannot be written: ${(error as Error).message}. Name another file ("logging" in the configuration, LOG_FILE or LOG_ERROR_FILE).`))
    return undefined
  }
}

/** A signal turns to `debug` and, the next time, back. It is not SIGUSR1, by which Node itself opens its debugger. */
function toggleDebug (logger: Logger, configured: Config['logging']['level']): void {
  process.on('SIGUSR2', () => {
    logger.level = logger.level === 'debug' ? configured : 'debug'
    announce(logger, `The log has the level ${logger.level} now (SIGUSR2).`)
  })
}

/** Waits for calls that the app does not know of, and ends it; what is still running after `server.drainTimeout` is cut off. */
export async function closeWithin ({ app, config, logger }: OpenedApp, settled: Promise<void> = Promise.resolve()): Promise<number> {
  const limitMs = config.server.drainTimeout
  const limit = new Promise<boolean>((resolve) => { setTimeout(() => { resolve(false) }, limitMs).unref() })
  const closed = await Promise.race([settled.then(() => app.close()).then(() => true), limit])
  if (!closed) logger.warn(`Calls were still running ${limitMs} ms after the end was asked for: they are cut off.`)
  return exitCodes.done
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once. */
export async function untilSignal (): Promise<void> {
  await new Promise<void>((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop).once(signal, () => { process.exit(exitCodes.failed) })
      resolve()
    }
    for (const signal of signals) process.on(signal, stop)
  })
}

function refuse ({ faults, file }: LoadedConfig): number {
  complain(formatFaults(faults, file, { color: takesColor(process.stderr) }))
  return exitCodes.badConfiguration
}

/** Tells the person at the terminal. */
export function complain (text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
}
