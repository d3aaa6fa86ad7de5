import t from 'tap'
import { formInquiry, readAnswer, requireCapability, requireLegacyCapability, rootsInquiry, samplingInquiry, urlInquiry, writeInquiry, type Inquiry } from '../../src/core/inquiry.ts'
import type { JsonObject } from '../../src/core/ports.ts'

const schema = { type: 'object', properties: { name: { type: 'string', minLength: 2 }, age: { type: 'integer', minimum: 0, default: 30 }, mail: { type: 'string', format: 'email' } }, required: ['name'] }
const form = formInquiry('Who are you?', schema, '2026-07-28')
const page = urlInquiry('Please pay', 'https://example.com/pay', '2026-07-28')
const sampling = samplingInquiry([{ role: 'user', content: { type: 'text', text: 'Hi' } }], {})

t.test('each question is written as its revision has it', async (t) => {
  t.strictSame(form, { method: 'elicitation/create', params: { mode: 'form', message: 'Who are you?', requestedSchema: schema } })
  t.strictSame(formInquiry('Who are you?', schema, '2025-11-25').params['mode'], 'form')
  t.notOk('mode' in formInquiry('Who are you?', schema, '2025-06-18').params, 'before 2025-11-25 there is one mode, without a name')
  t.strictSame(page, { method: 'elicitation/create', params: { mode: 'url', message: 'Please pay', url: 'https://example.com/pay' } }, 'in 2026 the key names it')
  t.match(urlInquiry('Please pay', 'https://example.com/pay', '2025-11-25').params, { elicitationId: /^[0-9a-f-]{36}$/ })
  t.not(urlInquiry('m', 'u', '2025-11-25').params['elicitationId'], urlInquiry('m', 'u', '2025-11-25').params['elicitationId'])
  t.strictSame(samplingInquiry([], { maxTokens: 5, temperature: 0, messages: ['not these'] }), { method: 'sampling/createMessage', params: { maxTokens: 5, temperature: 0, messages: [] } })
  t.equal(sampling.params['maxTokens'], 1_000)
  t.strictSame(rootsInquiry, { method: 'roots/list', params: {} })
})

