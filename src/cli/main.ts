import { exitCodes } from '../exit-codes.ts'
import type { Command } from './command.ts'
import { commandNames, loadCommand } from './commands/index.ts'
import { readArguments } from './arguments.ts'
import { complain, print } from './print.ts'

/** Runs a command line. Resolves with the exit code; where it is wrong, says how it would be right. */
export async function main (argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv
  switch (first) {
    case undefined:
      complain(await overview())
      return exitCodes.badUsage
    case '--version':
    case '-v':
      return rest.length === 0 ? await printVersion() : refuseArgument(rest[0], first)
    case '--help':
    case '-h':
    case 'help':
      return rest.length < 2 ? await printHelp(rest[0]) : refuseArgument(rest[1], first)
    default:
      return await runCommand(first, rest)
  }
}

async function runCommand (name: string, rest: readonly string[]): Promise<number> {
  const command = await loadCommand(name)
  if (command === undefined) return await refuseCommand(name)
  const read = await readArguments(rest, command)
  if ('problem' in read) {
    complain(`${read.problem}\nUsage: gantry ${command.usage}\n"gantry help ${name}" says more.`)
    return exitCodes.badUsage
  }
  if (read.has('help')) return await printHelp(name)
  return await command.run(read)
}

async function printVersion (): Promise<number> {
  const { packageVersion } = await import('./package.ts')
  await print(`${packageVersion()}\n`)
  return exitCodes.done
}

async function printHelp (name?: string): Promise<number> {
  if (name === undefined) {
    await print(`${await overview()}\n`)
    return exitCodes.done
  }
  const command = await loadCommand(name)
  if (command === undefined) return await refuseCommand(name)
  const { commandHelp } = await import('./help.ts')
  await print(`${commandHelp(command)}\n`)
  return exitCodes.done
}

async function overview (): Promise<string> {
  const [{ overviewHelp }, ...commands] = await Promise.all([import('./help.ts'), ...commandNames.map(loadCommand)])
  return overviewHelp(commands.filter((command): command is Command => command !== undefined))
}

async function refuseCommand (name: string): Promise<number> {
  const { closestWord } = await import('../config/suggestion.ts')
  const isOption = name.startsWith('-')
  const meant = /\.(?:jsonc?|ya?ml)$/i.test(name)
    ? `start ${name}`
    : closestWord(name, isOption ? ['--help', '--version'] : [...commandNames, 'help'])
  complain(`gantry has no ${isOption ? 'option' : 'command'} "${name}".${meant === undefined ? '' : ` Did you mean "gantry ${meant}"?`}\n"gantry --help" lists the commands.`)
  return exitCodes.badUsage
}

function refuseArgument (argument = '', after: string): number {
  complain(`"${argument}" after "gantry ${after}" is one argument too many.\n"gantry --help" lists the commands.`)
  return exitCodes.badUsage
}
