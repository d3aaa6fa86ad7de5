import t from 'tap'
import type { HandlerContext, ToolHandler } from '../../../src/core/ports.ts'
import { build, modern, openSession, post, rest, textOf, type Answer, type GantryApp, type JsonObject, type RequestOptions } from '../../helpers/build.ts'
import { turn } from '../../helpers/waiting.ts'

const nameForm = { type: 'object', properties: { name: { type: 'string', minLength: 2 } }, required: ['name'] }
const accept = (content: JsonObject = {}): JsonObject => ({ action: 'accept', content })
const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const can = (capabilities: JsonObject): JsonObject => ({ 'io.modelcontextprotocol/clientCapabilities': capabilities })

interface Round { inputResponses?: unknown, requestState?: unknown }

function call (app: GantryApp, name: string, round: Round = {}, { args = {}, capabilities = all, ...options }: RequestOptions & { args?: JsonObject, capabilities?: JsonObject } = {}): Promise<Answer> {
  return modern(app, 'tools/call', { name, arguments: args, ...round }, { ...options, meta: can(capabilities) })
}

function stateOf ({ message }: Answer): string { return String(message.result?.['requestState']) }
function requestsOf ({ message }: Answer): Record<string, JsonObject> { return (message.result?.['inputRequests'] ?? {}) as Record<string, JsonObject> }

/** Goes on from a round that asked something. */
async function goOn (app: GantryApp, name: string, before: Answer, inputResponses: JsonObject, options = {}): Promise<Answer> {
  return await call(app, name, { requestState: stateOf(before), inputResponses }, options)
}

const greet: ToolHandler = async (_args, context) => {
  const { action, content } = await context.elicit('Who are you?', nameForm, { key: 'name' })
  return action === 'accept' ? `Hello ${String(content?.['name'])}` : `No name: ${action}`
}

t.test('a form is asked in one round and answered in the next', async (t) => {
  const app = await build(t, {}, { tools: { greet } })
  const first = await call(app, 'greet')
  t.equal(first.status, 200)
  t.match(first.message, { id: 1, result: { resultType: 'input_required', requestState: String, inputRequests: { name: { method: 'elicitation/create', params: { mode: 'form', message: 'Who are you?', requestedSchema: nameForm } } } } })
  t.strictSame(Object.keys(requestsOf(first)), ['name'])
  for (const key of ['ttlMs', 'cacheScope', 'content', 'isError']) t.notOk(key in (first.message.result ?? {}), key)
  t.match(first.message.result, { _meta: { 'io.modelcontextprotocol/serverInfo': { name: String } } }, 'like every result it says whose it is')
  t.notOk(/"resultType".*"resultType"/.test(first.text), 'and only once what it is')

  const second = await goOn(app, 'greet', first, { name: accept({ name: 'Ann' }) }, { id: 'another' })
  t.match(second.message, { id: 'another', result: { resultType: 'complete', content: [{ text: 'Hello Ann' }] } })
  for (const action of ['decline', 'cancel']) t.equal(textOf(await goOn(app, 'greet', first, { name: { action } })), `No name: ${action}`)
  t.equal(app.core.inFlight.size, 0)
})

t.test('each kind of question can be asked', async (t) => {
  const app = await build(t, {}, {
    tools: {
      page: async (_args, context) => await context.elicitUrl('Please pay', 'https://example.com/pay', { key: 'pay' }),
      think: async (_args, context) => await context.sample([{ role: 'user', content: { type: 'text', text: 'Hi' } }], { maxTokens: 5 }, { key: 'thought' }),
      look: async (_args, context) => ({ roots: await context.roots({ key: 'places' }) })
    }
  })
  const page = await call(app, 'page')
  t.strictSame(requestsOf(page), { pay: { method: 'elicitation/create', params: { mode: 'url', message: 'Please pay', url: 'https://example.com/pay' } } })
  t.strictSame((await goOn(app, 'page', page, { pay: { action: 'accept' } })).message.result?.structuredContent, { action: 'accept' })

  const think = await call(app, 'think')
  t.strictSame(requestsOf(think), { thought: { method: 'sampling/createMessage', params: { maxTokens: 5, messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }] } } })
  const said = { role: 'assistant', content: { type: 'text', text: 'Ho' }, model: 'm' }
  t.strictSame((await goOn(app, 'think', think, { thought: said })).message.result?.structuredContent, said)

  const look = await call(app, 'look')
  t.strictSame(requestsOf(look), { places: { method: 'roots/list', params: {} } })
  t.strictSame((await goOn(app, 'look', look, { places: { roots: [{ uri: 'file:///a' }] } })).message.result?.structuredContent, { roots: [{ uri: 'file:///a' }] })
})

