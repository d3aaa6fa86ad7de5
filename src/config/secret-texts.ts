import { harmlessHeaders } from '../core/redaction.ts'
import { secretVariables } from './environment-table.ts'
import { isSet } from './environment.ts'
import type { Path } from './fault.ts'

/** Shorter words of a header, such as `Bearer`, are no secrets. */
const minHeaderWord = 8

/** A Redis or a database without credentials: the log names it. */
const bareAddress = /^(?:rediss?|postgres(?:ql)?):\/\/[^@?#]*$/i

/** The texts of a configuration that must not be shown: what the redactor takes out of the log and of answers. */
export class SecretTexts {
  readonly #texts = new Set<string>()

  constructor (env: NodeJS.ProcessEnv, resolved: Iterable<string> = []) {
    for (const name of secretVariables) if (isSet(env[name])) this.add(env[name])
    for (const text of resolved) this.add(text)
  }

  /** With its path where it is the value of a place that the schema marks secret. */
  add (text: string, path: Path = []): void {
    if (bareAddress.test(text)) return
    for (const part of path.at(-2) === 'headers' ? wordsOfHeader(String(path.at(-1)), text) : [text, ...passwordsOf(text)]) this.#texts.add(part)
  }

  [Symbol.iterator] (): IterableIterator<string> {
    return this.#texts.values()
  }
}

/** Whoever echoes a header may leave out its scheme. */
function wordsOfHeader (name: string, text: string): string[] {
  return harmlessHeaders.has(name.toLowerCase()) ? [] : text.split(/\s+/).filter((word) => word.length >= minHeaderWord)
}

/** The password of a URL, as it is written there and as it is meant: drivers tell of it by itself. */
function passwordsOf (text: string): string[] {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/]*@/i.test(text) || !URL.canParse(text)) return []
  const { password } = new URL(text)
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password] // A percent sign that begins no character.
  }
}
