import { extname } from 'node:path'
import { parseJsonText, type ParsedText } from './json-text.ts'
import { parseYamlText } from './yaml-text.ts'
import { quote } from './fault.ts'
import { nearestPlace } from './lines.ts'

export type { ParsedText } from './json-text.ts'
export type { Locate } from './lines.ts'

const parsers: Readonly<Record<string, (text: string) => ParsedText | Promise<ParsedText>>> = {
  '.json': parseJsonText,
  '.jsonc': parseJsonText,
  '.yaml': parseYamlText,
  '.yml': parseYamlText
}

/** The endings that a configuration file can have. */
export const configEndings: readonly string[] = Object.keys(parsers)

/** Reads the text of a configuration file, by the ending of its name. Never throws: what is wrong comes back as faults. */
export async function parseText (text: string, file: string): Promise<ParsedText> {
  const ending = extname(file).toLowerCase()
  const parser = Object.hasOwn(parsers, ending) ? parsers[ending] : undefined
  if (parser === undefined) {
    return failed(text, `A configuration file ends in ${configEndings.join(', ')}, and this one in ${ending === '' ? 'nothing' : quote(ending)}.`, 'Rename it by what it holds.')
  }
  try {
    return await parser(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch (error) {
    // Both parsers descend by recursion.
    if (error instanceof RangeError) return failed(text, 'This file is nested too deeply to be read.')
    throw error
  }
}

function failed (text: string, message: string, suggestion?: string): ParsedText {
  return { value: undefined, faults: [{ path: [], message, ...(suggestion === undefined ? {} : { suggestion }) }], locate: nearestPlace(text, () => undefined) }
}
