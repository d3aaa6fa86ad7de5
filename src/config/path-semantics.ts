import { member, pathText, quote, valueAt, type Fault, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

/** Faults of where on this server things are served: no two may share a path. */
export function pathFaults (config: unknown, mask: Mask): Fault[] {
  const below = belowTools(config, mask)
  return [...below, ...doubledPaths(config, mask).filter(({ path }) => below.every((fault) => fault.path !== path))]
}

const mcp: Path = ['server', 'path']
const health: Path = ['health', 'path']
const metrics: Path = ['metrics', 'path']
const sse: Path = ['server', 'protocol', 'httpSse']

function belowTools (config: unknown, mask: Mask): Fault[] {
  const path = valueAt(config, mcp)
  if (typeof path !== 'string' || !/^\/tools(\/|$)/.test(path)) return []
  return [{ path: mcp, message: 'Below "/tools", the tools themselves are served: MCP needs another path.', found: mask(mcp) ?? quote(path), suggestion: 'Leave it out: the default is "/mcp".' }]
}

/** In this order: a path that is there by default is not told of where it stands in no file, but where another was given the same. */
function doubledPaths (config: unknown, mask: Mask): Fault[] {
  const taken = new Map([['/tools', 'the tools']])
  return [
    ...(valueAt(config, ['health', 'enabled']) === false ? [] : claim(health, ['', '/live', '/ready'], 'the health check')),
    ...(servesMetrics(config) ? claim(metrics, [''], 'the metrics') : []),
    ...claim(mcp, [''], pathText(mcp)),
    ...(valueAt(config, [...sse, 'enabled']) === true ? [[...sse, 'path'], [...sse, 'messagesPath']].flatMap((path) => claim(path, [''], pathText(path))) : [])
  ]

  function claim (path: Path, ends: readonly string[], name: string): Fault[] {
    const value = valueAt(config, path)
    if (typeof value !== 'string') return []
    const bare = value.replace(/\/+$/, '')
    const owner = taken.get(bare) ?? (bare.startsWith('/tools/') ? taken.get('/tools') : undefined)
    for (const end of ends) if (!taken.has(bare + end)) taken.set(bare + end, name)
    if (owner === undefined) return []
    const shown = mask(path) ?? quote(value)
    return [{ path, message: `The path ${shown} is taken by ${owner}.`, found: shown, suggestion: 'Choose another path.' }]
  }
}

/** Beside MCP, and not at a port of their own. */
function servesMetrics (config: unknown): boolean {
  const section = valueAt(config, ['metrics'])
  return section !== undefined && member(section, 'enabled') !== false && member(section, 'port') === undefined
}
