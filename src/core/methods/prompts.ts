import type { CacheHints } from '../cache-hints.ts'
import type { Exchange } from '../exchange.ts'
import type { Method } from '../dispatcher.ts'
import { describePrompt } from '../descriptions.ts'
import type { PromptEntry } from '../entries.ts'
import { InvalidParamsError } from '../errors.ts'
import { isObject } from '../json-rpc.ts'
import { findPrompt, listedBy } from '../lookup.ts'
import type { Registry } from '../registry.ts'
import { refuseTooLarge } from '../result-budget.ts'
import type { Tolerance } from '../tolerating.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'
import type { PromptArgument, PromptDescription } from '../../../schemas/mcp.ts'
import { createListMethod } from './list.ts'
import { callEntry, type CallParts } from './call.ts'
import { mendArguments } from './params.ts'

export interface PromptParts extends CallParts {
  prompts: Registry<PromptEntry>
  wire: Wire
  cacheHints: CacheHints
  pageSize: number
  tolerance: Tolerance
  /** Bytes that a prompt may have. */
  maxResultBytes: number
}

/** `prompts/list` and `prompts/get`. MCP 2026-07-28 server/prompts. */
export function createPromptMethods (parts: PromptParts): [string, Method][] {
  const { prompts, wire, cacheHints, pageSize, tolerance, maxResultBytes: maxBytes } = parts

  function getPrompt (params: JsonObject, exchange: Exchange): string | Promise<string> {
    const { name, arguments: given = {} } = params
    if (typeof name !== 'string') throw new InvalidParamsError('params.name must be the name of a prompt.')
    const args = isObject(given) ? given : mendArguments(given, exchange, tolerance)
    const entry = findPrompt(prompts, name, exchange.principal)
    if (tolerance.lenient) mendPromptArguments(args, entry.description, exchange, tolerance)

    return callEntry(parts, {
      entry, target: `prompts/get ${name}`, params, args, exchange, write: (result) => refuseTooLarge(wire.promptResult(result, exchange.revision), maxBytes, `the prompt ${name}`)
    })
  }

  return [
    ['prompts/list', createListMethod({ registry: prompts, key: 'prompts', isListed: listedBy.prompt, describe: ({ description }, revision) => describePrompt(description, revision), hint: cacheHints.lists, wire, pageSize, tolerance })],
    ['prompts/get', getPrompt]
  ]
}

/** Makes what can only be meant as text into text, and leaves out what the prompt does not have. */
function mendPromptArguments (args: JsonObject, { arguments: declared = [] }: PromptDescription, { clientName }: Exchange, tolerance: Tolerance): void {
  for (const name in args) {
    const value = args[name]
    if (!isDeclared(name, declared)) {
      if (tolerance.bears('prompt-argument-unknown', clientName)) delete args[name]
    } else if (value === null) {
      if (tolerance.bears('prompt-argument-type', clientName)) delete args[name]
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      if (tolerance.bears('prompt-argument-type', clientName)) args[name] = String(value)
    }
  }
}

function isDeclared (name: string, declared: readonly PromptArgument[]): boolean {
  for (const argument of declared) if (argument.name === name) return true
  return false
}
