import { isObject } from './json-rpc.ts'

/** Takes secrets out of what others may read: the log, answers, reports. The only place that knows how. */
export interface Redactor {
  /** A text for people. */
  text (text: string): string
  /** A line of JSON: it stays one, whatever the secrets hold. */
  line (line: string): string
}

/** Shorter ones are more often words or numbers of everyday: taking those out would make a log unreadable. */
export const minSecretLength = 6
const censor = '[redacted]'
/** What a text is first searched for is no longer than this. */
const maxTraceLength = 16
/** Of much more alternatives at once, the engine makes no machine code. */
const maxAlternatives = 500

/** Headers whose values say nothing that is not generally known. Lower-case. */
export const harmlessHeaders: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'accept-language', 'cache-control', 'content-type', 'host', 'user-agent'])

/** Compiles the secrets. A text in which none of them stands costs one search. */
export function createRedactor (secrets: Iterable<string>): Redactor {
  const forms = new Set([...secrets].filter((secret) => secret.trim().length >= minSecretLength).flatMap(formsOf))
  // The longest first, so that no part of one is left standing where another was.
  const hidden = [...forms].sort((one, other) => other.length - one.length)
  const mayHold = compileSearch(hidden)
  const mayHoldInJson = compileSearch(hidden.flatMap((form) => [form, escaped(form)]))

  function text (value: string): string {
    return mayHold(value) ? hidden.reduce((rest, form) => rest.replaceAll(form, censor), value) : value
  }

  function line (value: string): string {
    return mayHoldInJson(value) ? `${JSON.stringify(withoutSecrets(readJson(value)))}\n` : value
  }

  function withoutSecrets (value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (typeof value === 'number') return forms.has(String(value)) ? censor : value
    if (Array.isArray(value)) return value.map(withoutSecrets)
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, child]) => [text(key), withoutSecrets(child)])) : value
  }

  return { text, line }
}

/** How a secret may stand in a text: as it is, in JSON, in a URL. */
function formsOf (secret: string): string[] {
  return [secret, escaped(secret), inUrl(secret)]
}

function escaped (text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function inUrl (text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return text // Half of a surrogate pair stands in no URL.
  }
}

/** Makes a cheap search: false means that none of the texts is there. */
function compileSearch (texts: readonly string[]): (text: string) => boolean {
  const traces = [...new Set(texts.map((text) => text.slice(0, maxTraceLength)))]
  const patterns: RegExp[] = []
  for (let start = 0; start < traces.length; start += maxAlternatives) {
    patterns.push(new RegExp(traces.slice(start, start + maxAlternatives).map((trace) => trace.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|')))
  }
  return (text) => patterns.some((pattern) => pattern.test(text))
}

/** What is no JSON becomes a JSON text: to log never throws. */
function readJson (line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line.trimEnd()
  }
}