t.test('what is asked together is asked in one round; what was answered is not asked again', async (t) => {
  let entered = 0
  const app = await build(t, {}, {
    tools: {
      many: async (_args, context) => {
        entered++
        const [name, roots, thought] = await Promise.all([context.elicit('Who?', nameForm), context.roots(), context.sample([])])
        return { name, roots, thought }
      }
    }
  })
  const first = await call(app, 'many')
  t.strictSame(Object.entries(requestsOf(first)).map(([key, { method }]) => [key, method]), [['question-1', 'elicitation/create'], ['question-2', 'roots/list'], ['question-3', 'sampling/createMessage']])
  const second = await goOn(app, 'many', first, { 'question-2': { roots: [] }, 'question-1': accept({ name: 'Ann' }) })
  t.strictSame(Object.keys(requestsOf(second)), ['question-3'], 'one was not answered')
  const third = await goOn(app, 'many', second, { 'question-3': { role: 'assistant', content: [], model: 'm' } })
  t.match(third.message.result?.structuredContent, { name: { content: { name: 'Ann' } }, roots: [], thought: { model: 'm' } })
  t.equal(entered, 3)
})

t.test('one question after the other takes one round each, and the state carries the answers', async (t) => {
  const app = await build(t, {}, {
    tools: {
      steps: async (_args, context) => {
        const first = await context.elicit('First?', nameForm, { key: 'step1' })
        await turn() // something else that takes time
        const second = await context.elicit(`Second, ${String(first.content?.['name'])}?`, nameForm)
        const third = await context.elicit('Third?', nameForm)
        return [first, second, third].map(({ content }) => content?.['name']).join(' ')
      }
    }
  })
  const first = await call(app, 'steps')
  const second = await goOn(app, 'steps', first, { step1: accept({ name: 'Ann' }) })
  t.match(requestsOf(second), { 'question-1': { params: { message: 'Second, Ann?' } } })
  t.strictSame(Object.keys(requestsOf(second)), ['question-1'])
  t.not(stateOf(second), stateOf(first))
  const third = await goOn(app, 'steps', second, { 'question-1': accept({ name: 'Bob' }) })
  t.equal(textOf(await goOn(app, 'steps', third, { 'question-2': accept({ name: 'Cid' }) })), 'Ann Bob Cid')
  t.equal(textOf(await goOn(app, 'steps', third, { 'question-2': accept({ name: 'Cid' }), step1: accept({ name: 'Eve' }), 'question-1': accept({ name: 'Eve' }) })), 'Ann Bob Cid', 'what was answered cannot be changed')
  t.strictSame(Object.keys(requestsOf(await goOn(app, 'steps', first, { 'question-2': accept({ name: 'Cid' }) }))), ['step1'], 'an answer that comes too early is not taken for another one')
})

t.test('a question that is asked again under one key is another question', async (t) => {
  const app = await build(t, {}, {
    tools: {
      insist: async (_args, context) => {
        for (;;) {
          const { content } = await context.elicit('The word?', nameForm, { key: 'word' })
          if (content?.['name'] === 'please') return 'thank you'
        }
      }
    }
  })
  const first = await call(app, 'insist')
  const second = await goOn(app, 'insist', first, { word: accept({ name: 'now' }) })
  t.strictSame(Object.keys(requestsOf(second)), ['word-2'])
  t.equal(textOf(await goOn(app, 'insist', second, { 'word-2': accept({ name: 'please' }) })), 'thank you')
})

