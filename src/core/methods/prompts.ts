import type { Exchange } from '../context.ts'
import type { Method } from '../dispatcher.ts'
import type { PromptEntry } from '../entries.ts'
import { InvalidParamsError, PromptUnknownError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import type { Registry } from '../registry.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'
import { createListMethod } from './list.ts'
import { callEntry, type CallParts } from './call.ts'

export interface PromptParts extends CallParts {
  prompts: Registry<PromptEntry>
  wire: Wire
  pageSize: number
}

/** `prompts/list` and `prompts/get`. MCP 2026-07-28 server/prompts. */
export function createPromptMethods (parts: PromptParts): [string, Method][] {
  const { prompts, wire, pageSize } = parts

  function getPrompt (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { name, arguments: args = {} } = params
    if (typeof name !== 'string') throw new InvalidParamsError('params.name must be the name of a prompt.')
    if (!isObject(args)) throw new InvalidParamsError('params.arguments must be an object.')
    const entry = prompts.get(name)
    if (entry === undefined) throw new PromptUnknownError(name)

    return callEntry(parts, {
      entry, target: `prompts/get ${name}`, params, args, exchange, write: (result) => wire.promptResult(result, exchange.revision)
    })
  }

  return [
    ['prompts/list', createListMethod({ registry: prompts, key: 'prompts', describe: (entry) => entry.description, wire, pageSize })],
    ['prompts/get', getPrompt]
  ]
}
