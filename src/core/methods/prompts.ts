import type { Exchange } from '../context.ts'
import type { Method } from '../dispatcher.ts'
import type { Caller, PromptEntry } from '../entries.ts'
import { InvalidParamsError, PromptUnknownError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import type { Registry } from '../registry.ts'
import type { Wire } from '../wire.ts'
import type { GetPromptResult, JsonObject } from '../ports.ts'
import { createListMethod } from './list.ts'
import { progressTokenOf } from './params.ts'

export interface PromptParts {
  prompts: Registry<PromptEntry>
  caller: Caller
  wire: Wire
  pageSize: number
}

/** `prompts/list` and `prompts/get`. MCP 2026-07-28 server/prompts. */
export function createPromptMethods ({ prompts, caller, wire, pageSize }: PromptParts): [string, Method][] {
  function getPrompt (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { name, arguments: args = {} } = params
    if (typeof name !== 'string') throw new InvalidParamsError('params.name must be the name of a prompt.')
    if (!isObject(args)) throw new InvalidParamsError('params.arguments must be an object.')
    const entry = prompts.get(name)
    if (entry === undefined) throw new PromptUnknownError(name)

    const write = (result: GetPromptResult): string => wire.result(result, exchange.revision)
    const outcome = caller.call(entry, args, exchange, progressTokenOf(params))
    return outcome instanceof Promise ? outcome.then(write) : write(outcome)
  }

  return [
    ['prompts/list', createListMethod({ registry: prompts, key: 'prompts', describe: (entry) => entry.description, wire, pageSize })],
    ['prompts/get', getPrompt]
  ]
}
