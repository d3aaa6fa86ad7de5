import type { Config } from '../../schemas/config/index.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import { readLimits, type RateRule } from '../core/limit-rules.ts'

/** One limit on how often, and whose count it is. */
export interface ExplainedLimit { of: string, window: number, maxRequests: number }

type Subject = { tool: { name: string } } | { name: string, kind: 'anonymous' | 'key' | 'local', tier: string | undefined, key: ApiKey | undefined }

/** The limits that count what a caller sends, or the calls of a tool. */
export function limitsOf (config: Config, subject: Subject): ExplainedLimit[] {
  const rules = readLimits({ section: config.security.rateLimit, tools: config.tools, apiKeys: config.security.authentication?.apiKeys ?? [] })
  if (rules === undefined) return []
  if ('tool' in subject) return named('the tool, of all callers', rules.tools.get(subject.tool.name))
  const all = named('the server, of all callers', rules.global)
  switch (subject.kind) {
    case 'local': return all
    case 'anonymous': return [...all, ...named('the address', rules.address)]
    case 'key': {
      const { name, tier } = subject
      const own = [...named(`the key, as one of the tier ${tier}`, tier === undefined ? undefined : rules.tiers.get(tier)), ...named('the key', rules.keys.get(name))]
      return [...all, ...own.length > 0 ? own : named('the caller', rules.principal)]
    }
  }
}

/** `100 in 60 s`. */
export function limitText ({ window, maxRequests }: RateRule): string {
  return `${maxRequests} in ${window % 1_000 === 0 ? `${window / 1_000} s` : `${window} ms`}`
}

function named (of: string, rule: RateRule | undefined): ExplainedLimit[] {
  return rule === undefined ? [] : [{ of, window: rule.window, maxRequests: rule.maxRequests }]
}
