import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { complain } from '../print.ts'

const logs: Command = {
  usage: 'logs FILE [--level LEVEL] [--tool NAME] [--outcome WORD] [--request ID] [--since TIME]',
  summary: 'Print a log for people to read.',
  description: `Prints the lines of FILE ("-" is the standard input): of the log, its access lines, and
of an audit log. Options choose among them; several have to fit all.

The level of a request is what became of it: error where it failed, warn where it was
refused, cut off or took too long, info otherwise.`,
  maxArguments: 1,
  options: {
    level: { value: 'LEVEL', does: 'lines of this level and above: trace, debug, info, warn, error, fatal' },
    tool: { value: 'NAME', does: 'calls of this tool' },
    outcome: { value: 'WORD', does: 'requests that came to this: ok, error, refused, cancelled, timeout, …' },
    request: { value: 'ID', does: 'lines of the request with this id' },
    since: { value: 'TIME', does: 'lines from this moment on, or of the last 15m, 2h, 7d' }
  },
  examples: [
    { command: 'gantry logs server.log --level warn --since 1h', does: 'what went wrong in the last hour' },
    { command: 'gantry logs audit.log --tool convert --outcome refused', does: 'which calls of a tool were refused' },
    { command: 'docker logs gantry | gantry logs - --request 4f1c2a9b-7', does: 'all about one request' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the lines that fit are printed, if there are any' },
    { code: exitCodes.failed, meaning: 'the file cannot be read' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' }
  ],
  async run ({ arguments: [file], valueOf }) {
    if (file === undefined) return misused('Say which file.')
    const { readFilter, printRecords } = await import('../log-listing.ts')
    const filter = readFilter(valueOf, Date.now())
    if (typeof filter === 'string') return misused(filter)
    const problem = await printRecords(file, filter)
    if (problem === undefined) return exitCodes.done
    complain(problem)
    return exitCodes.failed
  }
}

function misused (problem: string): number {
  complain(`${problem}\nUsage: gantry ${logs.usage}\n"gantry help logs" says more.`)
  return exitCodes.badUsage
}

export default logs
