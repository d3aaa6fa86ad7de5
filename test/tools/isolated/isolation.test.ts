import { threadId } from 'node:worker_threads'
import { join } from 'node:path'
import t from 'tap'
import { build, modern, rest, type Answer, type GantryApp, type JsonObject } from '../../helpers/build.ts'
import { keepingLogger, type LogLine } from '../../helpers/exchange.ts'
import { until } from '../../helpers/waiting.ts'

const baseDir = join(import.meta.dirname, '../../e2e/fixtures/handlers')
const mib = 1024 * 1024

/** An app whose tools are the functions of blocking.mjs, each in a thread, beside one that runs in the server. */
async function open (t: Tap, tools: Record<string, JsonObject>): Promise<{ app: GantryApp, lines: LogLine[] }> {
  const logger = keepingLogger()
  const app = await build(t, {
    tools: [
      ...Object.entries(tools).map(([name, { timeout, ...handler }]) => ({
        name, inputSchema: { type: 'object' }, ...(timeout !== undefined && { timeout }), handler: { type: 'file', path: 'blocking.mjs', export: name, isolation: 'worker', ...handler }
      })),
      { name: 'here', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'blocking.mjs', export: 'thread' } }
    ],
    resources: [{ uri: 'test://greeting', name: 'greeting', content: 'Hello.' }]
  }, { baseDir, logger: logger as never })
  return { app, lines: logger.lines }
}
interface Tap { teardown (fn: () => unknown): unknown }

const faults = (lines: readonly LogLine[]): (string | undefined)[] => lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ sentence }) => sentence)

async function call (app: GantryApp, name: string, args: JsonObject = {}): Promise<Answer> {
  return await modern(app, 'tools/call', { name, arguments: args })
}

function failed (answer: Answer, text: RegExp): object {
  return { found: answer.message.result, wanted: { isError: true, content: [{ text }] } }
}

t.test('a handler with a thread of its own runs there, one call after the other', async (t) => {
  const { app } = await open(t, { thread: {} })
  const first = (await call(app, 'thread')).message.result?.content?.[0]?.text
  t.not(first, String(threadId))
  t.equal((await call(app, 'thread')).message.result?.content?.[0]?.text, first, 'a thread that is free is used again')
  t.equal((await call(app, 'here')).message.result?.content?.[0]?.text, String(threadId))
})

t.test('what goes wrong in a thread is one failed call and one line of the log, and the next call is served', async (t) => {
  const rows: [name: string, text: RegExp, handler?: JsonObject][] = [
    ['fail', /^It broke in its thread\.$/],
    ['exit', /ended its thread: The thread exited with code 0/],
    ['exitLater', /ended its thread: The thread exited with code 3/],
    ['kill', /process\.kill\(\) of the server itself was called by a handler/],
    ['leave', /^It failed later\.$/],
    ['unsendable', /^The result cannot leave its thread: .*could not be cloned/],
    ['block', /block did not finish within 300 ms/, { timeout: 300 }],
    ['eat', /used more memory than its limit of 33554432 bytes/, { memoryLimit: 32 * mib }]
  ]
  const { app, lines } = await open(t, { thread: {}, ...Object.fromEntries(rows.map(([name, , handler = {}]) => [name, handler])) })
  for (const [name, text] of rows) {
    const before = faults(lines).length
    const { found, wanted } = failed(await call(app, name), text) as { found: object, wanted: object }
    t.match(found, wanted, name)
    t.match((await call(app, 'thread')).message.result, { content: [{ text: /^\d+$/ }] }, `${name}: its module serves the next call`)
    t.equal(faults(lines).length, before + 1, `${name} is logged once`)
  }
})

t.test('the log has the place where a handler failed in its thread', async (t) => {
  const { app, lines } = await open(t, { fail: {} })
  await call(app, 'fail')
  t.match(lines, [{ level: 'warn', facts: { err: { message: 'It broke in its thread.', stack: /TypeError: It broke[^]*blocking\.mjs/ } }, sentence: 'The tool fail failed.' }])
})

t.test('what fails in a thread after the answer is logged once, and changes nothing', async (t) => {
  const { app, lines } = await open(t, { leaveBehind: {}, exitBehind: {} })
  for (const name of ['leaveBehind', 'exitBehind']) {
    const before = faults(lines).length
    t.match((await call(app, name)).message.result, { content: [{ text: 'answered' }] })
    await until(`${name} is logged`, () => faults(lines).length > before)
    t.match((await call(app, name)).message.result, { content: [{ text: 'answered' }] })
    await until(`${name} is logged again`, () => faults(lines).length > before + 1)
    t.strictSame(new Set(faults(lines).slice(before)), new Set(['A handler left something running that failed, and nobody was there to catch it.']))
  }
})

t.test('a thread has as much memory as its handler is given', async (t) => {
  const { app } = await open(t, { eat: { memoryLimit: 512 * mib } })
  t.match((await call(app, 'eat')).message.result, { content: [{ text: 'full' }] })
})

