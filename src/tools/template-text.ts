/** Text with `{{name}}` placeholders. Substitution is literal and happens once: what a value brings in is never looked at again. */
export interface TemplateText {
  /** The names in it, in order. */
  readonly names: readonly string[]
  /** Absent values become the empty string. */
  fill (values: Readonly<Record<string, unknown>>): string
}

const placeholder = /\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/g

export function compileTemplateText (text: string): TemplateText {
  const literals: string[] = []
  const names: string[] = []
  let end = 0
  for (const match of text.matchAll(placeholder)) {
    literals.push(text.slice(end, match.index))
    names.push(match[1] ?? '')
    end = match.index + match[0].length
  }
  const last = text.slice(end)
  return {
    names,
    fill: (values) => literals.reduce((filled, literal, index) => filled + literal + valueOf(values, names[index] ?? ''), '') + last
  }
}

function valueOf (values: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  return value === undefined ? '' : String(value)
}

/** A JSON value whose strings may hold placeholders: compiled once, filled for each call. */
export function compileTemplateValue (value: unknown): (values: Readonly<Record<string, unknown>>) => unknown {
  if (typeof value === 'string') {
    const text = compileTemplateText(value)
    return text.names.length === 0 ? () => value : (values) => text.fill(values)
  }
  if (Array.isArray(value)) {
    const elements = value.map(compileTemplateValue)
    return (values) => elements.map((fill) => fill(values))
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, member]) => [key, compileTemplateValue(member)] as const)
    return (values) => Object.fromEntries(members.map(([key, fill]) => [key, fill(values)]))
  }
  return () => value
}
