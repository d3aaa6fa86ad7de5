import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildApp, listenFailure } from './app.ts'
import { exitCodes } from './exit-codes.ts'
import { announce, closeWithin, complain, openApp, untilSignal, type ProgramOptions } from './program.ts'

const decidedBy = { port: '"port" in the configuration, or PORT', host: '"host" in the configuration, or HOST' }

/** Serves a configuration over HTTP until a signal ends it. Resolves with the exit code. */
export async function runServer ({ file }: ProgramOptions): Promise<number> {
  const opened = await openApp(file, buildApp, 'stdout')
  if (typeof opened === 'number') return opened
  const { app, config, logger } = opened
  // From now on, so that a signal during the start ends it in order too.
  const signalled = untilSignal()
  try {
    const address = await app.listen({ host: config.host, port: config.port })
    announce(logger, `${config.name} serves MCP at ${address}${config.server.path}`)
  } catch (error) {
    complain(listenFailure(error as NodeJS.ErrnoException, { host: config.host, port: config.port, decidedBy }))
    await app.close()
    return exitCodes.failed
  }
  await signalled
  return await closeWithin(opened)
}

/** Whether Node was started with this file, by whatever link: releases are often folders behind one. */
function isProgram (): boolean {
  const [, script] = process.argv
  return script !== undefined && existsSync(script) && realpathSync(script) === realpathSync(fileURLToPath(import.meta.url))
}

if (isProgram()) process.exit(await runServer({ file: process.argv[2] }))