t.test('answers to nothing are ignored, and wrong keys are asked again', async (t) => {
  const app = await build(t, {}, { tools: { greet, plain: () => 'plain', unnamed: async (_args, context) => await context.elicit('Who?', nameForm) } })
  const first = await call(app, 'greet')
  for (const inputResponses of [{}, { Name: accept({ name: 'Ann' }) }, { other: null }, { __proto__: null, 'name ': 5 }]) {
    const again = await goOn(app, 'greet', first, inputResponses)
    t.strictSame([again.message.result?.['resultType'], Object.keys(requestsOf(again))], ['input_required', ['name']], JSON.stringify(inputResponses))
  }
  t.equal(textOf(await goOn(app, 'greet', first, { name: accept({ name: 'Ann' }), other: 5, 'question-1': null })), 'Hello Ann')
  t.equal(textOf(await call(app, 'greet', { inputResponses: { name: accept({ name: 'Ann' }), other: 5 } })), 'Hello Ann', 'a client that knows the question by its name may answer it at once')
  t.strictSame(Object.keys(requestsOf(await call(app, 'unnamed', { inputResponses: { 'question-1': accept({ name: 'Ann' }) } }))), ['question-1'], 'one without a name has to be asked first')
  t.equal(textOf(await call(app, 'plain', { inputResponses: { other: 1 } })), 'plain')
})

t.test('an answer that is none is an error, not another round', async (t) => {
  const app = await build(t, {}, { tools: { greet } })
  const first = await call(app, 'greet')
  const rows: [inputResponses: unknown, message: RegExp][] = [
    ...[5, null, 'x', true, []].map((inputResponses): [unknown, RegExp] => [inputResponses, /params.inputResponses must be an object/]),
    ...[5, null, 'x', true, []].map((name): [unknown, RegExp] => [{ name }, /The answer to "name" \(elicitation\/create\) must be an object/]),
    ...[{}, { action: 'yes' }, { action: 'ACCEPT', content: { name: 'Ann' } }, { action: null }].map((name): [unknown, RegExp] => [{ name }, /must have the action accept, decline or cancel/]),
    ...[{}, { name: 'A' }, { name: 5 }, { name: null }].map((content): [unknown, RegExp] => [{ name: accept(content) }, /does not fit the form/]),
    ...[null, 'Ann', ['Ann'], 5].map((content): [unknown, RegExp] => [{ name: { action: 'accept', content } }, /content that is an object/])
  ]
  for (const [inputResponses, message] of rows) {
    const answer = await call(app, 'greet', { requestState: stateOf(first), inputResponses })
    t.match([answer.status, answer.message], [200, { id: 1, error: { code: -32602, message } }], JSON.stringify(inputResponses))
  }
  t.equal(app.core.inFlight.size, 0)
})

t.test('a wrong answer ends the call whether the handler likes it or not', async (t) => {
  const stubborn = (before?: () => Promise<unknown>): ToolHandler => async (_args, context) => {
    if (before !== undefined) await before()
    try {
      await context.elicit('Who?', nameForm, { key: 'name' })
    } catch {
      return 'went on'
    }
    return 'was answered'
  }
  const app = await build(t, {}, { tools: { atOnce: stubborn(), later: stubborn(turn) } })
  for (const name of ['atOnce', 'later']) t.match((await goOn(app, name, await call(app, name), { name: 5 })).message, { error: { code: -32602 } }, name)
})

t.test('a handler that asks something else when it runs again is not given the old answer: the client is asked anew', async (t) => {
  let balance = 10
  const given: unknown[] = []
  const app = await build(t, {}, {
    tools: {
      pay: async (_args, context) => {
        const answer = await context.elicit(`Pay ${balance}?`, { type: 'object', properties: { sure: { type: 'boolean' } } }, { key: 'sure' })
        given.push(balance)
        return `${answer.action} ${balance}`
      },
      either: async (_args, context) => {
        const first = await context.elicit('Delete the draft?', nameForm)
        return `${balance > 50 ? (await context.elicit('Delete everything?', nameForm)).action : 'no'} ${first.action}`
      },
      shifting: async (_args, context) => (await (balance > 50 ? context.sample([]) : context.elicit('Delete the draft?', nameForm))) === undefined ? '' : 'answered'
    }
  })
  const first = await call(app, 'pay')
  t.match(requestsOf(first), { sure: { params: { message: 'Pay 10?' } } })
  balance = 1_000
  const second = await goOn(app, 'pay', first, { sure: accept({ sure: true }) })
  t.match(second.message.result, { resultType: 'input_required', inputRequests: { sure: { params: { message: 'Pay 1000?' } } } })
  t.strictSame(given, [])
  t.match(requestsOf(await goOn(app, 'pay', first, { sure: accept({ sure: true }) })), { sure: { params: { message: 'Pay 1000?' } } }, 'and so it is each time')
  t.equal(textOf(await goOn(app, 'pay', second, { sure: accept({ sure: true }) })), 'accept 1000')

  balance = 10
  const draft = await call(app, 'either')
  balance = 1_000
  t.strictSame(Object.entries(requestsOf(await goOn(app, 'either', draft, { 'question-1': accept({ name: 'Ann' }), 'question-2': accept({ name: 'Ann' }) }))).map(([key, { params }]) => [key, (params as JsonObject)['message']]), [['question-2', 'Delete everything?']], 'what was not asked cannot be answered ahead')

  balance = 10
  const form = await call(app, 'shifting')
  balance = 1_000
  t.match(requestsOf(await goOn(app, 'shifting', form, { 'question-1': accept({ name: 'Ann' }) })), { 'question-1': { method: 'sampling/createMessage' } }, 'whatever kind of question it was')
  t.equal(app.core.inFlight.size, 0)
})

