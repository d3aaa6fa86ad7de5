import type { Door } from '../doors/door.ts'
import { notInThisEra } from './reports.ts'
import { anywhere, both, everywhere, failed, legacy, modern, overHttp, overRest, type Promised, refused, sdk2, toolsOnly } from './promise.ts'

/** What goes wrong, and in which words it is told. */
export const faults: readonly Promised[] = [
  {
    title: 'an unknown tool',
    act: (door) => door.call('nothing'),
    cases: [
      [overRest, { problem: { status: 404, code: 'MCP_TOOL_UNKNOWN', detail: 'Unknown tool: nothing' } }],
      [anywhere, refused(-32602, 'Unknown tool: nothing')]
    ]
  },
  {
    title: 'arguments that do not fit: each path and what is expected there',
    act: (door) => door.call('greet', { name: 7, times: 9, mood: 'good' }),
    cases: failed('Invalid arguments for greet:\n- /mood: is not a known property\n- /name: must be string, but is a number\n- /times: must be <= 3', 400, 'MCP_ARGUMENTS_INVALID', {
      errors: [
        { path: '/mood', message: 'is not a known property' },
        { path: '/name', message: 'must be string, but is a number' },
        { path: '/times', message: 'must be <= 3' }
      ]
    })
  },
  {
    title: 'arguments that are missing',
    act: (door) => door.call('add'),
    cases: failed('Invalid arguments for add:\n- /a: is required\n- /b: is required', 400, 'MCP_ARGUMENTS_INVALID', {
      errors: [{ path: '/a', message: 'is required' }, { path: '/b', message: 'is required' }]
    })
  },
  {
    title: 'a handler that throws: its own words, and no stack',
    act: (door) => door.call('fail'),
    cases: failed('The disk is full.', 500, 'MCP_TOOL_FAILED')
  },
  {
    title: 'a handler that rejects: its own words, and nothing else that the error carries',
    act: (door) => door.call('reject'),
    cases: failed('The tape is torn.', 500, 'MCP_TOOL_FAILED')
  },
  {
    title: 'a handler that takes too long',
    act: (door) => door.call('never'),
    cases: failed('never did not finish within 40 ms.', 504, 'MCP_TOOL_TIMEOUT')
  },
  {
    title: 'a result that does not fit its output schema',
    act: (door) => door.call('misfit'),
    cases: failed('misfit returned a result that does not fit its declared output:\n- /sum: must be number, but is a string', 500, 'MCP_TOOL_OUTPUT_INVALID', {
      errors: [{ path: '/sum', message: 'must be number, but is a string' }]
    })
  },
  {
    title: 'inline code that throws',
    act: (door) => door.call('inline-fail'),
    cases: failed('Inside, too.', 500, 'MCP_TOOL_FAILED')
  },
  {
    title: 'inline code that never ends is stopped',
    act: (door) => door.call('inline-endless'),
    cases: failed('inline-endless did not finish within 60 ms.', 504, 'MCP_TOOL_TIMEOUT')
  },
  {
    title: 'an HTTP API that answers with an error',
    // The port of the API is another each time.
    act: async (door) => JSON.parse(JSON.stringify(await door.call('missing')).replace(/127\.0\.0\.1:\d+/, 'api')) as unknown,
    cases: failed('missing: GET http://api answered 404: There is no such thing.', 500, 'MCP_TOOL_FAILED')
  },
  {
    title: 'an argument that would lead out of its place in a path',
    act: (door) => door.call('user', { id: '../admin' }),
    cases: failed('Invalid arguments for user:\n- /id: cannot hold "." or ".." as a step of a path', 400, 'MCP_ARGUMENTS_INVALID', {
      errors: [{ path: '/id', message: 'cannot hold "." or ".." as a step of a path' }]
    })
  },
  {
    title: 'an unknown prompt',
    act: (door) => door.prompt('nothing'),
    cases: [toolsOnly, [anywhere, refused(-32602, 'Unknown prompt: nothing')]]
  },
  {
    title: 'a prompt whose arguments do not fit',
    act: (door) => door.prompt('explain', { reader: 'cat' }),
    cases: [toolsOnly, [anywhere, refused(-32602, 'Invalid arguments for the prompt explain: topic is required; reader must be one of "child", "student", "expert".')]]
  },
  {
    title: 'a prompt whose handler fails',
    act: (door) => door.prompt('closed'),
    cases: [toolsOnly, [anywhere, refused(-32603, 'The archive is closed.')]]
  },
  {
    title: 'an unknown resource',
    act: (door) => door.read('nothing://here'),
    cases: [
      toolsOnly,
      // The second SDK has one number for both eras.
      [both(legacy, sdk2), refused(-32602, 'Resource not found: nothing://here')],
      [legacy, refused(-32002, 'Resource not found: nothing://here')],
      [anywhere, refused(-32602, 'Resource not found: nothing://here')]
    ]
  },
  {
    title: 'a resource whose handler finds nothing',
    act: (door) => door.read('greeting://xx'),
    cases: [
      toolsOnly,
      // The second SDK has one number for both eras.
      [both(legacy, sdk2), refused(-32602, 'Resource not found: greeting://xx')],
      [legacy, refused(-32002, 'Resource not found: greeting://xx')],
      [anywhere, refused(-32602, 'Resource not found: greeting://xx')]
    ]
  },
  {
    title: 'a resource whose handler fails',
    act: (door) => door.read('made://broken'),
    cases: [toolsOnly, [anywhere, refused(-32603, 'The archive is closed.')]]
  },
  {
    title: 'a completion for what is not there',
    act: (door) => door.complete({ type: 'ref/prompt', name: 'nothing' }, 'topic', ''),
    cases: [toolsOnly, [anywhere, refused(-32602, 'Unknown prompt: nothing')]]
  },
  {
    title: 'an unknown method',
    act: async (door) => JSON.parse(JSON.stringify(await door.request('nothing/at-all')).replace(/\\"id\\":\d+/, '\\"id\\":7')) as unknown,
    cases: [
      toolsOnly,
      // 2026-07-28 wants a 404, which the second SDK takes for a server that is not there; it shows the whole answer.
      [both(modern, sdk2, overHttp), { error: { code: 'CLIENT_HTTP_NOT_IMPLEMENTED', message: 'Error POSTing to endpoint: {"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found: nothing/at-all"}}' } }],
      [anywhere, refused(-32601, 'Method not found: nothing/at-all')]
    ]
  },
  {
    title: 'ping, which 2026-07-28 has no more',
    act: (door) => door.request('ping'),
    cases: [
      toolsOnly,
      [legacy, { result: {} }],
      [both(modern, sdk2), notInThisEra('ping')],
      [modern, refused(-32601, 'Method not found: ping')]
    ]
  },
  {
    title: 'after all this the door still works',
    act: (door: Door) => door.call('greet', { name: 'again' }),
    cases: everywhere({ result: { content: [{ type: 'text', text: 'Hello, again!' }] } })
  }
]
