import { anywhere, before, type Case, type Promised, toolsOnly } from './promise.ts'

const elsewhere = (outcome: unknown): readonly Case[] => [toolsOnly, [anywhere, outcome]]
const user = (text: string): object => ({ role: 'user', content: { type: 'text', text } })
const assistant = (text: string): object => ({ role: 'assistant', content: { type: 'text', text } })
const text = (uri: string, mimeType: string, content: string): object => ({ result: { contents: [{ uri, mimeType, text: content }] } })
const completed = (values: string[], total = values.length): object => ({ result: { completion: { values, total, hasMore: total > values.length } } })

/** The list of prompts; `more` is what some revisions know of its first. */
function promptsAs (more: object): object[] {
  return [
    { name: 'explain', description: 'Asks for an explanation.', arguments: [{ name: 'topic', required: true }, { name: 'reader', required: true }, { name: 'remark', required: false }], ...more },
    { name: 'review', arguments: [{ name: 'code', required: true }, { name: 'language', required: false }] },
    { name: 'minutes', arguments: [{ name: 'topic', required: true }] },
    { name: 'closed', arguments: [] }
  ]
}

/** Prompts, resources and the completion of their arguments. */
export const prompts: readonly Promised[] = [
  {
    title: 'the prompts with their arguments',
    act: (door) => door.list('prompts'),
    cases: [toolsOnly, [before('2025-06-18'), { result: { prompts: promptsAs({}) } }], [anywhere, { result: { prompts: promptsAs({ title: 'Explain' }) } }]]
  },
  {
    title: 'a template; what is optional and absent is empty',
    act: (door) => door.prompt('explain', { topic: 'tides', reader: 'child' }),
    cases: elsewhere({ result: { description: 'Asks for an explanation.', messages: [user('Explain tides to a child. ')] } })
  },
  {
    title: 'values are put in once and as they are',
    act: (door) => door.prompt('explain', { topic: '{{reader}} $& ${HOME}', reader: 'expert', remark: '{{topic}}' }),
    cases: elsewhere({ result: { description: 'Asks for an explanation.', messages: [user('Explain {{reader}} $& ${HOME} to a expert. {{topic}}')] } })
  },
  {
    title: 'several messages',
    act: (door) => door.prompt('review', { code: 'x = 1', language: 'go' }),
    cases: elsewhere({ result: { messages: [user('Review this go code.'), assistant('Show me.'), user('x = 1')] } })
  },
  {
    title: 'a prompt that a function makes',
    act: (door) => door.prompt('minutes', { topic: 'tides' }),
    cases: elsewhere({ result: { messages: [user('Write the minutes of the meeting about tides.'), assistant('Who was there?')] } })
  }
]

export const resources: readonly Promised[] = [
  {
    title: 'the resources; some clients walk the pages by themselves',
    act: async (door) => {
      const first = await door.list('resources')
      const uris = (outcome: unknown): string[] => JSON.stringify(outcome).match(/(?<="uri":")[^"]+/g) ?? []
      if (uris(first).length !== 5) return { all: uris(first) }
      const { nextCursor } = (first as { result: { nextCursor: string } }).result
      return { first: uris(first), second: uris(await door.list('resources', nextCursor)) }
    },
    cases: [
      [({ client }) => client === 'rest', { all: [] }],
      [({ client }) => client === 'sdk 2', { all: ['notes://welcome', 'data://units', 'data://dot', 'file://notes', 'file://picture', 'made://here', 'made://broken'] }],
      [anywhere, { first: ['notes://welcome', 'data://units', 'data://dot', 'file://notes', 'file://picture'], second: ['made://here', 'made://broken'] }]
    ]
  },
  {
    title: 'the templates',
    act: (door) => door.list('resourceTemplates'),
    cases: elsewhere({
      result: {
        resourceTemplates: [
          { uriTemplate: 'greeting://{language}', name: 'greeting', mimeType: 'text/plain' },
          { uriTemplate: 'units://{quantity}/all', name: 'units of' }
        ]
      }
    })
  },
  { title: 'a text of the configuration', act: (door) => door.read('notes://welcome'), cases: elsewhere(text('notes://welcome', 'text/plain', 'Welcome.')) },
  { title: 'a JSON value of the configuration', act: (door) => door.read('data://units'), cases: elsewhere(text('data://units', 'application/json', '{"units":["m","s"]}')) },
  { title: 'a blob', act: (door) => door.read('data://dot'), cases: elsewhere({ result: { contents: [{ uri: 'data://dot', mimeType: 'image/png', blob: 'iVBORw0KGgo=' }] } }) },
  { title: 'a text file', act: (door) => door.read('file://notes'), cases: elsewhere(text('file://notes', 'text/markdown', '# Notes\n\nA file.\n')) },
  { title: 'a binary file', act: (door) => door.read('file://picture'), cases: elsewhere({ result: { contents: [{ uri: 'file://picture', mimeType: 'image/png', blob: 'iVBORw0KGgo=' }] } }) },
  { title: 'a resource that a function makes', act: (door) => door.read('made://here'), cases: elsewhere(text('made://here', 'application/json', '{"uri":"made://here"}')) },
  { title: 'a template with a function', act: (door) => door.read('greeting://fr'), cases: elsewhere(text('greeting://fr', 'text/plain', 'Bonjour !')) },
  { title: 'a template with a text: its variable is decoded', act: (door) => door.read('units://heat%20%26%20cold/all'), cases: elsewhere(text('units://heat%20%26%20cold/all', 'text/plain', 'Units of heat & cold.')) }
]

export const completions: readonly Promised[] = [
  {
    title: 'the allowed values of an argument',
    act: (door) => door.complete({ type: 'ref/prompt', name: 'explain' }, 'reader', ''),
    cases: elsewhere(completed(['child', 'student', 'expert']))
  },
  {
    title: 'declared values that begin as the user typed, letter case aside',
    act: (door) => door.complete({ type: 'ref/prompt', name: 'review' }, 'language', 'JA'),
    cases: elsewhere(completed(['java', 'javascript']))
  },
  {
    title: 'an argument without values has none',
    act: (door) => door.complete({ type: 'ref/prompt', name: 'explain' }, 'topic', 't'),
    cases: elsewhere(completed([]))
  },
  {
    title: 'the variable of a template',
    act: (door) => door.complete({ type: 'ref/resource', uri: 'greeting://{language}' }, 'language', 'e'),
    cases: elsewhere(completed(['en']))
  },
  {
    title: 'at most a hundred values, and how many there are',
    act: (door) => door.complete({ type: 'ref/resource', uri: 'units://{quantity}/all' }, 'quantity', 'quantity-'),
    cases: elsewhere(completed(Array.from({ length: 100 }, (_, index) => `quantity-${index}`), 120))
  }
]
