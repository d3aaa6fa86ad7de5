import t from 'tap'
import type { PromptHandler } from '../../src/core/ports.ts'
import { build, modern, openSession, type Answer, type GantryApp, type JsonObject } from '../helpers/build.ts'

async function get (app: GantryApp, name: string, args?: JsonObject): Promise<Answer> {
  return await modern(app, 'prompts/get', { name, ...(args !== undefined && { arguments: args }) })
}
function messagesOf ({ message }: Answer): unknown { return message.result?.['messages'] }
const user = (text: string): JsonObject => ({ role: 'user', content: { type: 'text', text } })

t.test('placeholders are filled in literally, and once', async (t) => {
  const app = await build(t, {
    prompts: [
      { name: 'greet', description: 'Greets.', arguments: [{ name: 'name', required: true }, { name: 'tone' }], template: 'Greet {{name}} {{ tone }}. {{name}}! {name} {{{name}}}' },
      { name: 'chat', arguments: [{ name: 'a' }], messages: [{ role: 'user', content: 'A: {{a}}' }, { role: 'assistant', content: { type: 'text', text: '{{a}}?' } }, { role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: '{{a}}' } } }] }
    ]
  })
  t.match((await get(app, 'greet', { name: 'Ann', tone: 'kindly' })).message.result, { description: 'Greets.', messages: [user('Greet Ann kindly. Ann! {name} {Ann}')] })
  t.strictSame(messagesOf(await get(app, 'greet', { name: 'Ann' })), [user('Greet Ann . Ann! {name} {Ann}')], 'what is absent is empty')
  for (const tricky of ['{{name}}', '{{tone}}', '$&', '$1', '$`', '\\', '"}]', '${name}', '<script>', 'a\nb', '{{']) {
    t.strictSame(messagesOf(await get(app, 'greet', { name: tricky, tone: 'x' })), [user(`Greet ${tricky} x. ${tricky}! {name} {${tricky}}`)], tricky)
  }
  t.strictSame(messagesOf(await get(app, 'chat', { a: 'x' })), [user('A: x'), { role: 'assistant', content: { type: 'text', text: 'x?' } }, { role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: 'x' } } }])
})

t.test('arguments that do not fit are refused by name', async (t) => {
  const app = await build(t, { server: { protocol: { strictness: 'strict' } }, prompts: [{ name: 'p', arguments: [{ name: 'who', required: true }, { name: 'size', enum: ['S', 'M'] }], template: '{{who}} {{size}}' }] })
  const rows: [args: JsonObject | undefined, words: RegExp][] = [
    [undefined, /who is required/], [{}, /who is required/], [{ who: 5 }, /who must be a string/], [{ who: null }, /who must be a string/], [{ who: ['x'] }, /who must be a string/], [{ who: { toString: 'x' } }, /who must be a string/],
    [{ who: 'x', size: 'L' }, /size must be one of "S", "M"/], [{ who: 'x', size: '' }, /size must be one of/], [{ who: 'x', more: 'y' }, /more is not an argument/], [{ who: 'x', toString: 'y' }, /toString is not an argument/], [{ size: 'L' }, /who is required.*size must be/]
  ]
  for (const [args, words] of rows) t.match((await get(app, 'p', args)).message, { error: { code: -32602, message: words } }, JSON.stringify(args))
  t.strictSame(messagesOf(await get(app, 'p', { who: '', size: 'M' })), [user(' M')], 'an empty text is a text')
})

t.test('what is no prompt, or is asked for in no lawful way, is -32602', async (t) => {
  const app = await build(t, { server: { protocol: { strictness: 'strict' } }, prompts: [{ name: 'p', template: 'x' }] })
  for (const params of [{}, { name: 'missing' }, { name: 5 }, { name: null }, { name: 'P' }, { name: '__proto__' }, { name: 'toString' }, { name: 'p', arguments: [] }, { name: 'p', arguments: null }, { name: 'p', arguments: 'x' }]) {
    t.match((await modern(app, 'prompts/get', params)).message, { error: { code: -32602 } }, JSON.stringify(params))
  }
})

t.test('a handler gives messages, a text or a full result; anything else is an error of the server', async (t) => {
  const outputs: Record<string, [output: unknown, messages: unknown]> = {
    text: ['hello', [user('hello')]],
    list: [[{ role: 'assistant', content: 'hi' }, user('x')], [{ role: 'assistant', content: { type: 'text', text: 'hi' } }, user('x')]],
    full: [{ description: 'D', messages: [{ role: 'user', content: 'x' }], _meta: { a: 1 } }, [user('x')]],
    'empty-list': [[], []],
    number: [5, undefined],
    nothing: [undefined, undefined],
    null: [null, undefined],
    'odd-role': [[{ role: 'system', content: 'x' }], undefined],
    'odd-content': [[{ role: 'user', content: 5 }], undefined],
    'odd-block': [[{ role: 'user', content: { type: 'video' } }], undefined],
    'odd-list': [['x'], undefined],
    'odd-key': [{ messages: [], extra: 1 }, undefined],
    'no-json': [{ messages: [], _meta: { a: 1n } }, undefined]
  }
  const handlers: Record<string, PromptHandler> = Object.fromEntries(Object.entries(outputs).map(([name, [output]]) => [name, async () => output]))
  handlers['fail'] = () => { throw new Error('no ink') }
  handlers['hang'] = () => new Promise(() => {})
  handlers['args'] = (args) => JSON.stringify(args)
  const app = await build(t, { prompts: Object.keys(handlers).map((name) => ({ name, description: 'From the file.', handler: { type: 'registry', name }, arguments: name === 'args' ? [{ name: 'a' }] : [], ...(name === 'hang' && { timeout: 10 }) })) }, { handlers })
  for (const [name, [, messages]] of Object.entries(outputs)) {
    const answer = await get(app, name)
    t.strictSame(messagesOf(answer), messages, name)
    if (messages === undefined) t.match(answer.message, { error: { code: -32603 } }, name)
  }
  t.equal((await get(app, 'text')).message.result?.['description'], 'From the file.')
  t.equal((await get(app, 'full')).message.result?.['description'], 'D')
  t.match((await get(app, 'fail')).message, { error: { code: -32603, message: 'no ink' } })
  t.match((await get(app, 'hang')).message, { error: { code: -32603, message: /did not finish within 10 ms/ } })
  t.strictSame(messagesOf(await get(app, 'args', { a: 'x' })), [user('{"a":"x"}')])
})

