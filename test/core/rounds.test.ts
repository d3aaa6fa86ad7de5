import t from 'tap'
import { InputRequiredError } from '../../src/core/errors.ts'
import { createRequestStates, type StateBinding } from '../../src/core/request-state.ts'
import { Rounds } from '../../src/core/rounds.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import { exchangeOf } from '../helpers/exchange.ts'

const binding: StateBinding = { principal: 'ann', target: 'tools/call book', arguments: { seats: 2 } }
const asked = { name: { method: 'elicitation/create', params: { message: 'Name?' } } }

function open (now: () => number = () => 0, secret = 'secret'): Rounds {
  return new Rounds(createRequestStates({ secret, ttlMs: 60_000, clock: { now } }))
}

function stateOf (result: object): string { return String((result as JsonObject)['requestState']) }

t.test('a request goes on with an earlier round when it brings something of one, in the era that has them', async (t) => {
  const rounds = open()
  t.ok(rounds.continues({ inputResponses: {} }, exchangeOf()))
  t.ok(rounds.continues({ requestState: 'x' }, exchangeOf()))
  t.ok(rounds.continues({ inputResponses: null }, exchangeOf()), 'nonsense goes on, and is refused')
  t.notOk(rounds.continues({}, exchangeOf()))
  t.notOk(rounds.continues({ inputResponses: {}, requestState: 'x' }, exchangeOf({ revision: '2025-11-25' })))
})

t.test('the result asks, and seals what was answered so far', async (t) => {
  const rounds = open()
  const result = rounds.result(new InputRequiredError(asked, { first: { action: 'accept' } }), binding)
  t.match(result, { resultType: 'input_required', inputRequests: asked, requestState: String })
  t.notOk('ttlMs' in result || 'cacheScope' in result)
  t.strictSame(rounds.answers({ requestState: stateOf(result), inputResponses: { name: { action: 'decline' } } }, binding), { name: { action: 'decline' }, first: { action: 'accept' } })
})

t.test('what was sealed cannot be answered again', async (t) => {
  const rounds = open()
  const requestState = stateOf(rounds.result(new InputRequiredError({}, { amount: { action: 'accept', content: { amount: 5 } } }), binding))
  t.strictSame(rounds.answers({ requestState, inputResponses: { amount: { action: 'accept', content: { amount: 5_000_000 } } } }, binding), { amount: { action: 'accept', content: { amount: 5 } } })
})

t.test('answers without a state are answers of the first round; a state without answers is one too', async (t) => {
  const rounds = open()
  t.strictSame(rounds.answers({ inputResponses: { a: 1 } }, binding), { a: 1 })
  t.strictSame(rounds.answers({ requestState: stateOf(rounds.result(new InputRequiredError({}, { a: 1 }), binding)) }, binding), { a: 1 })
  t.strictSame(rounds.answers({}, binding), {})
})

t.test('answers that are no object are refused', async (t) => {
  for (const inputResponses of [null, 5, 'x', true, [], [{}]]) t.throws(() => open().answers({ inputResponses }, binding), { rpcCode: -32602, message: /inputResponses must be an object/ }, JSON.stringify(inputResponses))
})

t.test('a state of another call, of another server or of another time is refused, whatever answers come with it', async (t) => {
  let now = 0
  const rounds = open(() => now)
  const requestState = stateOf(rounds.result(new InputRequiredError({}, { a: 1 }), binding))
  const refused = { rpcCode: -32602, message: /requestState is not valid/ }
  const others: Partial<StateBinding>[] = [{ principal: 'bob' }, { target: 'tools/call other' }, { target: 'prompts/get book' }, { arguments: { seats: 3 } }]
  for (const other of others) t.throws(() => rounds.answers({ requestState, inputResponses: {} }, { ...binding, ...other }), refused)
  t.throws(() => open(() => now, 'another').answers({ requestState }, binding), refused)
  for (const none of [null, 5, {}, [], '', 'x']) t.throws(() => rounds.answers({ requestState: none, inputResponses: { a: 1 } }, binding), refused)
  t.doesNotThrow(() => open(() => now).answers({ requestState }, binding), 'another instance with the same secret takes it')
  now = 60_001
  t.throws(() => rounds.answers({ requestState }, binding), refused)
})

t.test('a client cannot reach a prototype with its answers', async (t) => {
  const inputResponses = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as JsonObject
  const answers = open().answers({ inputResponses }, binding)
  t.strictSame(Object.keys(answers), ['__proto__', 'a'])
  t.equal(answers['polluted'], undefined)
  t.equal(({} as JsonObject)['polluted'], undefined)
})
