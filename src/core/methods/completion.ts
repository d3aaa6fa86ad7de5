import type { Method } from '../dispatcher.ts'
import type { CompletionLists, PromptEntry, ResourceTemplateEntry } from '../entries.ts'
import { InvalidParamsError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import { findPrompt, findTemplate } from '../lookup.ts'
import type { Registry } from '../registry.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject, Principal } from '../ports.ts'

export interface CompletionParts {
  prompts: Registry<PromptEntry>
  templates: Registry<ResourceTemplateEntry>
  wire: Wire
}

/** 2026-07-28 server/utilities/completion: at most this many values in one answer. */
const maxValues = 100

/** `completion/complete`, from declared lists: what starts as the user typed, letter case aside. */
export function createCompletionMethods ({ prompts, templates, wire }: CompletionParts): [string, Method][] {
  return [['completion/complete', function complete (params, { revision, principal }) {
    const { ref, argument } = params
    if (!isObject(ref)) throw new InvalidParamsError('params.ref must be a reference to a prompt or a resource template.')
    if (!isObject(argument) || typeof argument['name'] !== 'string' || typeof argument['value'] !== 'string') {
      throw new InvalidParamsError('params.argument must have a name and a value, both strings.')
    }
    const lists = ref['type'] === 'ref/prompt' ? listsOfPrompt(prompts, ref, principal) : listsOfTemplate(templates, ref, principal)
    const typed = argument['value'].toLowerCase()
    const fitting = (lists.get(argument['name']) ?? []).filter((value) => value.toLowerCase().startsWith(typed))
    const values = fitting.slice(0, maxValues)
    return wire.result({ completion: { values, total: fitting.length, hasMore: fitting.length > values.length } }, revision)
  }]]
}

function listsOfPrompt (prompts: Registry<PromptEntry>, { name }: JsonObject, principal: Principal): CompletionLists {
  if (typeof name !== 'string') throw new InvalidParamsError('params.ref.name must be the name of a prompt.')
  return findPrompt(prompts, name, principal).completions
}

function listsOfTemplate (templates: Registry<ResourceTemplateEntry>, { type, uri }: JsonObject, principal: Principal): CompletionLists {
  if (type !== 'ref/resource') throw new InvalidParamsError('params.ref.type must be "ref/prompt" or "ref/resource".')
  if (typeof uri !== 'string') throw new InvalidParamsError('params.ref.uri must be the URI template of a resource template.')
  return findTemplate(templates, uri, principal).completions
}
