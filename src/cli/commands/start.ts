import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'

const start: Command = {
  usage: 'start [FILE]',
  summary: 'Serve a configuration file over HTTP.',
  description: `Serves the tools, prompts and resources of FILE: MCP at /mcp, the tools at /tools,
the state of the server at /health. Without FILE, CONFIG_PATH names the file; without
that, it is gantry.yaml, gantry.yml, gantry.json or config.json in this directory.

A file with a fault is not served: every fault is printed and no port is opened.
SIGTERM and SIGINT end the server; calls that are running may finish first.

HOST, PORT and LOG_LEVEL, when set, win over the file. The log goes to standard
output, one JSON object a line.`,
  maxArguments: 1,
  options: {},
  examples: [
    { command: 'gantry start', does: 'serves the file of this directory' },
    { command: 'gantry start tools/server.yaml', does: 'serves that file' },
    { command: 'PORT=8080 gantry start', does: 'listens on another port' },
    { command: 'gantry start | npx pino-pretty', does: 'shows the log in a form for people' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the server was told to stop, and did' },
    { code: exitCodes.failed, meaning: 'the port is in use or may not be opened, or the server failed' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' },
    { code: exitCodes.badConfiguration, meaning: 'the configuration cannot be used' }
  ],
  async run ({ arguments: [file] }) {
    const { runServer } = await import('../../server.ts')
    return await runServer({ file })
  }
}

export default start
