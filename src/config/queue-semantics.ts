import { elements, member, type Fault } from './fault.ts'

/** A tool whose calls never wait has no queue. */
export function queueFaults (config: unknown): Fault[] {
  return elements(member(config, 'tools')).flatMap((tool, index) => {
    if (member(tool, 'maxQueue') === undefined || member(tool, 'maxConcurrent') !== undefined) return []
    return [{ path: ['tools', index, 'maxQueue'], message: '"maxQueue" says nothing without "maxConcurrent".', suggestion: 'Add "maxConcurrent", or remove it.', atKey: true }]
  })
}
