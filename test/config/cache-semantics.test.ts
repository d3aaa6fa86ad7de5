import t from 'tap'
import { loadValue, pathsOf, soundTool } from '../helpers/load-text.ts'

const rule = { ttl: 60 }

t.test('rules that can be kept load, with the values that nothing is said of', async (t) => {
  const { faults, notices, config } = await loadValue(t, {
    tools: [
      soundTool('a', { cache: { scope: 'shared', tags: ['x'], staleWhileRevalidate: 5, staleIfError: 10 } }), soundTool('b', { annotations: { readOnlyHint: true } }),
      soundTool('c', { invalidates: ['x', 'a', 'b'] }), soundTool('d', { annotations: { readOnlyHint: false } }), soundTool('e')
    ],
    caching: { tools: { e: {} } }
  })
  t.strictSame([faults, notices], [[], []])
  t.match(config, { caching: { enabled: true, ttl: 300, maxSize: 1000, maxBytes: 67_108_864, maxValueBytes: 1_048_576, tools: { e: { enabled: true } } }, tools: [{ cache: { enabled: true, scope: 'shared' } }] })
  t.strictSame((await loadValue(t, { redis: {}, caching: { store: 'redis' } })).faults, [])
  t.match((await loadValue(t, { caching: { store: 'redis' } }, { env: { REDIS_URL: 'redis://127.0.0.1' } })).config, { caching: { store: 'redis' } })
  t.strictSame((await loadValue(t, { tools: [soundTool('a', { annotations: { readOnlyHint: false }, cache: { enabled: false } })] })).faults, [])
})

t.test('what a rule cannot mean is a fault, where it stands', async (t) => {
  const { faults } = await loadValue(t, {
    tools: [
      soundTool('twice', { cache: rule }),
      soundTool('writes', { annotations: { readOnlyHint: false }, cache: rule }),
      soundTool('destroys', { annotations: { destructiveHint: true } }),
      soundTool('later', { task: 'required', cache: rule }),
      soundTool('both', { cache: rule, invalidates: ['twice'] }),
      soundTool('drops', { invalidates: ['twcie', 'files'] }),
      soundTool('odd', { cache: { scope: 'all', tags: ['a b'], staleIfError: -1 } })
    ],
    caching: { store: 'redis', maxSize: 0, tools: { twice: rule, destroys: rule, desroys: rule } }
  })
  t.strictSame(pathsOf(faults).sort(), [
    '$.caching.maxSize', '$.caching.store', '$.caching.tools.desroys', '$.caching.tools.destroys', '$.tools[0].cache', '$.tools[1].cache', '$.tools[3].cache', '$.tools[4].cache',
    '$.tools[5].invalidates[0]', '$.tools[5].invalidates[1]', '$.tools[6].cache.scope', '$.tools[6].cache.staleIfError', '$.tools[6].cache.tags[0]'
  ])
  const at = (path: string): object | undefined => faults.find((_fault, index) => pathsOf(faults)[index] === path)
  t.match(at('$.tools[0].cache'), { message: 'This tool has a rule twice: the other is $.caching.tools.twice.', line: Number })
  t.match(at('$.caching.tools.desroys'), { suggestion: 'Did you mean "destroys"?' })
  t.match(at('$.tools[5].invalidates[0]'), { message: 'No tool has the tag or the name "twcie": this drops nothing.', suggestion: 'Did you mean "twice"?' })
  t.match(at('$.tools[3].cache'), { message: /Every call of the tool "later" is a task/ })
})

t.test('what is not kept though one might believe it is said', async (t) => {
  const messages = async (config: object): Promise<string[]> => (await loadValue(t, config)).notices.map(({ message }) => message)
  t.match(await messages({ tools: [soundTool('a'), soundTool('b', { annotations: { readOnlyHint: true } }), soundTool('c')], caching: {} }), [/^Results of "a", "c" are not kept: nothing says that these tools only read\. /])
  t.match(await messages({ tools: 'abcdefg'.split('').map((name) => soundTool(name)), caching: { enabled: true } }), [/^Results of "a", "b", "c", "d", "e" and 2 more are not kept/])
  t.strictSame(await messages({ tools: [soundTool('a', { cache: rule })], caching: { enabled: false } }), ['"caching.enabled" is false: results of this tool are not kept.'])
  t.strictSame(await messages({ tools: [soundTool('a')] }), [])
})

t.test('a section that is no section, and rules that are none, are faults of their own and nothing else', async (t) => {
  for (const caching of [null, [], 'on', { tools: [] }, { tools: { a: 1 } }, { enabled: 'maybe' }]) {
    const { faults } = await loadValue(t, { caching, tools: [soundTool('a', { invalidates: ['a'] })] })
    t.ok(faults.length === 1 && pathsOf(faults)[0]?.startsWith('$.caching'), JSON.stringify([caching, faults]))
  }
  for (const more of [{ cache: 1 }, { cache: { tags: 'x' } }, { invalidates: 'x' }, { invalidates: [1] }, { cache: {}, annotations: 5 }]) {
    const { faults } = await loadValue(t, { tools: [soundTool('a', more)] })
    t.ok(faults.length === 1, JSON.stringify([more, faults]))
  }
})
