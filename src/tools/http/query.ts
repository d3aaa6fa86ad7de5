import { HandlerLoadError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/ports.ts'
import { allOf } from '../together.ts'
import {
  encodeArgument, isStatic, lookup, parseTemplate, refuseArgument, refusePlaceholders, renderText, scalarText,
  splitTemplate, wholePlaceholder, type Placeholder, type Scope, type Template
} from './placeholders.ts'
import type { QueryValue } from './spec.ts'

/** A query (or a form): literal pairs that never change, and pairs that need the arguments. Literals are already encoded. */
export type Query = readonly (string | Pair)[]
interface Pair { readonly name: Template, readonly value: Template | undefined }

/** Compiles text such as `a=1&b=${args.b}`; its literals are taken as encoded. */
export function compileQueryText (text: Template): Query {
  return joinLiterals(splitTemplate(text, '&').filter((pair) => pair.length > 0).map((pair) => {
    const [name = [], value] = splitTemplate(pair, '=', 2)
    return { name, value }
  }))
}

/** Compiles the `query` of a handler: one pair a value, a list repeats its name. Throws as `allOf` does. */
export function compileQuery (query: Readonly<Record<string, QueryValue>>, owner: string): Query {
  const pairs: Pair[] = []
  allOf(...Object.entries(query).map(([name, value]) => () => {
    const scope: Scope = { owner, path: ['query', name] }
    refusePlaceholders(name, 'The query name', scope)
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item === null) continue
      if (typeof item === 'object') throw new HandlerLoadError(scope.path, 'A query value must be a string, a number, a boolean or a list of these.')
      pairs.push({ name: [encodeLiteral(name, scope)], value: encodeLiterals(parseTemplate(String(item), scope), scope) })
    }
  }))
  return joinLiterals(pairs)
}

/** Fills a query in. A pair whose whole value is an argument that is absent or null is left out; a list repeats its name. */
export function renderQuery (query: Query, args: JsonObject, place = 'a query'): string {
  const pairs: string[] = []
  for (const entry of query) {
    if (typeof entry === 'string') {
      pairs.push(entry)
      continue
    }
    const name = renderText(entry.name, args, place, encodeArgument)
    const placeholder = entry.value && wholePlaceholder(entry.value)
    if (placeholder !== undefined) {
      appendValue(pairs, name, lookup(placeholder, args), placeholder, place)
    } else {
      pairs.push(entry.value === undefined ? name : `${name}=${renderText(entry.value, args, place, encodeArgument)}`)
    }
  }
  return pairs.join('&')
}

/** All fields of an object as a query, save those named in `except`. */
export function queryOf (values: JsonObject, owner: string, except: ReadonlySet<string>, place = 'a query'): string {
  const pairs: string[] = []
  for (const key of Object.keys(values)) {
    if (except.has(key)) continue
    const placeholder = { owner, keys: [key] }
    appendValue(pairs, encodeArgument(key, placeholder), values[key], placeholder, place)
  }
  return pairs.join('&')
}

function appendValue (pairs: string[], name: string, value: unknown, placeholder: Placeholder, place: string): void {
  for (const item of Array.isArray(value) ? value : [value]) {
    if (item === undefined || item === null) continue
    if (typeof item === 'object') {
      refuseArgument(placeholder, `${Array.isArray(value) ? 'holds' : 'is'} ${Array.isArray(item) ? 'an array' : 'an object'}, but ${place} takes strings, numbers, booleans and flat lists of these`)
    }
    pairs.push(`${name}=${encodeArgument(scalarText(item, placeholder, place), placeholder)}`)
  }
}

function joinLiterals (pairs: readonly Pair[]): Query {
  return pairs.map((pair) => {
    const text = [...pair.name, ...(pair.value === undefined ? [] : ['=', ...pair.value])]
    return isStatic(text) ? text.join('') : pair
  })
}

function encodeLiterals (template: Template, scope: Scope): Template {
  return template.map((part) => typeof part === 'string' ? encodeLiteral(part, scope) : part)
}

function encodeLiteral (text: string, { path }: Scope): string {
  try {
    return encodeURIComponent(text)
  } catch (cause) {
    throw new HandlerLoadError(path, 'The text holds half of a surrogate pair, which cannot be sent in a URL.', { cause })
  }
}
