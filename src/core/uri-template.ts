/**
 * URI templates of RFC 6570, read backwards: does a URI fit, and with which values. All operators of levels 1 to 3;
 * the modifiers of level 4 (`*`, `:n`) cannot be told apart in a finished URI and are refused.
 */

export class UriTemplateFaultError extends Error {
  override get name (): string { return 'UriTemplateFaultError' }
}

export interface UriTemplate {
  readonly text: string
  readonly variables: readonly string[]
  /** The value of each variable, percent-decoded, or undefined when the URI does not fit. */
  match (uri: string): Record<string, string> | undefined
}

interface Operator { first: string, separator: string, named: boolean, reserved: boolean }

// RFC 6570 section 2.2 and appendix A. Reserved characters may stand in a value only where the operator leaves them as they are.
const operators: Readonly<Record<string, Operator>> = {
  '': { first: '', separator: ',', named: false, reserved: false },
  '+': { first: '', separator: ',', named: false, reserved: true },
  '#': { first: '#', separator: ',', named: false, reserved: true },
  '.': { first: '.', separator: '.', named: false, reserved: false },
  '/': { first: '/', separator: '/', named: false, reserved: false },
  ';': { first: ';', separator: ';', named: true, reserved: false },
  '?': { first: '?', separator: '&', named: true, reserved: false },
  '&': { first: '&', separator: '&', named: true, reserved: false }
}
const unreserved = "(?:[A-Za-z0-9._~!$'()*;:@=-]|%[0-9A-Fa-f]{2})"

const expression = /\{([+#./;?&]?)([A-Za-z0-9_.,%*:-]*)\}/g
const variableName = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/
const maxUriLength = 8_192

/** A literal piece of a template, or one variable with what leads up to it. */
type Part = { literal: string } | { variable: string, lead: string, operator: Operator }

/** Compiles a template. Throws UriTemplateFaultError with what is wrong and where. */
export function compileUriTemplate (text: string): UriTemplate {
  const parts = readParts(text)
  const variables = parts.flatMap((part) => 'variable' in part ? [part.variable] : [])
  if (variables.length === 0) throw new UriTemplateFaultError(`${JSON.stringify(text)} has no {variable}: use "uri" for a fixed resource.`)
  if (new Set(variables).size !== variables.length) throw new UriTemplateFaultError(`${JSON.stringify(text)} names a variable twice.`)
  if (parts.filter((part) => 'variable' in part && part.operator.reserved).length > 1) {
    throw new UriTemplateFaultError(`${JSON.stringify(text)} has more than one {+variable} or {#variable}: where one ends and the next begins cannot be told.`)
  }
  const regex = new RegExp(`^${parts.map((part, index) => pattern(part, parts[index + 1], text)).join('')}$`)
  return { text, variables, match: (uri) => uri.length > maxUriLength ? undefined : valuesIn(regex.exec(uri), variables) }
}

function readParts (text: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(expression)) {
    if (match.index > end) parts.push(literal(text.slice(end, match.index), text))
    const operator = operators[match[1] ?? ''] as Operator
    for (const [index, variable] of namesIn(match[2] ?? '', match[0]).entries()) {
      parts.push({ variable, lead: index === 0 ? operator.first : operator.separator, operator })
    }
    end = match.index + match[0].length
  }
  if (end < text.length) parts.push(literal(text.slice(end), text))
  return parts
}

function literal (text: string, template: string): Part {
  if (/[{}]/.test(text)) throw new UriTemplateFaultError(`${JSON.stringify(template)}: a "{" or "}" has no partner, or what is between them is no RFC 6570 expression.`)
  return { literal: text }
}

function namesIn (list: string, source: string): string[] {
  const names = list.split(',')
  for (const name of names) {
    if (/[*:]/.test(name)) throw new UriTemplateFaultError(`${source}: the modifiers "*" and ":n" cannot be matched against a URI.`)
    if (!variableName.test(name)) throw new UriTemplateFaultError(`${source}: ${JSON.stringify(name)} is not a variable name.`)
  }
  return names
}

/** The value of a variable ends where the next part begins, so that matching takes one pass whatever the URI. */
function pattern (part: Part, next: Part | undefined, template: string): string {
  if ('literal' in part) return escape(part.literal)
  const { variable, lead, operator } = part
  const stop = next === undefined ? '' : 'literal' in next ? next.literal.charAt(0) : next.lead
  if (next !== undefined && stop === '') {
    throw new UriTemplateFaultError(`${JSON.stringify(template)}: between {${variable}} and the variable after it there must be a separator.`)
  }
  if (operator.reserved) return `${escape(lead)}([^\\s${operator.first === '#' ? '' : '?#'}]+)`
  const value = stop === '' ? unreserved : `(?!${escape(stop)})${unreserved}`
  // Named variables may be left out by whoever expands the template.
  return operator.named ? `(?:${escape(lead)}${escape(variable)}(?:=((?:${value})*))?)?` : `${escape(lead)}((?:${value})+)`
}

function valuesIn (match: RegExpExecArray | null, variables: readonly string[]): Record<string, string> | undefined {
  if (match === null) return undefined
  const values = Object.create(null) as Record<string, string>
  for (const [index, name] of variables.entries()) {
    const raw = match[index + 1]
    if (raw === undefined) continue
    try {
      values[name] = decodeURIComponent(raw)
    } catch {
      return undefined // the escapes are not UTF-8
    }
  }
  return values
}

function escape (text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
