import { elements, member, quote, type Fault, type Path } from './fault.ts'
import { didYouMean } from './suggestion.ts'
import type { Mask } from './validate.ts'

/** `{{name}}` in the text of a prompt. */
const placeholder = /\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/g

/** Faults between the arguments of prompts and their texts. */
export function promptFaults (config: unknown, mask: Mask): Fault[] {
  return elements(member(config, 'prompts')).flatMap((prompt, index) => {
    const path: Path = ['prompts', index]
    return [...argumentFaults(prompt, path, mask), ...templateFaults(prompt, path, mask)]
  })
}

function argumentFaults (prompt: unknown, promptPath: Path, mask: Mask): Fault[] {
  const seen = new Set<string>()
  return elements(member(prompt, 'arguments')).flatMap((argument, index) => {
    const path: Path = [...promptPath, 'arguments', index]
    const name = member(argument, 'name')
    const faults: Fault[] = []
    if (typeof name === 'string') {
      const shown = mask([...path, 'name']) ?? quote(name)
      if (seen.has(name)) faults.push({ path: [...path, 'name'], message: `Two arguments of this prompt have the name ${shown}.`, found: shown, suggestion: 'Rename or remove one of them.' })
      seen.add(name)
    }
    const allowed = member(argument, 'enum')
    if (Array.isArray(allowed)) {
      elements(member(argument, 'complete')).forEach((value, at) => {
        if (!allowed.includes(value)) faults.push({ path: [...path, 'complete', at], message: 'This value is offered for completion, but "enum" does not allow it.', suggestion: 'Add it to "enum", or leave "complete" out: the values of "enum" are offered anyway.' })
      })
    }
    return faults
  })
}

function templateFaults (prompt: unknown, promptPath: Path, mask: Mask): Fault[] {
  const names = elements(member(prompt, 'arguments')).map((argument) => member(argument, 'name'))
  const declared = names.filter((name) => typeof name === 'string')
  const shown = names.filter((name, index): name is string => typeof name === 'string' && mask([...promptPath, 'arguments', index, 'name']) === undefined)
  return texts(prompt, promptPath).flatMap(({ text, path }) => {
    const used = new Set([...text.matchAll(placeholder)].map(([, name = '']) => name))
    const undeclared = [...used].filter((name) => !declared.includes(name))
    const masked = mask(path)
    if (masked !== undefined) return undeclared.length === 0 ? [] : [{ path, message: `In ${masked}, there are placeholders that are no arguments of this prompt.`, found: masked }]
    return undeclared.map((name) => ({
      path,
      message: `The text uses {{${name}}}, and this prompt has no argument ${quote(name)}.`,
      found: `{{${name}}}`,
      expected: shown.length === 0 ? 'a declared argument' : `one of ${shown.map(quote).join(', ')}`,
      suggestion: didYouMean(name, shown).suggestion ?? `Add { "name": "${name}" } to "arguments".`
    }))
  })
}

/** The texts that placeholders are looked for in: the template, and the text of messages and of resources in them. */
function texts (prompt: unknown, path: Path): { text: string, path: Path }[] {
  const found: { text: unknown, path: Path }[] = [{ text: member(prompt, 'template'), path: [...path, 'template'] }]
  elements(member(prompt, 'messages')).forEach((message, index) => {
    const content = member(message, 'content')
    const at: Path = [...path, 'messages', index, 'content']
    found.push({ text: content, path: at }, { text: member(content, 'text'), path: [...at, 'text'] }, { text: member(member(content, 'resource'), 'text'), path: [...at, 'resource', 'text'] })
  })
  return found.filter((entry): entry is { text: string, path: Path } => typeof entry.text === 'string')
}
