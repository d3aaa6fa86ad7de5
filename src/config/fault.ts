import { isObject } from '../core/json-rpc.ts'
import { escapeHidden } from './hidden-characters.ts'

/** Where in the configuration something is: keys and indexes from the root. */
export type Path = readonly (string | number)[]

export interface Place { line: number, column: number }

/** Something in the configuration that stops the start. `message` is complete by itself; the rest is for programs. */
export interface Fault {
  path: Path
  message: string
  /** 1-based, in the file; absent when the fault is not in the file. */
  line?: number
  column?: number
  found?: string
  expected?: string
  suggestion?: string
  /** The fault is about the key itself, not about its value: that is where line and column point. */
  atKey?: boolean
}

/** Something worth knowing that does not stop the start. */
export interface Notice { message: string, path?: Path }

const plainKey = /^[A-Za-z_$][A-Za-z0-9_$]*$/
const maxQuoted = 60

/** A path as people read it: `$.tools[0].name`. */
export function pathText (path: Path): string {
  return '$' + path.map((step) => typeof step === 'number' ? `[${step}]` : plainKey.test(step) ? `.${step}` : `[${quote(step)}]`).join('')
}

/** A path as the key of a map. */
export function pathKey (path: Path): string {
  return JSON.stringify(path)
}

/** Text in quotes on one line, shortened, without credentials of a URL, and with nothing in it that a terminal would act on. */
export function quote (value: string): string {
  const text = value.replace(/:\/\/[^/@\s]+@/g, '://…@')
  const shown = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text
  return escapeHidden(JSON.stringify(shown))
}

/** What a value is, for a message. Lists and objects are named, never shown. */
export function describeValue (value: unknown): string {
  if (typeof value === 'string') return `the text ${quote(value)}`
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : String(value)
}

/** A member of an object of its own, never an inherited one. */
export function member (value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

export function elements (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value at a path, or undefined. */
export function valueAt (root: unknown, path: Path): unknown {
  let value = root
  for (const step of path) value = typeof step === 'number' ? elements(value)[step] : member(value, step)
  return value
}
