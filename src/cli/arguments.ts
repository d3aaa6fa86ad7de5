import { parseArgs } from 'node:util'
import type { Command, Invocation } from './command.ts'

/** Reads what follows the name of a command. What does not belong there comes back as a sentence. */
export async function readArguments (argv: readonly string[], { options, maxArguments }: Command): Promise<Invocation | { problem: string }> {
  const known = [...Object.keys(options), 'help']
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...Object.fromEntries(known.map((name) => [name, { type: 'boolean' as const }])), help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true
  })
  const given = new Set<string>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    if (!known.includes(token.name)) return { problem: await unknownOption(token.rawName, known) }
    if (token.value !== undefined) return { problem: `${token.rawName} takes no value.` }
    given.add(token.name)
  }
  const tooMany = positionals[maxArguments]
  if (tooMany !== undefined) return { problem: `"${tooMany}" is one argument too many.` }
  // What a script passes on of an unset variable must not be taken for "none given".
  if (positionals.includes('')) return { problem: 'An argument is empty.' }
  return { arguments: positionals, has: (option) => given.has(option) }
}

async function unknownOption (option: string, known: readonly string[]): Promise<string> {
  const { didYouMean } = await import('../config/suggestion.ts')
  const { suggestion } = didYouMean(option, known.map((name) => `--${name}`))
  return `There is no option ${option} here.${suggestion === undefined ? '' : ` ${suggestion}`}`
}
