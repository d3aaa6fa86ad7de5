import type { Config } from '../../schemas/config/index.ts'
import type { ApiKey } from '../../schemas/config/security.ts'
import { pathText, type Path } from '../config/fault.ts'
import { readLimits, type LimitRules } from '../core/limit-rules.ts'
import { grantsOf, type Grants } from '../core/permissions.ts'
import { anonymousWith, localWith } from '../core/principals.ts'
import { controlKinds, type ControlKind, type DoorName } from './controls.ts'
import { limitsOfCaller, limitsOfTool, limitText, type ExplainedLimit, type LimitedCaller } from './limits.ts'

export type { ExplainedLimit } from './limits.ts'

/** What a configuration declares, what enforces it, and what it comes to for each caller. Holds no secret. */
export interface Explanation {
  controls: ExplainedControl[]
  callers: ExplainedCaller[]
}

export interface ExplainedControl {
  /** `$.security.rateLimit`, as faults name places. */
  path: string
  does: string
  /** The value as far as it may be shown. */
  value: string
  enforcedBy: string
  doors: readonly DoorName[]
}

export type CallerState = 'active' | 'disabled' | 'expired' | 'not valid yet'

export interface ExplainedCaller extends LimitedCaller {
  state: CallerState
  permissions: readonly string[]
  doors: readonly DoorName[]
  limits: ExplainedLimit[]
  tools: Reach[]
  prompts: Reach[]
  resources: Reach[]
}

/** What a caller may do with one thing. `limits` are those of the thing itself. */
export interface Reach { name: string, isListed: boolean, mayUse: boolean, limits: ExplainedLimit[] }

export interface ExplainOptions {
  /** Only the callers of this name. */
  key?: string | undefined
  /** Only this tool, and no prompts and resources. */
  tool?: string | undefined
  /** Milliseconds since the epoch: decides which keys are valid. */
  nowMs: number
}

/** Explains a complete configuration. What `key` and `tool` name has to be there: see `unknownName`. */
export function explain (config: Config, options: ExplainOptions): Explanation {
  return {
    controls: controlKinds.flatMap((kind) => placesOf(config, kind.path).map(({ path, value }) => explainControl(kind, path, value))),
    callers: callersOf(config, options).filter(({ name }) => options.key === undefined || name === options.key)
  }
}

/** What was asked for and is not there, with what there is. */
export function unknownName (config: Config, { key, tool }: Pick<ExplainOptions, 'key' | 'tool'>): { what: string, name: string, known: string[] } | undefined {
  const callers = ['anonymous', 'local', ...new Set((config.security.authentication?.apiKeys ?? []).map(({ name }) => name))]
  if (key !== undefined && !callers.includes(key)) return { what: 'key', name: key, known: callers }
  const tools = config.tools.map(({ name }) => name)
  if (tool !== undefined && !tools.includes(tool)) return { what: 'tool', name: tool, known: tools }
  return undefined
}

function explainControl ({ does, enforcedBy, doors }: ControlKind, path: Path, value: unknown): ExplainedControl {
  return { path: pathText(path), does, value: shownValue(path, value), enforcedBy, doors }
}

/** Keys are counted and named; no other control holds a secret. */
function shownValue (path: Path, value: unknown): string {
  if (path.at(-1) === 'apiKeys') return (value as ApiKey[]).map(({ name }) => name).join(', ') || 'none'
  if (Array.isArray(value)) return value.length > 10 ? `${value.length} entries` : value.join(', ') || 'none'
  if (typeof value !== 'object' || value === null) return String(value)
  if ('window' in value && 'maxRequests' in value) return limitText(value as { window: number, maxRequests: number })
  return JSON.stringify(value)
}

/** What stands at a path in which `*` is any entry. */
function placesOf (config: unknown, path: readonly string[]): { path: Path, value: unknown }[] {
  let found: { path: Path, value: unknown }[] = [{ path: [], value: config }]
  for (const step of path) {
    found = found.flatMap(({ path: parent, value }) => {
      if (typeof value !== 'object' || value === null) return []
      const keys = step === '*' ? Object.keys(value).map((key) => Array.isArray(value) ? Number(key) : key) : [step]
      return keys.map((key) => ({ path: [...parent, key], value: (value as Record<string | number, unknown>)[key] })).filter((place) => place.value !== undefined)
    })
  }
  return found
}