t.test('prompts are listed with their arguments, without what is for completion', async (t) => {
  const app = await build(t, { prompts: [{ name: 'p', title: 'P', description: 'D', arguments: [{ name: 'a', title: 'A', description: 'x', required: true, enum: ['1'] }, { name: 'b', complete: ['2'] }], template: '{{a}}{{b}}', _meta: { k: 1 } }, { name: 'q', template: 'x' }] })
  t.strictSame((await modern(app, 'prompts/list')).message.result?.['prompts'], [
    { name: 'p', title: 'P', description: 'D', arguments: [{ name: 'a', title: 'A', description: 'x', required: true }, { name: 'b', required: false }], _meta: { k: 1 } },
    { name: 'q', arguments: [] }
  ])
})

t.test('completion offers what was declared, and says how much there is', async (t) => {
  const many = Array.from({ length: 250 }, (_, n) => `item-${String(n).padStart(3, '0')}`)
  const app = await build(t, {
    prompts: [{ name: 'p', arguments: [{ name: 'size', enum: ['Small', 'small-ish', 'Large'] }, { name: 'city', complete: ['Bern', 'Berlin', 'Basel'] }, { name: 'item', complete: many }, { name: 'free' }], template: 'x' }],
    resources: [{ uriTemplate: 'docs://{lang}/{page}', name: 'docs', content: 'x', complete: { lang: ['de', 'en'] } }]
  })
  const prompt = { type: 'ref/prompt', name: 'p' }
  const template = { type: 'ref/resource', uri: 'docs://{lang}/{page}' }
  const complete = async (ref: unknown, name: unknown, value: unknown): Promise<unknown> => (await modern(app, 'completion/complete', { ref, argument: { name, value }, context: { arguments: { x: 'y' } } })).message.result?.['completion']
  t.strictSame(await complete(prompt, 'size', ''), { values: ['Small', 'small-ish', 'Large'], total: 3, hasMore: false })
  t.strictSame(await complete(prompt, 'size', 'SM'), { values: ['Small', 'small-ish'], total: 2, hasMore: false })
  t.strictSame(await complete(prompt, 'city', 'be'), { values: ['Bern', 'Berlin'], total: 2, hasMore: false })
  t.strictSame(await complete(prompt, 'city', 'zz'), { values: [], total: 0, hasMore: false })
  t.strictSame(await complete(prompt, 'free', ''), { values: [], total: 0, hasMore: false })
  t.strictSame(await complete(prompt, 'item', ''), { values: many.slice(0, 100), total: 250, hasMore: true })
  t.strictSame(await complete(prompt, 'item', 'item-1'), { values: many.slice(100, 200), total: 100, hasMore: false })
  t.strictSame(await complete(template, 'lang', ''), { values: ['de', 'en'], total: 2, hasMore: false })
  t.strictSame(await complete(template, 'page', ''), { values: [], total: 0, hasMore: false })
  for (const name of ['toString', '__proto__', 'missing']) t.strictSame(await complete(prompt, name, ''), { values: [], total: 0, hasMore: false })

  const session = await openSession(app, '2025-06-18')
  t.strictSame((await session.call('completion/complete', { ref: prompt, argument: { name: 'city', value: 'Ba' } })).message.result, { completion: { values: ['Basel'], total: 1, hasMore: false } })
})

t.test('a completion of what is not there is -32602', async (t) => {
  const app = await build(t, { prompts: [{ name: 'p', template: 'x' }], resources: [{ uri: 'a:b', name: 'r', content: 'x' }] })
  const argument = { name: 'x', value: '' }
  const rows: JsonObject[] = [
    {}, { ref: null, argument }, { ref: 'p', argument }, { ref: [], argument }, { ref: {}, argument }, { ref: { type: 'ref/tool', name: 'p' }, argument }, { ref: { type: 'ref/prompt' }, argument }, { ref: { type: 'ref/prompt', name: 'missing' }, argument }, { ref: { type: 'ref/prompt', name: 5 }, argument },
    { ref: { type: 'ref/resource', uri: 'a:b' }, argument }, { ref: { type: 'ref/resource', uri: 5 }, argument }, { ref: { type: 'ref/resource' }, argument },
    { ref: { type: 'ref/prompt', name: 'p' } }, { ref: { type: 'ref/prompt', name: 'p' }, argument: {} }, { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x' } }, { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 5, value: '' } }, { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: null } }, { ref: { type: 'ref/prompt', name: 'p' }, argument: [] }
  ]
  for (const params of rows) t.match((await modern(app, 'completion/complete', params)).message, { error: { code: -32602 } }, JSON.stringify(params))
})
