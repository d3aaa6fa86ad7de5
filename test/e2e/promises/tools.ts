import { isObject, type Door } from '../doors/door.ts'
import { anywhere, before, both, everywhere, failed, inSessions, keepsNothing, legacy, overRest, overStdio, type Promised, refused, said, sdk2, structured } from './promise.ts'

const sound = { type: 'audio', mimeType: 'audio/wav', data: 'UklGRg==' }

/** What calling a tool gives, whatever its handler is. */
export const tools: readonly Promised[] = [
  {
    title: 'a file: what its function returns is the text and the structured content',
    act: (door) => door.call('add', { a: 19, b: 23 }),
    cases: structured({ sum: 42 })
  },
  {
    title: 'a file: a string is the text, and defaults of the schema are filled in',
    act: (door) => door.call('greet', { times: 2 }),
    cases: everywhere(said('Hello, world! Hello, world!'))
  },
  {
    title: 'a call without arguments is a call with none',
    act: (door) => door.call('greet'),
    cases: everywhere(said('Hello, world!'))
  },
  {
    title: 'a list under an output schema is structured content; before 2026 inside of an object',
    act: (door) => door.call('numbers', { count: 3 }),
    cases: structured([1, 2, 3])
  },
  {
    title: 'a full result goes out as it is, but for content that the revision does not know',
    act: (door) => door.call('blocks'),
    cases: [
      // Without a session, and before its header came, nobody can know of a revision before 2025-03-26.
      [both(keepsNothing, before('2025-06-18')), blocksWith(sound, { type: 'text', text: 'memo 2: memo://2' })],
      [before('2025-03-26'), blocksWith({ type: 'resource', resource: { uri: 'data:audio', mimeType: 'audio/wav', blob: 'UklGRg==' } }, { type: 'text', text: 'memo 2: memo://2' })],
      [before('2025-06-18'), blocksWith(sound, { type: 'text', text: 'memo 2: memo://2' })],
      [anywhere, blocksWith(sound, { type: 'resource_link', uri: 'memo://2', name: 'memo 2', mimeType: 'text/plain' })]
    ]
  },
  {
    title: 'a handler is told which tool it is, for whom and in which session',
    act: (door) => door.call('facts'),
    cases: [
      ...structured({ tool: 'facts', caller: 'local', hasRequestId: true, hasSession: false }, overStdio),
      ...structured({ tool: 'facts', caller: 'anonymous', hasRequestId: true, hasSession: true }, inSessions),
      ...structured({ tool: 'facts', caller: 'anonymous', hasRequestId: true, hasSession: false })
    ]
  },
  {
    title: 'a handler reads a resource of its own server',
    act: (door) => door.call('read-note'),
    cases: everywhere(said('Welcome.'))
  },
  {
    title: 'inline code, an expression',
    act: (door) => door.call('shout', { text: 'fire' }),
    cases: everywhere(said('FIRE!'))
  },
  {
    title: 'inline code, the body of a function',
    act: (door) => door.call('total', { values: [1, 2, 39] }),
    cases: structured({ total: 42, tool: 'total' })
  },
  {
    title: 'inline code reaches nothing of the host',
    act: (door) => door.call('inline-reach'),
    cases: everywhere(said('undefined,function,undefined'))
  },
  {
    title: 'an HTTP GET: arguments keep their place in path and header',
    act: (door) => door.call('user', { id: '..a/b c?d#e%2F', token: 'abc' }),
    cases: structured({ id: '..a/b c?d#e%2F', authorization: 'Bearer abc' })
  },
  {
    title: 'an HTTP GET: arguments that the URL does not use are the query',
    act: (door) => door.call('search', { q: 'a&b=c' }),
    cases: structured({ q: 'a&b=c', page: '1' })
  },
  {
    title: 'an HTTP POST: the arguments are the body, and a transform makes the result',
    act: (door) => door.call('create-user', { name: 'Ada', age: 36 }),
    cases: structured({ status: 201, name: 'Ada', age: 36 })
  },
  {
    title: 'a registered function gets the arguments as they came',
    act: (door) => door.call('echo', { deep: [{ null: null }], text: 'ÄÖ 🙂 \u2028', number: -0.5 }),
    cases: structured({ deep: [{ null: null }], text: 'ÄÖ 🙂 \u2028', number: -0.5 })
  },
  {
    title: 'a result that fails, as its handler reports it',
    act: (door) => door.call('report'),
    cases: failed('Nothing was found.', 422, 'MCP_TOOL_REPORTED')
  },
  {
    title: 'the list has all tools in the order of the file',
    act: async (door) => (await walk(door)).map((tool) => tool['name']),
    cases: everywhere([
      'add', 'greet', 'numbers', 'blocks', 'facts', 'read-note', 'fail', 'reject', 'report', 'misfit', 'never', 'print', 'steps', 'acknowledge', 'chat', 'wait', 'wait-loudly',
      'until', 'release', 'wait-for-signal', 'wait-loudly-for-signal', 'meet', 'shout', 'total', 'inline-reports', 'inline-print', 'inline-fail', 'inline-endless', 'inline-reach', 'user', 'search',
      'create-user', 'missing', 'echo'
    ])
  },
  {
    title: 'the list describes a tool with its schemas, as the revision knows them',
    act: async (door) => (await walk(door))[0],
    cases: [
      // Without a session or a header, a client is taken for one of 2025-03-26.
      [both(before('2025-03-26'), keepsNothing), addAs({ annotations: { readOnlyHint: true } })],
      [before('2025-03-26'), addAs({})],
      [before('2025-06-18'), addAs({ annotations: { readOnlyHint: true } })],
      [anywhere, addAs({ title: 'Add', annotations: { readOnlyHint: true }, outputSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'], additionalProperties: false } })]
    ]
  },
  {
    title: 'an output schema that is no object is shown as before 2026 its content comes',
    act: async (door) => (await walk(door))[2]?.['outputSchema'],
    cases: [
      [before('2025-06-18'), undefined],
      [legacy, { type: 'object', properties: { result: { type: 'array', items: { type: 'integer' } } }, required: ['result'] }],
      [anywhere, { type: 'array', items: { type: 'integer' } }]
    ]
  },
  {
    title: 'a list has pages; some clients walk them by themselves',
    act: async (door) => {
      const page = await door.list('tools')
      return 'result' in page && isObject(page.result) && Array.isArray(page.result['tools']) ? page.result['tools'].length : page
    },
    cases: [[overRest, 34], [sdk2, 34], [anywhere, 5]]
  },
  {
    title: 'a cursor that no list gave is refused',
    act: (door) => door.list('tools', 'bm9uZQ'),
    cases: [
      [overRest, { impossible: 'GET /tools has no pages' }],
      [anywhere, refused(-32602, 'The cursor is not one that this list returned: start again without a cursor.')]
    ]
  }
]

function blocksWith (audio: object, link: object): object {
  return {
    result: {
      content: [
        { type: 'text', text: 'A text.' },
        { type: 'image', mimeType: 'image/png', data: 'iVBORw==' },
        audio,
        { type: 'resource', resource: { uri: 'memo://1', mimeType: 'text/plain', text: 'A memo.' } },
        link
      ],
      _meta: { 'example.com/pages': 5 }
    }
  }
}

function addAs (more: object): object {
  return {
    name: 'add',
    description: 'Adds.',
    inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'], additionalProperties: false },
    ...more
  }
}

/** Every tool, page by page. */
async function walk (door: Door): Promise<Record<string, unknown>[]> {
  const tools: Record<string, unknown>[] = []
  let cursor: string | undefined
  do {
    const page = await door.list('tools', cursor)
    if (!('result' in page) || !isObject(page.result)) throw new Error(`There is no list: ${JSON.stringify(page)}`)
    tools.push(...page.result['tools'] as typeof tools)
    cursor = page.result['nextCursor'] as string | undefined
  } while (cursor !== undefined)
  return tools
}