t.test('a question needs what it needs of the client, and the error says what that is', async (t) => {
  const withTools = samplingInquiry([], { tools: [] })
  const withChoice = samplingInquiry([], { toolChoice: { mode: 'auto' } })
  const withContext = samplingInquiry([], { includeContext: 'thisServer' })
  const rows: [what: string, inquiry: Inquiry, capabilities: JsonObject, required?: JsonObject][] = [
    ['roots', rootsInquiry, { roots: {} }],
    ['roots', rootsInquiry, { roots: { listChanged: true } }],
    ['roots', rootsInquiry, {}, { roots: {} }],
    ['roots', rootsInquiry, { roots: true }, { roots: {} }],
    ['roots', rootsInquiry, { roots: null }, { roots: {} }],
    ['roots', rootsInquiry, { roots: [] }, { roots: {} }],
    ['sampling', sampling, { sampling: {} }],
    ['sampling', sampling, { elicitation: {} }, { sampling: {} }],
    ['sampling with tools', withTools, { sampling: { tools: {} } }],
    ['sampling with tools', withTools, { sampling: {} }, { sampling: { tools: {} } }],
    ['sampling with tools', withTools, { sampling: { tools: false } }, { sampling: { tools: {} } }],
    ['sampling with a choice of tools', withChoice, { sampling: {} }, { sampling: { tools: {} } }],
    ['sampling with context', withContext, { sampling: { context: {} } }],
    ['sampling with context', withContext, { sampling: {} }, { sampling: { context: {} } }],
    ['sampling with context', withContext, { sampling: { context: true, tools: {} } }, { sampling: { context: {} } }],
    ['sampling with all context', samplingInquiry([], { includeContext: 'allServers' }), { sampling: {} }, { sampling: { context: {} } }],
    ['sampling with a context that nobody knows', samplingInquiry([], { includeContext: 5 }), { sampling: {} }, { sampling: { context: {} } }],
    ['sampling with no context', samplingInquiry([], { includeContext: 'none' }), { sampling: {} }],
    ['a form', form, { elicitation: {} }],
    ['a form', form, { elicitation: { form: {} } }],
    ['a form', form, { elicitation: { form: {}, url: {} } }],
    ['a form', form, { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    ['a form', form, {}, { elicitation: {} }],
    ['a form', form, { elicitation: 'yes' }, { elicitation: {} }],
    ['a page', page, { elicitation: { url: {} } }],
    ['a page', page, { elicitation: {} }, { elicitation: { url: {} } }],
    ['a page', page, { elicitation: { form: {} } }, { elicitation: { url: {} } }],
    ['a page', page, { elicitation: { url: true } }, { elicitation: { url: {} } }]
  ]
  for (const [what, inquiry, capabilities, required] of rows) {
    const shown = `${what} with ${JSON.stringify(capabilities)}`
    if (required === undefined) t.doesNotThrow(() => { requireCapability(inquiry, capabilities, '2026-07-28') }, shown)
    else t.throws(() => { requireCapability(inquiry, capabilities, '2026-07-28') }, { code: 'MCP_MISSING_CAPABILITY', rpcCode: -32021, status: 400, data: { requiredCapabilities: required } }, shown)
  }
})

t.test('before 2026 a question that the client or its revision does not have is not available', async (t) => {
  const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
  const legacyForm = formInquiry('m', schema, '2025-06-18')
  for (const revision of ['2024-11-05', '2025-03-26'] as const) t.throws(() => { requireLegacyCapability(legacyForm, all, revision) }, { code: 'MCP_NOT_AVAILABLE', message: new RegExp(`revision ${revision} does not have it`) })
  t.doesNotThrow(() => { requireLegacyCapability(legacyForm, all, '2025-06-18') })
  t.throws(() => { requireLegacyCapability(page, all, '2025-06-18') }, { code: 'MCP_NOT_AVAILABLE' }, 'pages came with 2025-11-25')
  t.doesNotThrow(() => { requireLegacyCapability(page, all, '2025-11-25') })
  for (const revision of ['2024-11-05', '2025-11-25'] as const) {
    t.doesNotThrow(() => { requireLegacyCapability(sampling, all, revision) })
    t.throws(() => { requireLegacyCapability(sampling, {}, revision) }, { code: 'MCP_NOT_AVAILABLE', message: /did not declare the capability that it needs \(sampling\)/ })
  }
  const withContext = samplingInquiry([], { includeContext: 'allServers' })
  t.doesNotThrow(() => { requireLegacyCapability(withContext, { sampling: {} }, '2025-06-18') }, 'there was no capability of its own for it')
  t.throws(() => { requireLegacyCapability(withContext, { sampling: {} }, '2025-11-25') }, { code: 'MCP_NOT_AVAILABLE', message: /\(sampling\.context\)/ })
  t.doesNotThrow(() => { requireLegacyCapability(withContext, { sampling: { context: {} } }, '2025-11-25') })
})

t.test('an answer that is one is given to the handler', async (t) => {
  const rows: [inquiry: Inquiry, answer: unknown, read: unknown][] = [
    [form, { action: 'accept', content: { name: 'Ann', age: 5 } }, { action: 'accept', content: { name: 'Ann', age: 5 } }],
    [form, { action: 'accept', content: { name: 'Ann' }, extra: 1 }, { action: 'accept', content: { name: 'Ann', age: 30 } }],
    [form, { action: 'decline' }, { action: 'decline' }],
    [form, { action: 'cancel', content: 5 }, { action: 'cancel' }],
    [page, { action: 'accept' }, { action: 'accept' }],
    [page, { action: 'accept', content: { anything: 1 } }, { action: 'accept' }],
    [sampling, { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } }, { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } }],
    [sampling, { role: 'assistant', model: 'm', content: [], stopReason: 'endTurn' }, { role: 'assistant', model: 'm', content: [], stopReason: 'endTurn' }],
    [rootsInquiry, { roots: [] }, []],
    [rootsInquiry, { roots: [{ uri: 'file:///a', name: 'a' }] }, [{ uri: 'file:///a', name: 'a' }]]
  ]
  for (const [inquiry, answer, read] of rows) t.strictSame(readAnswer('key', inquiry, answer), read, JSON.stringify(answer))
})

t.test('anything else is refused, by the name of its question', async (t) => {
  const rows: [inquiry: Inquiry, answer: unknown][] = [
    ...[undefined, null, 5, 'accept', true, [], [{ action: 'accept' }]].flatMap((answer): [Inquiry, unknown][] => [form, page, sampling, rootsInquiry].map((inquiry) => [inquiry, answer])),
    ...[{}, { action: 'Accept' }, { action: 'yes' }, { action: null }, { action: ['accept'] }, { action: 'accept', content: { name: 'A' } }, { action: 'accept', content: {} }, { action: 'accept' },
      { action: 'accept', content: { name: 5 } }, { action: 'accept', content: { name: 'Ann', age: -1 } }, { action: 'accept', content: { name: 'Ann', age: '5' } }, { action: 'accept', content: { name: 'Ann', mail: 'nobody' } },
      { action: 'accept', content: null }, { action: 'accept', content: 'Ann' }, { action: 'accept', content: ['Ann'] }, { action: 'accept', content: 5 }
    ].map((answer): [Inquiry, unknown] => [form, answer]),
    [page, { action: 'maybe' }],
    ...[{ role: 'assistant', content: {} }, { role: 'assistant', model: 'm' }, { content: {}, model: 'm' }, { role: 1, content: {}, model: 'm' }, { role: 'assistant', content: null, model: 'm' }, { role: 'assistant', content: 'text', model: 'm' }].map((answer): [Inquiry, unknown] => [sampling, answer]),
    ...[{}, { roots: {} }, { roots: null }, { roots: ['file:///a'] }, { roots: [{}] }, { roots: [{ uri: 5 }] }, { roots: [null] }].map((answer): [Inquiry, unknown] => [rootsInquiry, answer])
  ]
  for (const [inquiry, answer] of rows) {
    t.throws(() => readAnswer('my key', inquiry, answer), { code: 'MCP_INVALID_PARAMS', rpcCode: -32602, message: /^The answer to "my key" \((?:elicitation\/create|sampling\/createMessage|roots\/list)\) / }, `${inquiry.method} ${JSON.stringify(answer) ?? 'undefined'}`)
  }
})