t.test('a call that asks without end is ended, and the error says why', async (t) => {
  let time = 0
  const app = await build(t, {}, {
    tools: { late: async (_args, context) => (await context.elicit(`It is ${++time}. Go on?`, nameForm)).action }
  })
  let answer = await call(app, 'late')
  for (let round = 2; round <= 32; round++) answer = await goOn(app, 'late', answer, { 'question-1': accept({ name: 'Ann' }) })
  t.match(requestsOf(answer), { 'question-1': { params: { message: 'It is 32. Go on?' } } })
  const last = await goOn(app, 'late', answer, { 'question-1': accept({ name: 'Ann' }) })
  t.match(last.message.result, { resultType: 'complete', isError: true, content: [{ text: /^There were 32 rounds of questions/ }] })
})

t.test('a state does not grow beyond its bound, and the error says so', async (t) => {
  const app = await build(t, {}, {
    tools: {
      collect: async (_args, context) => {
        for (let count = 0; count < 10; count++) await context.sample([{ role: 'user', content: { type: 'text', text: `Part ${count}` } }])
        return 'done'
      }
    }
  })
  const part = { role: 'assistant', model: 'm', content: { type: 'text', text: 'x'.repeat(200_000) } }
  let answer = await call(app, 'collect')
  let largest = 0
  for (let count = 1; count < 10 && answer.message.result?.['resultType'] === 'input_required'; count++) {
    largest = Math.max(largest, stateOf(answer).length)
    answer = await goOn(app, 'collect', answer, { [`question-${count}`]: part })
  }
  t.ok(largest > 500_000 && largest < 1_048_576, String(largest))
  t.match(answer.message.result, { isError: true, content: [{ text: /bytes as the state of the call/ }] })
})