/** The doors that are open to permissions: what the health checks find, and metrics beside MCP, take some of their own. */
function httpDoors ({ health, metrics }: Config, permissions: readonly string[]): readonly DoorName[] {
  const grants = grantsOf(permissions)
  const isOperator = health.enabled && grants.allows('ops:health', '')
  const isScraper = metrics?.enabled === true && metrics.port === undefined && grants.allows('ops:metrics', '')
  return ['mcp', 'rest', 'sse', ...(isOperator ? ['ops'] as const : []), ...(isScraper ? ['metrics'] as const : [])]
}

function callersOf (config: Config, { tool, nowMs }: ExplainOptions): ExplainedCaller[] {
  const { authentication, permissions } = config.security
  const parts: ExplainParts = { config, rules: readLimits({ section: config.security.rateLimit, tools: config.tools, apiKeys: authentication?.apiKeys ?? [] }) }
  const isOn = authentication?.enabled === true
  const nobody = isOn
    ? authentication.allowAnonymous ? permissions?.anonymous ?? [] : undefined
    : permissions === undefined ? ['*'] : permissions.anonymous
  const keys = isOn ? authentication.apiKeys : []
  return [
    ...(nobody === undefined ? [] : [explainCaller(parts, { ...anonymousWith(nobody), kind: 'anonymous' as const, state: 'active' as const, doors: httpDoors(config, permissions?.anonymous ?? []) }, tool)]),
    ...keys.map((key) => {
      const own = [...permissions?.authenticated ?? [], ...key.permissions]
      return explainCaller(parts, { name: key.name, kind: 'key' as const, state: stateOf(key, nowMs), permissions: own, tier: key.tier, doors: httpDoors(config, own) }, tool)
    }),
    explainCaller(parts, { ...localWith(permissions?.local ?? ['*']), kind: 'local' as const, state: 'active' as const, doors: ['stdio'] as const }, tool)
  ]
}

type CallerFacts = Pick<ExplainedCaller, 'name' | 'kind' | 'state' | 'permissions' | 'tier' | 'doors'>

interface ExplainParts { config: Config, rules: LimitRules | undefined }

function explainCaller ({ config, rules }: ExplainParts, { name, kind, state, permissions, tier, doors }: CallerFacts, tool: string | undefined): ExplainedCaller {
  const grants = grantsOf(permissions)
  const all = tool === undefined
  return {
    name,
    kind,
    state,
    permissions,
    tier,
    doors,
    limits: limitsOfCaller(rules, { name, kind, tier }),
    tools: config.tools.filter((entry) => all || entry.name === tool).map((entry) => reach(grants, 'tools:list', 'tools:call', entry.name, limitsOfTool(rules, entry.name))),
    prompts: all ? config.prompts.map((entry) => reach(grants, 'prompts:list', 'prompts:get', entry.name, [])) : [],
    resources: all ? config.resources.map(({ uri, uriTemplate = '' }) => reach(grants, 'resources:list', 'resources:read', uri ?? uriTemplate, [])) : []
  }
}

type Grantable = Parameters<Grants['allows']>[0]

function reach (grants: Grants, list: Grantable, use: Grantable, name: string, limits: ExplainedLimit[]): Reach {
  const mayUse = grants.allows(use, name)
  return { name, isListed: mayUse && grants.allows(list, name), mayUse, limits: mayUse ? limits : [] }
}

function stateOf ({ enabled, notBefore, expiresAt }: ApiKey, nowMs: number): CallerState {
  if (!enabled) return 'disabled'
  if (expiresAt !== undefined && nowMs >= Date.parse(expiresAt)) return 'expired'
  return notBefore !== undefined && nowMs < Date.parse(notBefore) ? 'not valid yet' : 'active'
}