t.test('a form without a type has an object for its content all the same', async (t) => {
  const loose = formInquiry('m', { properties: { a: { type: 'string' } } }, '2026-07-28')
  for (const content of [5, 'text', [], null, true]) t.throws(() => readAnswer('k', loose, { action: 'accept', content }), { code: 'MCP_INVALID_PARAMS' }, JSON.stringify(content))
  t.strictSame(readAnswer('k', loose, { action: 'accept' }), { action: 'accept', content: {} })
})

t.test('a refused answer is not repeated in the error', async (t) => {
  t.throws(() => readAnswer('k', form, { action: 'accept', content: { name: 'x' } }), { message: /name/ })
  try {
    readAnswer('k', form, { action: 'accept', content: { name: 'Ann', age: 'hunter2' } })
  } catch (error) {
    t.notMatch(String(error), /hunter2/)
  }
})

t.test('a question is refused when it is put, to whoever wrote the handler, when no client could be asked it', async (t) => {
  const circle: JsonObject = {}
  circle['self'] = circle
  const rows: [what: string, inquiry: Inquiry, message: RegExp][] = [
    ['a form of nothing', formInquiry('m', { type: 'nonsense' }, '2026-07-28'), /The schema of a form is not valid: its root/],
    ['a form that is elsewhere', formInquiry('m', { type: 'object', properties: {}, $ref: 'https://example.com/schema' }, '2026-07-28'), /"\$ref", which forms do not have/],
    ['a form that does not compile', formInquiry('m', { type: 'object', properties: { a: { type: 'integer', minimum: 'many' } } }, '2026-07-28'), /The schema of a form is not valid: .*minimum/],
    ['a form without a message', formInquiry(undefined as unknown as string, schema, '2026-07-28'), /must be a text/],
    ['a page without a message', urlInquiry(5 as unknown as string, 'https://example.com', '2026-07-28'), /must be a text/],
    ...['', 'example.com/pay', '/pay', 5].map((url): [string, Inquiry, RegExp] => [`a page at ${url}`, urlInquiry('m', url as string, '2026-07-28'), /is no URL/]),
    ['a message for a list', samplingInquiry('Hi' as unknown as unknown[], {}), /must be a list of messages/],
    ['a circle', samplingInquiry([circle], {}), /sampling\/createMessage\) cannot be written as JSON/],
    ['a number that JSON does not have', samplingInquiry([{ n: 5n }], {}), /cannot be written as JSON/]
  ]
  for (const [what, inquiry, message] of rows) t.throws(() => writeInquiry(inquiry), { name: 'TypeError', message }, what)
  for (const inquiry of [form, page, sampling, rootsInquiry]) t.strictSame(writeInquiry(inquiry), inquiry)
})

t.test('a question is taken as it travels, and what happens to it afterwards changes nothing', async (t) => {
  const fields: JsonObject = { day: { type: 'string', default: new Date(0), examples: undefined } }
  const written = writeInquiry(formInquiry('m', { type: 'object', properties: fields }, '2026-07-28'))
  fields['more'] = { type: 'string' }
  t.strictSame(written.params['requestedSchema'], { type: 'object', properties: { day: { type: 'string', default: '1970-01-01T00:00:00.000Z' } } })
})

t.test('more forms than are kept are still checked', async (t) => {
  for (let count = 0; count < 450; count++) {
    const inquiry = formInquiry('m', { type: 'object', properties: { [`f${count % 230}`]: { type: 'integer' } } }, '2026-07-28')
    if (count % 50 !== 0) continue
    t.throws(() => readAnswer('k', inquiry, { action: 'accept', content: { [`f${count % 230}`]: 'x' } }), { code: 'MCP_INVALID_PARAMS' })
    t.match(readAnswer('k', inquiry, { action: 'accept', content: { [`f${count % 230}`]: 1 } }), { action: 'accept' })
  }
})
