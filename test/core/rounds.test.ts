import t from 'tap'
import { InputRequiredError } from '../../src/core/call-errors.ts'
import { formInquiry, rootsInquiry, samplingInquiry, type Inquiry } from '../../src/core/inquiry.ts'
import { createRequestStates, type StateBinding } from '../../src/core/request-state.ts'
import { Round, Rounds } from '../../src/core/rounds.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import { exchangeOf, type TestExchange } from '../helpers/exchange.ts'

const binding: StateBinding = { principal: 'ann', target: 'tools/call book', arguments: { seats: 2 } }
const form = (message: string, fields: JsonObject = { name: { type: 'string' } }): Inquiry => formInquiry(message, { type: 'object', properties: fields }, '2026-07-28')
const accept = (content: JsonObject = {}): JsonObject => ({ action: 'accept', content })

interface Parts { now?: () => number, secret?: string }

function open ({ now = () => 0, secret = 'secret' }: Parts = {}): Rounds {
  return new Rounds(createRequestStates({ secret, ttlMs: 60_000, clock: { now } }))
}

/** The state of a round in which these questions were asked, after these were answered. */
function stateAfter (rounds: Rounds, questions: Record<string, Inquiry>, round = new Round()): string {
  for (const [key, inquiry] of Object.entries(questions)) round.ask(key, inquiry)
  const end = round.end()
  if (!(end instanceof InputRequiredError)) throw end
  return String((rounds.result(end, binding) as JsonObject)['requestState'])
}

function resume (rounds: Rounds, params: JsonObject, exchange: TestExchange = exchangeOf()): Round {
  return rounds.resume(params, binding, exchange)
}

t.test('a request goes on with an earlier round when it brings something of one, in the era that has them', async (t) => {
  const rounds = open()
  t.ok(rounds.continues({ inputResponses: {} }, exchangeOf()))
  t.ok(rounds.continues({ requestState: 'x' }, exchangeOf()))
  t.ok(rounds.continues({ inputResponses: null }, exchangeOf()), 'nonsense goes on, and is refused')
  t.notOk(rounds.continues({}, exchangeOf()))
  t.notOk(rounds.continues({ inputResponses: {}, requestState: 'x' }, exchangeOf({ revision: '2025-11-25' })))
})

t.test('a round that asks ends with all that it asked, and can be answered', async (t) => {
  const rounds = open()
  const round = new Round()
  t.equal(round.isAsking, false)
  round.ask('name', form('Name?'))
  round.ask('places', rootsInquiry)
  t.equal(round.isAsking, true)
  const end = round.end()
  t.match(end, { code: 'MCP_INPUT_REQUIRED', requests: { name: form('Name?'), places: rootsInquiry } })
  const result = rounds.result(end as InputRequiredError, binding) as JsonObject
  t.match(result, { resultType: 'input_required', inputRequests: { name: form('Name?'), places: rootsInquiry }, requestState: String })
  t.notOk('ttlMs' in result || 'cacheScope' in result)

  const next = resume(rounds, { requestState: result['requestState'], inputResponses: { name: accept({ name: 'Ann' }), other: 1 } })
  t.strictSame(next.take('name', form('Name?'))?.answer, accept({ name: 'Ann' }))
  t.equal(next.take('places', rootsInquiry), undefined, 'what was not answered')
  t.equal(next.take('other', form('Name?')), undefined, 'what was not asked')
})

