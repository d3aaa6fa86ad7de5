import { buildStdioApp } from './app.ts'
import { demandOf } from './core/demand.ts'
import type { GantryError } from './core/errors.ts'
import { LineConnection } from './core/line-connection.ts'
import { LineSplitter } from './core/line-splitter.ts'
import type { Principal } from './core/ports.ts'
import { localWith } from './core/principals.ts'
import type { RateLimits } from './core/rate-limits.ts'
import { closeWithin, openApp, untilSignal, type ProgramOptions } from './program.ts'

/** Serves a configuration over standard input and output until the input ends or a signal comes. Resolves with the exit code. */
export async function runStdio ({ file }: ProgramOptions): Promise<number> {
  const write = reserveStdout()
  const opened = await openApp(file, buildStdioApp, 'stderr')
  if (typeof opened === 'number') return opened
  const { app, config, logger, accesses } = opened
  if (config.metrics?.enabled === true) logger.warn('Metrics are counted and served over HTTP only: over stdio, "metrics" has no effect.')

  const principal = localWith(config.security.permissions?.local ?? ['*'])
  const connection = new LineConnection({
    core: app.core,
    logger,
    principal,
    requests: app.serverRequests,
    accesses,
    maxLineBytes: config.server.maxRequestSize,
    ...(app.rateLimits !== undefined && { refusalOf: countLines(app.rateLimits, principal) }),
    write
  })
  const inputEnded = readLines(config.server.maxRequestSize, (line) => { connection.receive(line) })

  await Promise.race([inputEnded.then(async () => { connection.end(); await connection.settled() }), untilSignal()])
  process.stdin.pause()
  connection.end()
  return await closeWithin(opened, connection.settled())
}

/** Hands on each line of standard input. Resolves at its end. */
async function readLines (maxLength: number, receive: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter(maxLength)
  const { stdin } = process
  stdin.setEncoding('utf8').on('data', (part: string) => { for (const line of splitter.take(part)) receive(line) })
  await new Promise<void>((resolve) => { stdin.once('end', resolve).once('close', resolve).once('error', () => { resolve() }) })
  const last = splitter.end()
  if (last !== '') receive(last)
}

/** Counts each line as what it asks for. */
function countLines (limits: RateLimits, principal: Principal): (value: unknown) => Promise<GantryError | undefined> {
  return async (value) => (await limits.take(limits.limitsOf(principal, undefined), demandOf(value), principal)).refusal
}

/** Standard output carries the protocol and nothing else: what handlers print goes to standard error. Returns the one way to it. */
function reserveStdout (): (line: string) => void {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
  // A client that has gone away is the end of the input too; its broken pipe is no news.
  stdout.on('error', () => {})
  return (line) => { write(`${line}\n`) }
}
