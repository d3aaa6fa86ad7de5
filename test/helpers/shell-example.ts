/**
 * Examples in a page, as a reader would run them: the lines of a `console` block that begin with "$ ", and what they print. The tests
 * run them on any machine, so this reads the little shell they are written in and speaks HTTP itself, instead of asking for curl.
 */

export interface ShellExample {
  command: string
  /** What the page says it prints; undefined when it shows nothing. */
  output: string | undefined
}

/** The text of each fenced block of a language, in order. */
export function fencedBlocks (page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(?<text>.*?)^\`\`\`$`, 'gms'))].map(({ groups }) => groups?.['text'] ?? '')
}

/** The commands of a `console` block. A command goes on after a line that ends in a backslash, or inside of quotes. */
export function shellExamples (block: string): ShellExample[] {
  const examples: { command: string, output: string[] }[] = []
  for (const line of block.trimEnd().split('\n')) {
    const last = examples.at(-1)
    if (line.startsWith('$ ')) examples.push({ command: line.slice(2), output: [] })
    else if (last === undefined) throw new Error(`The block does not begin with a command: ${line}`)
    else if (isOpen(last.command)) last.command += `\n${line}`
    else last.output.push(line)
  }
  return examples.map(({ command, output }) => ({ command, output: output.length === 0 ? undefined : output.join('\n') }))
}

function isOpen (command: string): boolean {
  return command.endsWith('\\') || (command.match(/'/g)?.length ?? 0) % 2 === 1
}

/** The one pipeline that the examples use: the session of an answer. */
const sessionPipeline = "| grep -i '^mcp-session-id:' | cut -d' ' -f2 | tr -d '\\r')"

/** Runs commands one after the other; variables live as long as the shell does. */
export class ExampleShell {
  readonly #variables = new Map<string, string>()

  /** What the command prints. Throws for anything that it does not know. */
  async run (command: string): Promise<string> {
    const assignment = /^(?<name>[A-Z_]+)=\$\((?<inner>curl .*)$/s.exec(command)?.groups
    if (assignment === undefined) return await (await this.#curl(command)).text()
    const { name = '', inner = '' } = assignment
    if (!inner.endsWith(sessionPipeline)) throw new Error(`Only the session can be taken out of an answer: ${command}`)
    const session = (await this.#curl(inner.slice(0, -sessionPipeline.length))).headers.get('mcp-session-id')
    if (session === null) throw new Error(`The answer has no session: ${command}`)
    this.#variables.set(name, session)
    return ''
  }

  async #curl (command: string): Promise<Response> {
    const [program, ...words] = this.#words(command)
    if (program !== 'curl') throw new Error(`This is no call of curl: ${command}`)
    const headers = new Headers()
    let url: string | undefined
    let body: string | undefined
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? ''
      const next = (): string => {
        const value = words[++index]
        if (value === undefined) throw new Error(`${word} lacks its value: ${command}`)
        return value
      }
      if (word === '-H') {
        const [name = '', value = ''] = next().split(/:\s*/, 2)
        headers.set(name, value)
      } else if (word === '-d') body = next()
      else if (word === '-si') continue
      else if (/^https?:/.test(word) && url === undefined) url = word
      else throw new Error(`What is ${JSON.stringify(word)} in: ${command}`)
    }
    if (url === undefined) throw new Error(`There is no URL in: ${command}`)
    return await fetch(url, body === undefined ? { headers } : { method: 'POST', headers, body })
  }

  /** Words as a shell splits them: 'as it is', "with $VARIABLES", or bare. */
  #words (command: string): string[] {
    const text = command.replaceAll('\\\n', ' ').trim()
    const word = /\s*(?:'(?<exact>[^']*)'|"(?<filled>[^"\\]*)"|(?<bare>[^\s'"$\\|;&<>()`]+))(?=\s|$)/y
    const words: string[] = []
    while (word.lastIndex < text.length) {
      const start = word.lastIndex
      const groups = word.exec(text)?.groups
      if (groups === undefined) throw new Error(`This cannot be read: ${text.slice(start)}`)
      words.push(groups['exact'] ?? groups['bare'] ?? this.#fill(groups['filled'] ?? ''))
    }
    return words
  }

  #fill (text: string): string {
    return text.replace(/\$([A-Z_]+)/g, (_whole, name: string) => {
      const value = this.#variables.get(name)
      if (value === undefined) throw new Error(`$${name} was not set.`)
      return value
    })
  }
}