t.test('an answer is handed to nothing but the question that it was given to', async (t) => {
  const rounds = open()
  const asked = form('Delete the draft?', { sure: { type: 'boolean', title: 'Sure' } })
  const requestState = stateAfter(rounds, { sure: asked })
  const params = { requestState, inputResponses: { sure: accept({ sure: true }) } }
  const others: [what: string, question: Inquiry][] = [
    ['another message', form('Delete the account?', { sure: { type: 'boolean', title: 'Sure' } })],
    ['another form', form('Delete the draft?', { sure: { type: 'boolean', title: 'Sure', default: true } })],
    ['a field more', form('Delete the draft?', { sure: { type: 'boolean', title: 'Sure' }, all: { type: 'boolean' } })],
    ['a page', { method: 'elicitation/create', params: { mode: 'url', message: 'Delete the draft?', url: 'https://example.com' } }],
    ['a question to a model', samplingInquiry([], {})],
    ['roots', rootsInquiry]
  ]
  for (const [what, question] of others) {
    const exchange = exchangeOf()
    t.equal(resume(rounds, params, exchange).take('sure', question), undefined, what)
    t.match(exchange.lines, [{ level: 'warn', facts: { requestId: 'r1', target: 'tools/call book', key: 'sure' }, sentence: /asked anew/ }])
  }
  const exchange = exchangeOf()
  const round = resume(rounds, params, exchange)
  t.equal(round.take('question-1', asked), undefined, 'under another key')
  t.strictSame(round.take('sure', { params: { requestedSchema: { properties: { sure: { title: 'Sure', type: 'boolean' } }, type: 'object' }, message: 'Delete the draft?', mode: 'form' }, method: 'elicitation/create' })?.answer, accept({ sure: true }), 'the order of members does not matter')
  t.strictSame(exchange.lines, [])
})

t.test('what was answered is carried on as long as it is asked for, still bound to its question, and cannot be answered again', async (t) => {
  const rounds = open()
  const first = resume(rounds, { requestState: stateAfter(rounds, { amount: form('How much?'), never: form('Never mind') }), inputResponses: { amount: accept({ amount: 5 }), never: accept() } })
  first.take('amount', form('How much?'))
  const requestState = stateAfter(rounds, { sure: form('Sure?') }, first)
  const inputResponses = { amount: accept({ amount: 5_000_000 }), never: accept(), sure: accept() }
  const second = resume(rounds, { requestState, inputResponses })
  t.equal(second.take('amount', form('How much, in cents?')), undefined)
  t.strictSame(second.take('amount', form('How much?'))?.answer, accept({ amount: 5 }))
  t.equal(second.take('never', form('Never mind')), undefined, 'the handler did not ask it any more')
  t.strictSame(second.take('sure', form('Sure?'))?.answer, accept())
})

t.test('a question that is asked anew in other words takes the place of the old one, and its answer counts', async (t) => {
  const rounds = open()
  const reworded = resume(rounds, { requestState: stateAfter(rounds, { q: form('Old?') }), inputResponses: { q: accept({ a: 1 }) } })
  t.equal(reworded.take('q', form('New?')), undefined)
  const requestState = stateAfter(rounds, { q: form('New?') }, reworded)
  t.equal(resume(rounds, { requestState }).take('q', form('Old?')), undefined, 'the old answer is gone')
  t.strictSame(resume(rounds, { requestState, inputResponses: { q: accept({ a: 2 }) } }).take('q', form('New?'))?.answer, accept({ a: 2 }))
})

t.test('in its first request a client may answer what it knows by name, and from then on that answer is bound, too', async (t) => {
  const rounds = open()
  t.equal(resume(rounds, {}).take('name', form('Name?')), undefined)
  const ahead = resume(rounds, { inputResponses: { name: accept({ name: 'Ann' }), 'question-1': accept(), 'question-1-2': accept(), 'question-one': accept() } })
  t.strictSame(ahead.take('name', form('Name?'))?.answer, accept({ name: 'Ann' }))
  for (const key of ['question-1', 'question-1-2']) t.equal(ahead.take(key, form('Sure?')), undefined, 'what has a number only can be anything')
  t.strictSame(ahead.take('question-one', form('Sure?'))?.answer, accept())
  const requestState = stateAfter(rounds, { next: form('Next?') }, ahead)
  t.equal(resume(rounds, { requestState }).take('name', form('Whose name?')), undefined)
  t.strictSame(resume(rounds, { requestState }).take('name', form('Name?'))?.answer, accept({ name: 'Ann' }))
  t.equal(resume(rounds, { requestState, inputResponses: { other: accept() } }).take('other', form('Other?')), undefined, 'with a state, nothing is answered ahead')
})

