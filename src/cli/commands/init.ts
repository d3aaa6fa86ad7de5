import { exitCodes } from '../../exit-codes.ts'
import type { Command } from '../command.ts'
import { complain, print } from '../print.ts'

const init: Command = {
  usage: 'init [DIR] [--force]',
  summary: 'Write a starter configuration and a handler.',
  description: `Writes gantry.yaml, with comments, and handlers/hello.mjs into DIR (without it, into
this directory). What they make can be started at once. Files that are there already
are left alone: then nothing is written at all.`,
  maxArguments: 1,
  options: { force: 'write over files that are there' },
  examples: [
    { command: 'gantry init my-server', does: 'makes the directory my-server' },
    { command: 'cd my-server && gantry start', does: 'serves it' }
  ],
  exitCodes: [
    { code: exitCodes.done, meaning: 'the files were written' },
    { code: exitCodes.failed, meaning: 'a file is there already, or the files could not be written' },
    { code: exitCodes.badUsage, meaning: 'the command line is wrong' }
  ],
  async run ({ arguments: [directory = '.'], has }) {
    const { writeStarter } = await import('../starter.ts')
    const outcome = await writeStarter(directory, { force: has('force') })
    if ('problem' in outcome) {
      complain(outcome.problem)
      return exitCodes.failed
    }
    await print(`${[...outcome.written.map((file) => `Wrote ${file}`), '', ...nextSteps(directory)].join('\n')}\n`)
    return exitCodes.done
  }
}

function nextSteps (directory: string): string[] {
  // npx runs packages that are not on the path.
  const gantry = process.env['npm_command'] === 'exec' ? 'npx mcp-gantry' : 'gantry'
  return [
    'Next:',
    ...(directory === '.' ? [] : [`  cd ${quoted(directory)}`]),
    `  ${gantry} start`,
    'and, in another terminal:',
    "  curl http://127.0.0.1:3001/tools/hello -H 'Content-Type: application/json' -d '{\"name\": \"world\"}'",
    '',
    'MCP clients connect to http://127.0.0.1:3001/mcp. gantry.yaml says what else there is.'
  ]
}

/** For a shell. */
function quoted (path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

export default init
