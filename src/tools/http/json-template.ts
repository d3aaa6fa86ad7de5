import type { JsonObject } from '../../core/ports.ts'
import { isStatic, lookup, parseTemplate, refusePlaceholders, renderText, wholePlaceholder, type Scope } from './placeholders.ts'

/** Makes one JSON value from the arguments; undefined where the argument that is the whole value is absent. */
export type JsonTemplate = (args: JsonObject) => unknown

/** Compiles a JSON value with placeholders in its strings; parts without any are made once and shared. */
export function compileJson (value: unknown, scope: Scope): JsonTemplate {
  return compile(value, scope) ?? (() => value)
}

/** Undefined for a value without placeholders. */
function compile (value: unknown, scope: Scope): JsonTemplate | undefined {
  if (typeof value === 'string') return compileString(value, scope)
  if (typeof value !== 'object' || value === null) return undefined
  return Array.isArray(value) ? compileArray(value, scope) : compileObject(value, scope)
}

function compileString (text: string, scope: Scope): JsonTemplate | undefined {
  const template = parseTemplate(text, scope)
  if (isStatic(template)) return undefined
  const placeholder = wholePlaceholder(template)
  return placeholder === undefined
    ? (args) => renderText(template, args, 'text in the body')
    : (args) => lookup(placeholder, args)
}

function compileArray (items: readonly unknown[], { owner, path }: Scope): JsonTemplate | undefined {
  const templates = items.map((item, index) => compile(item, { owner, path: [...path, index] }))
  if (templates.every((template) => template === undefined)) return undefined
  return (args) => items
    .map((item, index) => { const template = templates[index]; return template === undefined ? item : template(args) })
    .filter((item) => item !== undefined)
}

function compileObject (object: object, { owner, path }: Scope): JsonTemplate | undefined {
  const entries = Object.entries(object).map(([key, value]) => {
    const scope = { owner, path: [...path, key] }
    refusePlaceholders(key, 'The name', scope)
    return { key, value, template: compile(value, scope) }
  })
  if (entries.every(({ template }) => template === undefined)) return undefined
  return (args) => {
    const pairs: [string, unknown][] = []
    for (const { key, value, template } of entries) {
      const filled = template === undefined ? value : template(args)
      if (filled !== undefined) pairs.push([key, filled])
    }
    // fromEntries defines own properties, so a key such as "__proto__" stays a key.
    return Object.fromEntries(pairs)
  }
}
