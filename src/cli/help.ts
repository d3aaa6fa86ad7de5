import { exitCodes as codes } from '../exit-codes.ts'
import type { Command } from './command.ts'

type Row = readonly [left: string, right: string]

const exitCodeRows: readonly Row[] = [
  [String(codes.done), 'done: the server was told to stop, the file is sound, the files were written'],
  [String(codes.failed), 'the port is in use or may not be opened, a file cannot be written, a check found something, or the server failed'],
  [String(codes.badUsage), 'the command line is wrong'],
  [String(codes.badConfiguration), 'the configuration cannot be used']
]

/** What `gantry --help` prints. */
export function overviewHelp (commands: readonly Command[]): string {
  return sections([
    'Gantry serves the tools, prompts and resources of one configuration file to MCP clients, old and new,\nand to any program that speaks HTTP.',
    heading('Usage', ['gantry COMMAND']),
    heading('Commands', columns([
      ...commands.map(({ usage, summary }): Row => [usage, summary]),
      ['help [COMMAND]', 'Say more about a command.']
    ])),
    heading('Options', columns([['--help', 'Print this.'], ['--version', 'Print the version.']])),
    heading('Begin like this', columns([
      ['gantry init my-server', 'writes a configuration with comments'],
      ['cd my-server', ''],
      ['gantry validate', 'names every fault in it'],
      ['gantry start', 'serves it on http://127.0.0.1:3001']
    ])),
    heading('Exit codes', columns(exitCodeRows))
  ])
}

/** What `gantry help COMMAND` prints. */
export function commandHelp ({ usage, description, options, examples, exitCodes }: Command): string {
  const switches = Object.entries(options).map(([name, option]): Row => typeof option === 'string' ? [`--${name}`, option] : [`--${name} ${option.value}`, option.does])
  return sections([
    heading('Usage', [`gantry ${usage}`]),
    description,
    ...(switches.length === 0 ? [] : [heading('Options', columns(switches))]),
    heading('Examples', examples.flatMap(({ command, does }) => [command, `    ${does}`])),
    heading('Exit codes', columns(exitCodes.map(({ code, meaning }): Row => [String(code), meaning])))
  ])
}

function heading (title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

function columns (rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`.trimEnd())
}

function sections (parts: readonly string[]): string {
  return parts.join('\n\n')
}
