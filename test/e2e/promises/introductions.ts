import { anywhere, before, both, keepsNothing, legacy, modern, plain, type Promised, sdk2, toolsOnly } from './promise.ts'

const self = { name: 'gantry-everything', version: '3.2.1', instructions: 'Try everything.' }
const identity = { _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'gantry-everything', version: '3.2.1' } } }
const capabilities = ['completions', 'logging', 'prompts', 'resources', 'tools']

/** How client and server get to know each other. */
export const introductions: readonly Promised[] = [
  {
    title: 'the server says who it is and what it can do',
    act: async (door) => {
      const { revision: _revision, ...introduction } = door.introduction()
      return introduction
    },
    cases: [
      [toolsOnly[0], { name: undefined, version: undefined, instructions: undefined, capabilities: [] }],
      // Without a session there is no level, and so no log messages. 2024-11-05 has completion, and no capability that says so.
      [both(before('2025-03-26'), keepsNothing), { ...self, capabilities: capabilities.slice(2) }],
      [both(legacy, keepsNothing), { ...self, capabilities: capabilities.filter((name) => name !== 'logging') }],
      [before('2025-03-26'), { ...self, capabilities: capabilities.slice(1) }],
      [anywhere, { ...self, capabilities }]
    ]
  },
  {
    title: 'client and server agree on the revision of this door',
    act: async (door) => door.introduction().revision === door.traits.revision,
    cases: [[toolsOnly[0], false], [anywhere, true]]
  },
  {
    title: 'what 2026-07-28 puts around a list is there, and before that it is not',
    act: async (door) => {
      await door.list('resourceTemplates')
      const { resourceTemplates: _list, ...around } = Object(door.last.result) as Record<string, unknown>
      return around
    },
    cases: [
      [both(modern, plain), { ...identity, resultType: 'complete', ttlMs: 300_000, cacheScope: 'public' }],
      // Its client takes the type of the result for itself.
      [both(modern, sdk2), { ...identity, ttlMs: 300_000, cacheScope: 'public' }],
      [anywhere, {}]
    ]
  },
  {
    title: 'and so it is around the result of a tool',
    act: async (door) => {
      await door.call('greet')
      const { content: _content, ...around } = Object(door.last.result) as Record<string, unknown>
      return around
    },
    cases: [
      [both(modern, plain), { ...identity, resultType: 'complete' }],
      [both(modern, sdk2), identity],
      [anywhere, {}]
    ]
  }
]
