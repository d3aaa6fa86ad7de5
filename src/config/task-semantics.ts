import { elements, member, valueAt, type Fault, type Path } from './fault.ts'

/** Only these are functions that get the whole context. */
const starters: readonly unknown[] = ['file', 'registry']

/** Faults between the keys that speak of tasks. */
export function taskFaults (config: unknown): Fault[] {
  return [...elements(member(config, 'tools')).flatMap((tool, index) => startFaults(tool, ['tools', index])), ...boundFaults(config)]
}

function startFaults (tool: unknown, toolPath: Path): Fault[] {
  const start = member(tool, 'taskStart')
  if (start === undefined) return []
  const path: Path = [...toolPath, 'taskStart']
  if (member(tool, 'task') === undefined) return [{ path, message: '"taskStart" says nothing without "task".', suggestion: 'Add "task": "optional", or remove it.', atKey: true }]
  if (start !== 'handler' || starters.includes(valueAt(tool, ['handler', 'type']))) return []
  return [{ path, message: 'Only file and registry handlers can start a task themselves.', suggestion: 'Remove it: the task then starts with the call.' }]
}

const orders = [
  { small: 'maxDuration', large: 'ttl', message: 'A task is kept for less time than it may run: its result would be gone before anybody could ask for it.' },
  { small: 'maxResultSize', large: 'maxTotalSize', message: 'All tasks together may hold less than one result.' }
] as const

function boundFaults (config: unknown): Fault[] {
  const section: Path = ['server', 'tasks']
  return orders.flatMap(({ small, large, message }) => {
    const [least, most] = [valueAt(config, [...section, small]), valueAt(config, [...section, large])]
    if (typeof least !== 'number' || typeof most !== 'number' || most >= least) return []
    return [{ path: [...section, large], message, expected: `at least ${least}, as "${small}" is`, suggestion: `Raise "${large}" to ${least} or more, or lower "${small}".` }]
  })
}
