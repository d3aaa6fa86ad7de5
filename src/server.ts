import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildApp } from './app.ts'
import { exitCodes } from './exit-codes.ts'
import { closeWithin, complain, openApp, untilSignal, type OpenedApp, type ProgramOptions } from './program.ts'
import type { Config } from '../schemas/config/index.ts'

/** Serves a configuration over HTTP until a signal ends it. Resolves with the exit code. */
export async function runServer ({ file }: ProgramOptions): Promise<number> {
  const opened = await openApp(file, buildApp, 'stdout')
  if (typeof opened === 'number') return opened
  const { app, config } = opened
  // From now on, so that a signal during the start ends it in order too.
  const signalled = untilSignal()
  try {
    const address = await app.listen({ host: config.host, port: config.port })
    announce(opened, `${config.name} serves MCP at ${address}${config.server.path}`)
  } catch (error) {
    complain(listenFailure(error as NodeJS.ErrnoException, config))
    await app.close()
    return exitCodes.failed
  }
  await signalled
  return await closeWithin(opened)
}

/** Whoever wants to read warnings alone still has to know where the server is, and that it is there: only `silent` silences this. */
function announce ({ logger }: OpenedApp, sentence: string): void {
  if (logger.level !== 'silent') logger.child({}, { level: 'info' }).info(sentence)
}

function listenFailure (error: NodeJS.ErrnoException, { host, port }: Config): string {
  switch (error.code) {
    case 'EADDRINUSE': return `Port ${port} on ${host} is in use: stop the program that uses it, or choose another port ("port" in the configuration, or PORT).`
    case 'EACCES': return `Port ${port} may not be opened by this user: choose one above 1023 ("port" in the configuration, or PORT).`
    case 'EADDRNOTAVAIL': return `This machine has no address ${host}: correct "host" in the configuration, or HOST.`
    default: return `The server could not listen on ${host}:${port}: ${error.message}`
  }
}

/** Whether Node was started with this file, by whatever link: releases are often folders behind one. */
function isProgram (): boolean {
  const [, script] = process.argv
  return script !== undefined && existsSync(script) && realpathSync(script) === realpathSync(fileURLToPath(import.meta.url))
}

if (isProgram()) process.exit(await runServer({ file: process.argv[2] }))