t.test('a question that no client could be asked is refused when it is put, and the failure says what is wrong with it', async (t) => {
  const app = await build(t, {}, {
    tools: {
      nested: async (_args, context) => await context.elicit('Where?', { type: 'object', properties: { to: { type: 'object', properties: {} } } }),
      broken: async (_args, context) => await context.elicit('Where?', { type: 'object', properties: { to: { type: 'string', minLength: 'long' } } }),
      nowhere: async (_args, context) => await context.elicitUrl('Pay', 'pay.html'),
      mends: async (_args, context) => {
        try {
          return (await context.elicit('Where?', { type: 'object' })).action
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`
        }
      }
    }
  })
  const rows: [tool: string, message: RegExp][] = [['nested', /the field "to" has the type "object"/], ['broken', /The schema of a form is not valid: .*minLength/], ['nowhere', /is no URL/]]
  const session = await openSession(app, '2025-11-25', all)
  for (const [name, message] of rows) {
    t.match((await call(app, name)).message, { result: { isError: true, content: [{ text: message }] } }, name)
    t.match((await session.call('tools/call', { name })).message, { result: { isError: true, content: [{ text: message }] } }, `${name} in a session`)
    t.match((await rest(app, name, {})).body, { code: 'MCP_TOOL_FAILED', detail: message }, `${name} over REST`)
  }
  t.match(textOf(await call(app, 'mends')), /^TypeError: The schema of a form is not valid: its root has to have "properties"/)
})

t.test('what the client cannot do is an error with what it would have to declare', async (t) => {
  const app = await build(t, {}, {
    tools: {
      greet,
      page: async (_args, context) => await context.elicitUrl('Pay', 'https://example.com'),
      think: async (_args, context) => await context.sample([]),
      useTools: async (_args, context) => await context.sample([], { tools: [] }),
      useContext: async (_args, context) => await context.sample([], { includeContext: 'allServers' }),
      look: async (_args, context) => await context.roots(),
      both: async (_args, context) => await Promise.all([context.elicit('Who?', nameForm), context.roots()])
    }
  })
  const rows: [tool: string, capabilities: JsonObject, required: JsonObject][] = [
    ['greet', {}, { elicitation: {} }], ['greet', { sampling: {}, roots: {} }, { elicitation: {} }], ['greet', { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    ['page', { elicitation: {} }, { elicitation: { url: {} } }], ['think', {}, { sampling: {} }], ['useTools', { sampling: {} }, { sampling: { tools: {} } }], ['useContext', { sampling: { tools: {} } }, { sampling: { context: {} } }], ['look', { roots: true }, { roots: {} }], ['both', { elicitation: {} }, { roots: {} }]
  ]
  for (const [name, capabilities, requiredCapabilities] of rows) {
    const { status, message } = await call(app, name, {}, { capabilities })
    t.equal(status, 400, name)
    t.strictSame(message.error?.data, { requiredCapabilities })
    t.match(message, { id: 1, error: { code: -32021 } })
  }
})

t.test('a handler that can do without asks what it can', async (t) => {
  const app = await build(t, {}, {
    tools: {
      careful: async (_args, context) => {
        try {
          return { roots: await context.roots({ key: 'roots' }) }
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'MCP_MISSING_CAPABILITY') throw error
          return await context.elicit('Where, then?', nameForm, { key: 'where' })
        }
      }
    }
  })
  t.strictSame(Object.keys(requestsOf(await call(app, 'careful'))), ['roots'])
  const first = await call(app, 'careful', {}, { capabilities: { elicitation: {} } })
  t.strictSame(Object.keys(requestsOf(first)), ['where'])
  t.match((await goOn(app, 'careful', first, { where: accept({ name: 'here' }) }, { capabilities: { elicitation: {} } })).message.result?.structuredContent, { content: { name: 'here' } })
})

t.test('prompts and resources ask in the same way', async (t) => {
  const handlers = {
    letter: async (args: JsonObject, context: HandlerContext) => `Dear ${String((await context.elicit(`To whom, ${String(args['tone'])}?`, nameForm, { key: 'to' })).content?.['name'])}`,
    page: async (variables: JsonObject, context: HandlerContext) => ({ text: `${String(variables['id'])} for ${String((await context.elicit('Who reads?', nameForm, { key: 'reader' })).content?.['name'])}` })
  }
  const app = await build(t, {
    prompts: [{ name: 'letter', arguments: [{ name: 'tone' }], handler: { type: 'registry', name: 'letter' } }],
    resources: [{ uri: 'test://page', name: 'page', handler: { type: 'registry', name: 'page' } }, { uriTemplate: 'test://pages/{id}', name: 'pages', handler: { type: 'registry', name: 'page' } }]
  }, { handlers })
  const rows: [method: string, params: JsonObject, key: string, done: RegExp, others: JsonObject[]][] = [
    ['prompts/get', { name: 'letter', arguments: { tone: 'warm' } }, 'to', /Dear Ann/, [{ name: 'letter', arguments: { tone: 'cold' } }, { name: 'letter' }]],
    ['resources/read', { uri: 'test://page' }, 'reader', /undefined for Ann/, [{ uri: 'test://pages/1' }]],
    ['resources/read', { uri: 'test://pages/7' }, 'reader', /7 for Ann/, [{ uri: 'test://pages/8' }, { uri: 'test://page' }]]
  ]
  for (const [method, params, key, done, others] of rows) {
    const first = await modern(app, method, params, { meta: can(all) })
    t.strictSame([first.message.result?.['resultType'], Object.keys(requestsOf(first))], ['input_required', [key]])
    for (const hint of ['ttlMs', 'cacheScope', 'messages', 'contents']) t.notOk(hint in (first.message.result ?? {}), hint)
    const round = { requestState: stateOf(first), inputResponses: { [key]: accept({ name: 'Ann' }) } }
    const second = await modern(app, method, { ...params, ...round }, { meta: can(all) })
    t.match(second.text, done)
    t.equal(second.message.result?.['resultType'], 'complete')
    for (const other of others) t.match((await modern(app, method, { ...other, ...round }, { meta: can(all) })).message, { error: { code: -32602, message: /requestState/ } }, JSON.stringify(other))
    t.match((await modern(app, method, { ...params, ...round, inputResponses: { [key]: 5 } }, { meta: can(all) })).message, { error: { code: -32602 } })
    t.match(await modern(app, method, params), { status: 400, message: { error: { code: -32021, data: { requiredCapabilities: { elicitation: {} } } } } })
  }
})

t.test('a resource that a handler reads may ask, too: the round is that of the call', async (t) => {
  const handlers = { page: async (_variables: JsonObject, context: HandlerContext) => ({ text: `for ${String((await context.elicit('Who reads?', nameForm, { key: 'name' })).content?.['name'])}` }) }
  const app = await build(t, { resources: [{ uri: 'test://page', name: 'page', mimeType: 'text/plain', handler: { type: 'registry', name: 'page' } }] }, {
    handlers,
    tools: {
      read: async (_args, context) => {
        const { content } = await context.elicit('Who are you?', nameForm, { key: 'name' })
        return { name: content?.['name'], read: (await context.readResource('test://page')).contents }
      }
    }
  })
  const first = await call(app, 'read')
  t.match(requestsOf(first), { name: { params: { message: 'Who are you?' } } })
  const second = await goOn(app, 'read', first, { name: accept({ name: 'Ann' }) })
  t.match(requestsOf(second), { 'name-2': { params: { message: 'Who reads?' } } })
  t.match((await goOn(app, 'read', second, { 'name-2': accept({ name: 'Bob' }) })).message.result?.structuredContent, { name: 'Ann', read: [{ text: 'for Bob' }] })
  t.match((await goOn(app, 'read', second, { 'name-2': 5 })).message, { error: { code: -32602 } })
  t.match(await call(app, 'read', {}, { capabilities: {} }), { status: 400, message: { error: { code: -32021 } } })
})

t.test('lists, completions and the like never ask', async (t) => {
  const app = await build(t, { prompts: [{ name: 'p', arguments: [{ name: 'a', complete: ['x'] }], template: '{{a}}' }] }, { tools: { greet } })
  const round = { inputResponses: { name: accept({ name: 'Ann' }) }, requestState: 'nonsense' }
  const rows: [method: string, params: JsonObject][] = [
    ['tools/list', {}], ['prompts/list', {}], ['resources/list', {}], ['resources/templates/list', {}], ['server/discover', {}], ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }]
  ]
  for (const [method, params] of rows) t.equal((await modern(app, method, { ...params, ...round }, { meta: can(all) })).message.result?.['resultType'], 'complete', method)
})

t.test('callers over REST are not asked, and the error says so', async (t) => {
  const app = await build(t, {}, { tools: { greet, optional: async (_args, context) => { try { await context.roots(); return 'asked' } catch { return 'did without' } } } })
  const { status, body, text } = await rest(app, 'greet', {})
  t.match([status, body], [500, { code: 'MCP_NOT_AVAILABLE', detail: /REST/ }], text)
  t.notMatch(text, /Who are you|inputRequests/)
  t.match(await rest(app, 'optional', {}), { status: 200 })
})

/** Counts how often a handler was entered. */
async function counting (t: { teardown (fn: () => unknown): unknown }, config: JsonObject = {}, options = {}): Promise<{ app: GantryApp, entered: () => number }> {
  let entered = 0
  const counted: ToolHandler = async (args, context) => { entered++; return await greet(args, context) }
  const app = await build(t, config, { tools: { greet: counted, other: counted }, ...options })
  return { app, entered: () => entered }
}

t.test('a state that is not of this call is refused, and the handler is not entered', async (t) => {
  let now = 1_000_000
  const { app, entered } = await counting(t, {}, { clock: { now: () => now } })
  const args = { seats: 2, to: { city: 'Oslo', day: 'Monday' } }
  const first = await call(app, 'greet', {}, { args })
  const requestState = stateOf(first)
  const inputResponses = { name: accept({ name: 'Ann' }) }
  const rows: [what: string, name: string, requestState: unknown, args: JsonObject][] = [
    ['another tool', 'other', requestState, args], ['other arguments', 'greet', requestState, { ...args, seats: 3 }], ['no arguments', 'greet', requestState, {}], ['more arguments', 'greet', requestState, { ...args, more: 1 }],
    ['changed', 'greet', `${requestState}-TAMPERED`, args], ['cut', 'greet', requestState.slice(0, -1), args], ['none', 'greet', '', args], ['null', 'greet', null, args], ['a number', 'greet', 5, args], ['an object', 'greet', {}, args]
  ]
  const before = entered()
  for (const [what, name, given, sent] of rows) {
    const { status, message } = await call(app, name, { requestState: given, inputResponses }, { args: sent })
    t.match([status, message], [200, { id: 1, error: { code: -32602, message: /requestState is not valid for this call/ } }], what)
  }
  t.equal(entered(), before)
  t.equal(textOf(await call(app, 'greet', { requestState, inputResponses }, { args: { to: { day: 'Monday', city: 'Oslo' }, seats: 2 } })), 'Hello Ann', 'but in another order they are the same')
  now += 600_001
  t.match((await call(app, 'greet', { requestState, inputResponses }, { args })).message, { error: { code: -32602, message: /has expired/ } })
  t.equal(entered(), before + 1)
})

t.test('a state says nothing in a session, and a round cannot be smuggled in there', async (t) => {
  const { app } = await counting(t)
  const first = await call(app, 'greet')
  const legacy = await post(app, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } } })
  const answer = await post(app, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'greet', arguments: {}, requestState: stateOf(first), inputResponses: { name: accept({ name: 'Ann' }) } } }, { 'mcp-session-id': String(legacy.headers['mcp-session-id']) })
  t.match(answer.message, { result: { isError: true, content: [{ text: /not available/ }] } })
})

t.test('two processes with one secret go on with each other\'s rounds; with another secret they do not', async (t) => {
  const [one, two, other, unset] = [await counting(t, {}, { sessionSecret: 'x'.repeat(32) }), await counting(t, {}, { sessionSecret: 'x'.repeat(32) }), await counting(t, {}, { sessionSecret: 'y'.repeat(32) }), await counting(t)]
  const first = await call(one.app, 'greet')
  const answers = { name: accept({ name: 'Ann' }) }
  t.equal(textOf(await goOn(two.app, 'greet', first, answers)), 'Hello Ann')
  for (const { app, entered } of [other, unset]) {
    t.match((await goOn(app, 'greet', first, answers)).message, { error: { code: -32602 } })
    t.equal(entered(), 0)
  }
})

const withDefaults = { type: 'object', properties: { seats: { type: 'integer', default: 1 }, to: { type: 'object', default: {}, properties: { city: { type: 'string', default: 'Oslo' } } } }, additionalProperties: false }

t.test('defaults of the schema change nothing: the client sends the call as it did before, or with them', async (t) => {
  const app = await build(t, { tools: [{ name: 'book', inputSchema: withDefaults }] }, { tools: { book: async ({ seats, to }, context) => `${String((await context.elicit('Who?', nameForm)).content?.['name'])} ${String(seats)} ${JSON.stringify(to)}` } })
  const answers = { 'question-1': accept({ name: 'Ann' }) }
  const first = await call(app, 'book')
  for (const args of [{}, { seats: 1 }, { to: {} }, { to: { city: 'Oslo' }, seats: 1 }]) t.equal(textOf(await goOn(app, 'book', first, answers, { args })), 'Ann 1 {"city":"Oslo"}', JSON.stringify(args))
  t.match((await goOn(app, 'book', first, answers, { args: { seats: 2 } })).message, { error: { code: -32602 } })
})

t.test('a handler that changes its arguments can still be answered', async (t) => {
  const app = await build(t, {}, {
    tools: {
      tidy: async (args, context) => {
        args['limit'] ??= 10
        delete args['noise'];
        (args['list'] as unknown[]).push('more')
        const { content } = await context.elicit('Who?', nameForm)
        return `${String(content?.['name'])} ${JSON.stringify(args)}`
      }
    }
  })
  const args = { noise: 1, list: ['a'] }
  const first = await call(app, 'tidy', {}, { args })
  t.equal(textOf(await goOn(app, 'tidy', first, { 'question-1': accept({ name: 'Ann' }) }, { args })), 'Ann {"list":["a","more"],"limit":10}')
})

t.test('arguments that do not fit are what is wrong with a later round, too', async (t) => {
  const app = await build(t, { tools: [{ name: 'book', inputSchema: withDefaults }] }, { tools: { book: async (_args, context) => await context.elicit('Who?', nameForm) } })
  const { message } = await call(app, 'book', { inputResponses: {} }, { args: { seats: 'two' } })
  t.match(message, { result: { isError: true, content: [{ text: /seats/ }] } })
})

t.test('arguments as deep as a body can hold are refused, not a crash', async (t) => {
  const { app, entered } = await counting(t)
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'greet', arguments: '@', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', ...can(all) } } }).replace('"@"', deep)
  const answer = await post(app, body, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'greet' })
  t.match(answer.message, { error: { code: -32602, message: /nested too deeply/ } })
  t.equal(entered(), 0)
})

t.test('a handler whose call ended in a question can clean up', async (t) => {
  const cleaned: string[] = []
  const app = await build(t, {}, {
    tools: {
      tidy: async (_args, context) => {
        const ask = async (what: string, first: Promise<unknown>): Promise<void> => {
          try {
            await first
            await context.elicit(what, nameForm)
          } catch (error) {
            cleaned.push(`${what}: ${(error as { code?: string }).code ?? ''}`)
            throw error
          }
        }
        // The second comes to its question only after the call has ended with the first one.
        await Promise.all([ask('first', Promise.resolve()), ask('second', context.signal.aborted ? turn() : new Promise((resolve) => { context.signal.addEventListener('abort', () => { setImmediate(resolve) }) }))])
      }
    }
  })
  t.strictSame(Object.keys(requestsOf(await call(app, 'tidy'))), ['question-1'])
  await turn()
  await turn()
  t.strictSame(cleaned, ['first: MCP_INPUT_REQUIRED', 'second: MCP_INPUT_REQUIRED'])
})

t.test('questions that are not awaited harm nobody', async (t) => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', listener)
  t.teardown(() => { process.off('unhandledRejection', listener) })
  const app = await build(t, {}, {
    tools: {
      forgets: async (_args, context) => { void context.elicit('Never mind', nameForm); await turn(); return 'done' },
      late: (_args, context) => { setImmediate(() => { void context.elicit('Too late', nameForm) }); return 'done' },
      inTurn: async (_args, context) => {
        const first = context.elicit('One', nameForm, { key: 'one' })
        const second = context.elicit('Two', nameForm, { key: 'two' })
        return [await first, await second]
      }
    }
  })
  t.equal(textOf(await call(app, 'late')), 'done')
  await call(app, 'forgets')
  const first = await call(app, 'inTurn')
  t.strictSame(Object.keys(requestsOf(first)), ['one', 'two'])
  t.match((await goOn(app, 'inTurn', first, { one: 5, two: 6 })).message, { error: { code: -32602 } })
  await turn()
  await turn()
  t.strictSame(unhandled, [])
})

t.test('keys that reach for a prototype are keys like any other', async (t) => {
  const app = await build(t, {}, { tools: { odd: async ({ key }, context) => await context.elicit('Who?', nameForm, { key: String(key) }) } })
  for (const key of ['__proto__', 'constructor', 'toString', '', ' ', 'ü']) {
    const first = await call(app, 'odd', {}, { args: { key } })
    t.match(first.text, `"inputRequests":{${JSON.stringify(key)}:{`, key)
    t.equal(Object.getPrototypeOf(requestsOf(first)), Object.prototype)
  }
})

t.test('progress and log messages come before the question, on the stream of the call', async (t) => {
  const app = await build(t, {}, { tools: { talk: async (_args, context) => { context.progress(1); await context.elicit('Who?', nameForm); return 'x' } } })
  const answer = await modern(app, 'tools/call', { name: 'talk' }, { meta: { ...can(all), progressToken: 'p' } })
  t.match(answer.messages, [{ method: 'notifications/progress' }, { id: 1, result: { resultType: 'input_required' } }])
  t.notMatch(answer.text, /^id:/m, 'streams of this era cannot be resumed')
  t.notOk(answer.messages.some((message) => message.method !== undefined && 'id' in message), 'and carry no requests')
})
