import { parseArgs } from 'node:util'
import type { Command, Invocation, ValuedOption } from './command.ts'

/** Reads what follows the name of a command. What does not belong there comes back as a sentence. */
export async function readArguments (argv: readonly string[], { options, maxArguments }: Command): Promise<Invocation | { problem: string }> {
  const known = [...Object.keys(options), 'help']
  const takesValue = (name: string): boolean => typeof options[name] === 'object'
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...Object.fromEntries(known.map((name) => [name, { type: takesValue(name) ? 'string' as const : 'boolean' as const }])), help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true
  })
  const given = new Map<string, string>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    if (!known.includes(token.name)) return { problem: await unknownOption(token.rawName, known) }
    const problem = valueProblem(token, options[token.name]) ?? (takesValue(token.name) && given.has(token.name) ? `${token.rawName} is given twice.` : undefined)
    if (problem !== undefined) return { problem }
    given.set(token.name, token.value ?? '')
  }
  const tooMany = positionals[maxArguments]
  if (tooMany !== undefined) return { problem: `"${tooMany}" is one argument too many.` }
  // What a script passes on of an unset variable must not be taken for "none given".
  if (positionals.includes('')) return { problem: 'An argument is empty.' }
  return { arguments: positionals, has: (option) => given.has(option), valueOf: (option) => given.get(option) }
}

interface OptionToken { rawName: string, value?: string | undefined, inlineValue?: boolean | undefined }

function valueProblem ({ rawName, value, inlineValue }: OptionToken, option: string | ValuedOption | undefined): string | undefined {
  if (typeof option !== 'object') return value === undefined ? undefined : `${rawName} takes no value.`
  // Another option behind it is no value: who means one that begins with dashes writes "--name=--value".
  const isMissing = value === undefined || value === '' || (inlineValue === false && value.startsWith('--'))
  return isMissing ? `${rawName} needs a value: ${rawName} ${option.value}` : undefined
}

async function unknownOption (option: string, known: readonly string[]): Promise<string> {
  const { didYouMean } = await import('../config/suggestion.ts')
  const { suggestion } = didYouMean(option, known.map((name) => `--${name}`))
  return `There is no option ${option} here.${suggestion === undefined ? '' : ` ${suggestion}`}`
}
