import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { print } from '../print.ts'
import { takesColor } from '../../logging/color.ts'

const validate: Command = {
  usage: 'validate [FILE] [--json]',
  summary: 'Check a configuration file without serving it.',
  description: `Reads FILE as "gantry start" does, loads every handler and compiles every schema, and
names each fault with its line, column and path. Nothing is served and no port is opened.`,
  maxArguments: 1,
  options: { json: 'print one JSON document for programs: file, valid, faults, notices, summary' },
  examples: [
    { command: 'gantry validate', does: 'checks the file of this directory' },
    { command: 'gantry validate server.yaml && gantry start server.yaml', does: 'serves it only when it is sound' },
    { command: 'gantry validate --json server.yaml', does: 'the same for a program, such as a CI job' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the configuration can be used' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' },
    { code: exitCodes.badConfiguration, meaning: 'the configuration cannot be used' }
  ],
  async run ({ arguments: [file], has }) {
    const [{ validateConfig }, { reportForPeople, reportForPrograms }] = await Promise.all([import('../../validate.ts'), import('../validation-report.ts')])
    // What a handler prints while it is loaded is not part of the report.
    process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
    const loaded = await validateConfig({ file })
    await print(has('json') ? reportForPrograms(loaded) : reportForPeople(loaded, { cwd: process.cwd(), color: takesColor(process.stdout) }))
    return loaded.config === undefined ? exitCodes.badConfiguration : exitCodes.done
  }
}

export default validate
