import { isLoopback } from '../core/origin.ts'
import { quote, valueAt, type Fault, type Notice, type Path } from './fault.ts'
import type { Mask } from './validate.ts'

const hostPath: Path = ['metrics', 'host']
const portPath: Path = ['metrics', 'port']

/** An address without a port of its own would do nothing. */
export function metricsFaults (config: unknown): Fault[] {
  if (valueAt(config, hostPath) === undefined || valueAt(config, portPath) !== undefined) return []
  return [{ path: hostPath, message: 'Without "metrics.port" metrics are served where MCP is: an address of their own needs a port of their own.', suggestion: 'Add "port", or remove it.', atKey: true }]
}

/** There nobody is asked who they are. */
export function metricsNotices (config: unknown, mask: Mask): Notice[] {
  const host = valueAt(config, hostPath)
  if (typeof host !== 'string' || isLoopback(host) || valueAt(config, ['metrics', 'enabled']) === false) return []
  return [{ path: hostPath, message: `Metrics are served at ${mask(hostPath) ?? quote(host)}, which can be reached from other machines, and nobody has to show who they are: let only your monitoring reach "metrics.port".` }]
}
