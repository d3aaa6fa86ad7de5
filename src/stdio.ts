import { createInterface } from 'node:readline'
import { buildStdioApp } from './app.ts'
import { LineConnection } from './core/line-connection.ts'
import { localPrincipal } from './core/principals.ts'
import { closeWithin, openApp, untilSignal, type ProgramOptions } from './program.ts'

/** Serves a configuration over standard input and output until the input ends or a signal comes. Resolves with the exit code. */
export async function runStdio ({ file }: ProgramOptions): Promise<number> {
  const write = reserveStdout()
  const opened = await openApp(file, buildStdioApp, 'stderr')
  if (typeof opened === 'number') return opened
  const { app, config, logger } = opened

  const connection = new LineConnection({ core: app.core, logger, principal: localPrincipal, requests: app.serverRequests, maxLineBytes: config.server.maxRequestSize, write })
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
  lines.on('line', (line) => { connection.receive(line) })
  const inputEnded = new Promise<void>((resolve) => { lines.once('close', resolve) })

  await Promise.race([inputEnded.then(async () => { connection.end(); await connection.settled() }), untilSignal()])
  lines.close()
  connection.end()
  return await closeWithin(opened, connection.settled())
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
