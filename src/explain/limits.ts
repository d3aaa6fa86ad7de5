import { rulesOfKey, type LimitRules, type RateRule } from '../core/limit-rules.ts'

/** Who is limited: callers with a key, those without a credential, the one over stdio. */
export interface LimitedCaller { name: string, kind: 'anonymous' | 'key' | 'local', tier: string | undefined }

/** One limit on how often, and whose count it is. */
export interface ExplainedLimit { of: string, window: number, maxRequests: number }

/** The limits that count what a caller sends. */
export function limitsOfCaller (rules: LimitRules | undefined, { name, kind, tier }: LimitedCaller): ExplainedLimit[] {
  if (rules === undefined) return []
  const all = named('the server, of all callers', rules.global)
  switch (kind) {
    case 'local': return all
    case 'anonymous': return [...all, ...named('the address', rules.address)]
    case 'key': return [...all, ...rulesOfKey(rules, name, tier).flatMap(({ kind: owner, rule }) => named(owners[owner](tier), rule))]
  }
}

/** The limits that count the calls of a tool. */
export function limitsOfTool (rules: LimitRules | undefined, name: string): ExplainedLimit[] {
  return named('the tool, of all callers', rules?.tools.get(name))
}

const owners = {
  tier: (tier: string | undefined) => `the key, as one of the tier ${tier ?? ''}`,
  key: () => 'the key',
  principal: () => 'the caller'
}

/** `100 in 60 s`. */
export function limitText ({ window, maxRequests }: RateRule): string {
  return `${maxRequests} in ${window % 1_000 === 0 ? `${window / 1_000} s` : `${window} ms`}`
}

function named (of: string, rule: RateRule | undefined): ExplainedLimit[] {
  return rule === undefined ? [] : [{ of, window: rule.window, maxRequests: rule.maxRequests }]
}