t.test('what a handler reports after its end is not taken for a report of the next call', async (t) => {
  const { app, lines } = await open(t, { reportBehind: {}, aborted: { timeout: 200 } })
  await call(app, 'reportBehind')
  await call(app, 'aborted')
  t.strictSame(lines.map(({ facts, sentence }) => sentence ?? facts).slice(0, 2), ['Waiting for the signal.', 'The tool aborted did not finish within 200 ms.'])
})

t.test('while a handler blocks in its thread, other calls are answered', async (t) => {
  const { app } = await open(t, { block: { timeout: 2_000 } })
  let isOver = false
  const blocked = call(app, 'block').finally(() => { isOver = true })
  for (let count = 0; count < 50; count++) t.equal((await rest(app, 'here')).status, 200)
  t.notOk(isOver)
  t.match((await blocked).message.result, { isError: true })
})

t.test('a handler in a thread has its context', async (t) => {
  const { app, lines } = await open(t, { tell: {} })
  const answer = await modern(app, 'tools/call', { name: 'tell', arguments: { a: [1] } }, { meta: { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'info' } })
  t.match(answer.message.result, {
    structuredContent: { args: { a: [1] }, requestId: 'string', name: 'tell', principal: 'anonymous', greeting: 'Hello.', bytes: 1, when: '1970-01-01T00:00:00.000Z' }
  })
  t.match(answer.messages.slice(0, 2), [
    { method: 'notifications/progress', params: { progressToken: 'p', progress: 1, total: 2, message: 'half' } },
    { method: 'notifications/message', params: { level: 'info', data: { from: 'the thread' } } }
  ])
  t.match(lines, [{ level: 'info', facts: { from: 'the thread' }, sentence: 'Logged in a thread.' }, { level: 'info', facts: {}, sentence: 'Logged without its facts.' }])
})

t.test('what a context refuses keeps its code on the way through a thread', async (t) => {
  const { app } = await open(t, { refused: {}, caught: {}, stores: {} })
  t.match(await rest(app, 'refused'), { status: 500, body: { code: 'MCP_NOT_AVAILABLE', detail: /^roots\/list is not available: callers over REST cannot be asked/ } })
  t.match(await rest(app, 'caught'), { status: 200, body: { content: [{ text: 'caught MCP_RESOURCE_UNKNOWN' }] } })
  t.match(await rest(app, 'stores'), { status: 500, body: { detail: /context\.db\("main"\) is not available/ } })
})

t.test('a handler in a thread asks the client, and runs again with the answer', async (t) => {
  const { app } = await open(t, { ask: {} })
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }
  const asked = await modern(app, 'tools/call', { name: 'ask', arguments: {} }, { meta })
  t.match(asked.message.result, { resultType: 'input_required', inputRequests: { 'question-1': { method: 'elicitation/create' } } })
  const { requestState } = asked.message.result as JsonObject
  const inputResponses = { 'question-1': { action: 'accept', content: { name: 'Ann' } } }
  t.match((await modern(app, 'tools/call', { name: 'ask', arguments: {}, requestState, inputResponses }, { meta })).message.result, { content: [{ text: 'accept Ann' }] })
})

t.test('the signal of a call fires in the thread, and a thread that heeds it is kept', async (t) => {
  const { app, lines } = await open(t, { thread: {}, aborted: { timeout: 200 } })
  const before = (await call(app, 'thread')).message.result?.content?.[0]?.text
  t.match((await call(app, 'aborted')).message.result, { isError: true, content: [{ text: /did not finish within 200 ms/ }] })
  t.equal((await call(app, 'thread')).message.result?.content?.[0]?.text, before)
  t.strictSame(faults(lines), ['The tool aborted did not finish within 200 ms.'])
})

t.test('a module is loaded in its thread, and what is wrong with it is told at the start', async (t) => {
  const rows: [text: string, handler: JsonObject, words: RegExp][] = [
    ['throw new Error("not today")', {}, /handler\.path: "a\.mjs" could not be loaded: not today/],
    ['export const run = () => 1', {}, /handler\.export: "a\.mjs" does not export a function as "default"\. It exports these functions: run/],
    ['process.exit(0)', {}, /handler\.path: "a\.mjs" could not be loaded: The handler ended its thread/],
    ['export default () => 1', { isolation: 'none', memoryLimit: '64mb' }, /handler\.memoryLimit: The memory of a handler that runs in the server cannot be limited/]
  ]
  for (const [text, handler, words] of rows) {
    const folder = t.testdir({ 'a.mjs': text })
    const tools = [{ name: 'a', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'a.mjs', isolation: 'worker', ...handler } }]
    await t.rejects(build(t, { tools }, { baseDir: folder, cwd: folder }), { message: words }, text)
  }
})

t.test('a handler in TypeScript runs in a thread', async (t) => {
  const folder = t.testdir({ 'typed.ts': 'import { threadId } from "node:worker_threads"\nenum Tone { Calm = "calm" }\nexport default (args: { x: number }): string => `${Tone.Calm} ${args.x} ${threadId > 0}`\n' })
  const app = await build(t, { tools: [{ name: 'typed', inputSchema: { type: 'object' }, handler: { type: 'file', path: 'typed.ts', isolation: 'worker' } }] }, { baseDir: folder, cwd: folder })
  t.match(await rest(app, 'typed', { x: 1 }), { body: { content: [{ text: 'calm 1 true' }] } })
})
