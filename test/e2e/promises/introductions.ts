import { anywhere, before, type Promised, toolsOnly } from './promise.ts'

const self = { name: 'gantry-everything', version: '3.2.1', instructions: 'Try everything.' }
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
      // 2024-11-05 has completion, and no capability that says so.
      [before('2025-03-26'), { ...self, capabilities: capabilities.slice(1) }],
      [anywhere, { ...self, capabilities }]
    ]
  },
  {
    title: 'client and server agree on the revision of this door',
    act: async (door) => door.introduction().revision === door.traits.revision,
    cases: [[toolsOnly[0], false], [anywhere, true]]
  }
]