t.test('a state without answers has those before it', async (t) => {
  const rounds = open()
  const first = resume(rounds, { requestState: stateAfter(rounds, { name: form('Name?') }), inputResponses: { name: accept() } })
  first.take('name', form('Name?'))
  t.strictSame(resume(rounds, { requestState: stateAfter(rounds, {}, first) }).take('name', form('Name?'))?.answer, accept())
})

t.test('answers that are no object are refused', async (t) => {
  for (const inputResponses of [null, 5, 'x', true, [], [{}]]) t.throws(() => resume(open(), { inputResponses }), { rpcCode: -32602, message: /inputResponses must be an object/ }, JSON.stringify(inputResponses))
})

t.test('a state of another call, of another server or of another time is refused, whatever answers come with it', async (t) => {
  let now = 0
  const rounds = open({ now: () => now })
  const requestState = stateAfter(rounds, { a: rootsInquiry })
  const refused = { rpcCode: -32602, message: /requestState is not valid/ }
  const others: Partial<StateBinding>[] = [{ principal: 'bob' }, { target: 'tools/call other' }, { target: 'prompts/get book' }, { arguments: { seats: 3 } }]
  for (const other of others) t.throws(() => rounds.resume({ requestState, inputResponses: {} }, { ...binding, ...other }, exchangeOf()), refused)
  t.throws(() => resume(open({ now: () => now, secret: 'another' }), { requestState }), refused)
  for (const none of [null, 5, {}, [], '', 'x']) t.throws(() => resume(rounds, { requestState: none, inputResponses: { a: 1 } }), refused)
  t.doesNotThrow(() => resume(open({ now: () => now }), { requestState }), 'another instance with the same secret takes it')
  now = 60_001
  t.throws(() => resume(rounds, { requestState }), refused)
})

t.test('there are 32 rounds, and then the call ends with an error that says so', async (t) => {
  const rounds = open()
  let requestState = stateAfter(rounds, { q: form('Round 1') })
  for (let number = 2; number <= 32; number++) requestState = stateAfter(rounds, { q: form(`Round ${number}`) }, resume(rounds, { requestState }))
  const last = resume(rounds, { requestState, inputResponses: { q: accept() } })
  t.strictSame(last.take('q', form('Round 32'))?.answer, accept(), 'the answer to the last question counts')
  last.ask('q-2', form('Round 33'))
  t.match(last.end(), { code: 'MCP_INPUT_LIMIT', rpcCode: -32603, message: /^There were 32 rounds of questions.*worded differently/ })
})

t.test('answers too large to be carried on are an error, not a state without end', async (t) => {
  const rounds = open()
  const first = resume(rounds, { requestState: stateAfter(rounds, { q: rootsInquiry }), inputResponses: { q: { roots: ['x'.repeat(800_000)] } } })
  t.type(first.take('q', rootsInquiry)?.answer, 'object', 'the handler has it')
  t.throws(() => stateAfter(rounds, { next: rootsInquiry }, first), { code: 'MCP_INPUT_LIMIT' })
})

t.test('a client cannot reach a prototype with its answers, nor a handler with its keys', async (t) => {
  const rounds = open()
  const keys = ['__proto__', 'constructor', 'toString']
  for (const key of keys) t.equal(resume(rounds, { requestState: stateAfter(rounds, { [key]: rootsInquiry }) }).take(key, rootsInquiry), undefined, key)
  const questions = Object.fromEntries(keys.map((key) => [key, rootsInquiry]))
  const inputResponses = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as JsonObject
  const round = resume(rounds, { requestState: stateAfter(rounds, questions), inputResponses })
  t.strictSame(keys.map((key) => round.take(key, rootsInquiry)?.answer), [{ polluted: true }, 1, undefined])
  t.equal(({} as JsonObject)['polluted'], undefined)
})
