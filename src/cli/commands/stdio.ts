import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'

const stdio: Command = {
  usage: 'stdio [FILE]',
  summary: 'Serve a configuration file over standard input and output.',
  description: `For MCP hosts that start their servers themselves. Standard output carries the
protocol and nothing else; the log, and whatever a handler prints, goes to standard
error. The server ends when its input ends.

Without FILE, the file is found as by "gantry start". Hosts often start servers in a
directory of their own: give them the whole path of FILE.`,
  maxArguments: 1,
  options: {},
  examples: [
    { command: 'gantry stdio /home/me/tools/gantry.yaml', does: 'what a host runs' },
    { command: '"command": "gantry", "args": ["stdio", "/home/me/tools/gantry.yaml"]', does: 'the same in the settings of most hosts' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the input ended, or the server was told to stop' },
    { code: exitCodes.failed, meaning: 'the server failed' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' },
    { code: exitCodes.badConfiguration, meaning: 'the configuration cannot be used' }
  ],
  async run ({ arguments: [file] }) {
    const { runStdio } = await import('../../stdio.ts')
    return await runStdio({ file })
  }
}

export default stdio
