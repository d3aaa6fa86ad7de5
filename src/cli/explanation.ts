import type { Explanation, ExplainedCaller, ExplainedLimit, Reach } from '../explain/index.ts'
import { limitText } from '../explain/limits.ts'

/** What `gantry explain` prints for people. */
export function explanationText ({ controls, callers }: Explanation): string {
  const declared = controls.map(({ path, value, does, enforcedBy, doors }) => `  ${path} = ${value}\n      ${does}\n      enforced by ${enforcedBy}, on ${doors.join(', ')}`)
  return [`Controls:\n${declared.join('\n')}`, ...callers.map(callerText)].join('\n\n') + '\n'
}

function callerText ({ name, kind, state, permissions, tier, doors, limits, tools, prompts, resources }: ExplainedCaller): string {
  const facts = [
    `permissions: ${permissions.join(', ') || 'none'}`,
    ...(tier === undefined ? [] : [`tier: ${tier}`]),
    `limits: ${limitsText(limits)}`
  ]
  const things = [['tools', tools, 'call'], ['prompts', prompts, 'get'], ['resources', resources, 'read']] as const
  const lines = [...facts, ...things.flatMap(([what, reaches, use]) => reaches.length === 0 ? [] : [`${what}:`, ...reaches.map((reach) => `  ${reachText(reach, use)}`)])]
  return [`${titles[kind](name)}, ${state}, on ${doors.join(', ')}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

const titles: Readonly<Record<ExplainedCaller['kind'], (name: string) => string>> = {
  anonymous: () => 'Callers without a credential',
  key: (name) => `The key ${JSON.stringify(name)}`,
  local: () => 'The caller over stdio'
}

function reachText ({ name, isListed, mayUse, limits }: Reach, use: string): string {
  const may = mayUse ? isListed ? `list and ${use}` : `${use}, not listed` : 'no'
  return `${name}: ${may}${limits.length === 0 ? '' : ` (${limitsText(limits)})`}`
}

function limitsText (limits: readonly ExplainedLimit[]): string {
  return limits.map((limit) => `${limitText(limit)} for ${limit.of}`).join('; ') || 'none'
}
