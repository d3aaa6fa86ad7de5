/**
 * Reads a statement with named parameters. Follows PostgreSQL, Lexical Structure: what looks like a parameter within a string, a quoted
 * name, a comment or a cast (`::`) is none.
 */

export interface NamedStatement {
  /** With `$1`, `$2`, … in the places of the parameters. */
  readonly text: string
  /** The parameter of each number, once, however often it stands in the statement. */
  readonly parameters: readonly Parameter[]
  /** Its first word, in capitals. */
  readonly command: string
}

export interface Parameter {
  readonly name: string
  /** Whether it is cast to json or jsonb: then any value is sent as JSON. */
  readonly asJson: boolean
  /** Where it stands first. */
  readonly index: number
}

/** Something in a statement that cannot be run, with its place. */
export class StatementFault extends Error {
  constructor (message: string, text: string, index: number) {
    super(`${message} (${placeText(text, index)}).`)
  }

  override get name (): string { return 'StatementFault' }
}

/** Line and column of a place in a statement, for messages. */
export function placeText (text: string, index: number): string {
  const lines = text.slice(0, index).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1} of the query`
}

const wordStart = /[A-Za-z_\u0080-\uffff]/
/** Each is looked for at one place only. */
const tokens = {
  lineComment: /--[^\n]*/y,
  word: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
  number: /\d[\w.]*/y,
  quotedName: /"(?:[^"]|"")*"/y,
  text: /'(?:[^']|'')*'/y,
  escapedText: /'(?:[^'\\]|\\[^]|'')*'/y,
  dollarMark: /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y,
  position: /\$\d+/y,
  cast: /::|:=/y,
  parameter: /:[A-Za-z_]\w*/y,
  jsonCast: /\s*::\s*jsonb?(?![\w$[])/iy
} as const

/** Throws a StatementFault for what is not one statement that can be read. */
export function readStatement (source: string): NamedStatement {
  const numbers = new Map<string, number>()
  const parameters: Parameter[] = []
  let text = ''
  let at = 0
  let command = ''
  /** Where the statement ends, once it has. */
  let end: number | undefined

  const match = (token: RegExp): string | undefined => {
    token.lastIndex = at
    return token.exec(source)?.[0]
  }
  const fault = (message: string): StatementFault => new StatementFault(message, source, at)
  const keep = (part: string): void => { text += part; at += part.length }

  function keepQuoted (token: RegExp, what: string): void {
    const quoted = match(token)
    if (quoted === undefined) throw fault(`${what} begins here and does not end`)
    keep(quoted)
  }

  function keepWord (word: string): void {
    if (command === '') command = word.toUpperCase()
    keep(word)
    // E'…' knows backslashes; the other prefixes of strings change nothing of where they end.
    if (source[at] === "'" && /^e$/i.test(word)) keepQuoted(tokens.escapedText, 'A string')
  }

  function keepDollarQuoted (mark: string): void {
    const close = source.indexOf(mark, at + mark.length)
    if (close < 0) throw fault('A dollar-quoted string begins here and does not end')
    keep(source.slice(at, close + mark.length))
  }

  /** Comments nest. */
  function keepComment (): void {
    let depth = 0
    let close = at
    do {
      if (source.startsWith('/*', close)) { depth++; close += 2 } else if (source.startsWith('*/', close)) { depth--; close += 2 } else close++
      if (close > source.length) throw fault('A comment begins here and does not end')
    } while (depth > 0)
    keep(source.slice(at, close))
  }

  function bind (parameter: string): void {
    const name = parameter.slice(1)
    const index = at
    at += parameter.length
    const asJson = match(tokens.jsonCast) !== undefined
    const known = numbers.get(name)
    const number = known ?? numbers.size + 1
    if (known === undefined) {
      numbers.set(name, number)
      parameters.push({ name, asJson, index })
    } else if (asJson) {
      parameters[known - 1] = { ...parameters[known - 1] as Parameter, asJson }
    }
    text += `$${number}`
  }

  function step (): void {
    const character = source[at] as string
    if (source.startsWith('--', at)) return keep(match(tokens.lineComment) as string)
    if (source.startsWith('/*', at)) return keepComment()
    if (/\s/.test(character)) return keep(character)
    if (end !== undefined && character !== ';') throw fault('Only one statement can be run, and a second begins here')
    const word = wordStart.test(character) ? match(tokens.word) : match(tokens.number)
    if (word !== undefined) return keepWord(word)
    switch (character) {
      case '\0': throw fault('A NUL character cannot be sent')
      case ';': end = at; return keep(character)
      case "'": return keepQuoted(tokens.text, 'A string')
      case '"': return keepQuoted(tokens.quotedName, 'A quoted name')
      case '$': {
        const mark = match(tokens.dollarMark)
        if (mark !== undefined) return keepDollarQuoted(mark)
        if (match(tokens.position) !== undefined) throw fault('Parameters have names here: write `:name`')
        return keep(character)
      }
      case ':': {
        const parameter = match(tokens.parameter)
        return parameter === undefined ? keep(match(tokens.cast) ?? character) : bind(parameter)
      }
      default: return keep(character)
    }
  }

  while (at < source.length) step()
  if (command === '') throw new StatementFault('There is no statement', source, 0)
  return { text, parameters, command }
}
