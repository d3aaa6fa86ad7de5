import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { complain, print } from '../print.ts'

const explain: Command = {
  usage: 'explain [FILE] [--key NAME] [--tool NAME] [--json]',
  summary: 'Show what a configuration permits, and what enforces it.',
  description: `Lists every control that FILE declares: its value, what enforces it and on which doors.
Then, for each caller, what it may list and use, and at which limits. Keys and other
secrets are never shown. Nothing is served.`,
  maxArguments: 1,
  options: {
    key: { value: 'NAME', does: 'only the key of this name; "anonymous" and "local" are callers without one' },
    tool: { value: 'NAME', does: 'only this tool' },
    json: 'print one JSON document for programs: file, controls, callers'
  },
  examples: [
    { command: 'gantry explain', does: 'explains the file of this directory' },
    { command: 'gantry explain --key ci', does: 'shows what the key "ci" may do' },
    { command: 'gantry explain server.yaml --tool report', does: 'shows who may call "report", and how often' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'it was explained' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong, or names what is not there' },
    { code: exitCodes.badConfiguration, meaning: 'the configuration cannot be used' }
  ],
  async run ({ arguments: [file], has, valueOf }) {
    const [{ loadConfig }, { explain, unknownName }, { explanationText }, { formatFaults }, { didYouMean }] = await Promise.all([
      import('../../config/load.ts'), import('../../explain/index.ts'), import('../explanation.ts'), import('../../config/format-faults.ts'), import('../../config/suggestion.ts')
    ])
    const loaded = await loadConfig({ file })
    if (loaded.config === undefined) {
      complain(formatFaults(loaded.faults, loaded.file))
      return exitCodes.badConfiguration
    }
    const asked = { key: valueOf('key'), tool: valueOf('tool') }
    const unknown = unknownName(loaded.config, asked)
    if (unknown !== undefined) {
      complain(`There is no ${unknown.what} ${JSON.stringify(unknown.name)} in ${loaded.file}. ${didYouMean(unknown.name, unknown.known).suggestion ?? `There is: ${unknown.known.join(', ')}.`}`)
      return exitCodes.badUsage
    }
    const explanation = explain(loaded.config, { ...asked, nowMs: Date.now() })
    await print(has('json') ? `${JSON.stringify({ file: loaded.file, ...explanation }, undefined, 2)}\n` : explanationText(explanation))
    return exitCodes.done
  }
}

export default explain
