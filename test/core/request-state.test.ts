import { createHmac } from 'node:crypto'
import t from 'tap'
import { createRequestStates, type RequestStates, type StateBinding } from '../../src/core/request-state.ts'

const binding: StateBinding = { principal: 'ann', target: 'tools/call book', arguments: { seats: 2, to: { city: 'Oslo', day: 'Monday' }, tags: ['a', 'b'] } }
const answers = { name: { action: 'accept', content: { name: 'Ann' } } }
const refused = { code: 'MCP_INVALID_PARAMS', rpcCode: -32602, message: /requestState is not valid for this call, or has expired/ }

function statesAt (now: () => number = () => 1_000, secret = 'a secret of at least some length'): RequestStates {
  return createRequestStates({ secret, ttlMs: 60_000, clock: { now } })
}
const states = statesAt()
const state = states.seal(answers, binding)

t.test('what was sealed for a call comes back for the same call', async (t) => {
  t.strictSame(states.open(state, binding), answers)
  t.strictSame(states.open(states.seal({}, binding), binding), {})
  t.strictSame(states.open(state, structuredClone(binding)), answers)
})

t.test('the order in which arguments are written does not matter, at any depth', async (t) => {
  const reordered = { tags: ['a', 'b'], to: { day: 'Monday', city: 'Oslo' }, seats: 2 }
  t.strictSame(states.open(state, { ...binding, arguments: reordered }), answers)
  const numbered = states.seal(answers, { ...binding, arguments: { b: 1, 2: 1, 10: 1, a: 1 } })
  t.strictSame(states.open(numbered, { ...binding, arguments: { a: 1, 10: 1, 2: 1, b: 1 } }), answers)
})

t.test('a state is worth nothing for another caller, another target or other arguments', async (t) => {
  const others: Partial<StateBinding>[] = [
    { principal: 'bob' }, { principal: '' }, { principal: 'Ann' }, { principal: 'ann ' },
    { target: 'tools/call cancel' }, { target: 'prompts/get book' }, { target: 'tools/call book ' }, { target: 'book' },
    { principal: 'ann tools/call', target: 'book' },
    { arguments: {} }, { arguments: { ...binding.arguments, seats: 3 } }, { arguments: { ...binding.arguments, seats: '2' } }, { arguments: { ...binding.arguments, extra: null } },
    { arguments: { ...binding.arguments, tags: ['b', 'a'] } }, { arguments: { ...binding.arguments, tags: { 0: 'a', 1: 'b' } } },
    { arguments: { ...binding.arguments, to: { city: 'Oslo' } } }, { arguments: { ...binding.arguments, to: JSON.stringify(binding.arguments['to']) } }
  ]
  for (const other of others) t.throws(() => states.open(state, { ...binding, ...other }), refused, JSON.stringify(other))
})

t.test('names that reach for a prototype are arguments like any other', async (t) => {
  const tricky = { ...binding, arguments: JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as StateBinding['arguments'] }
  const sealed = states.seal(answers, tricky)
  t.strictSame(states.open(sealed, tricky), answers)
  for (const args of ['{}', '{"constructor":1}', '{"__proto__":{"admin":false},"constructor":1}']) {
    t.throws(() => states.open(sealed, { ...binding, arguments: JSON.parse(args) as StateBinding['arguments'] }), refused, args)
  }
  const kept = states.open(states.seal(JSON.parse('{"__proto__":{"action":"accept"}}') as StateBinding['arguments'], binding), binding)
  t.strictSame(Object.keys(kept), ['__proto__'])
  t.equal(Object.getPrototypeOf(kept), Object.prototype)
})

t.test('a state that was changed anywhere is refused', async (t) => {
  const alphabet = 'Ab1_-=.+/ \u00e9\u0000'
  let changed = 0
  for (let at = 0; at < state.length; at++) {
    for (const character of [alphabet[at % alphabet.length] ?? '', '.', String.fromCharCode(state.charCodeAt(at) ^ 1)]) {
      const other = state.slice(0, at) + character + state.slice(at + 1)
      if (other === state) continue
      changed++
      try {
        states.open(other, binding)
        t.fail(`the change at ${at} to ${JSON.stringify(character)} went unnoticed`)
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'MCP_INVALID_PARAMS') t.fail(`the change at ${at} ended in ${String(error)}`)
      }
    }
  }
  t.ok(changed > state.length)
})

t.test('a state that was cut, lengthened, or is none is refused', async (t) => {
  const [payload = '', signature = ''] = state.split('.')
  const rows: unknown[] = [
    ...Array.from({ length: state.length }, (_, length) => state.slice(0, length)), state.slice(1), ` ${state}`, `${state} `, `${state}\n`, `${state}.`, `${state}.x`, `.${state}`, `${state}${state}`,
    `${payload}.`, `.${signature}`, '.', '..', '', `${signature}.${payload}`, `${payload}.${signature}-TAMPERED`,
    null, 5, true, {}, [], [state], { payload, signature }
  ]
  for (const row of rows) t.throws(() => states.open(row, binding), refused, `${typeof row} ${JSON.stringify(row)?.slice(0, 20) ?? ''}`)
})

t.test('no other spelling of the signature or of what is signed passes', async (t) => {
  const [payload = '', signature = ''] = state.split('.')
  const last = signature.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  // 32 bytes end in a character of which two bits are not used: four spellings decode to the same bytes.
  const twins = [...alphabet].filter((each) => each !== last && Buffer.from(signature.slice(0, -1) + each, 'base64url').equals(Buffer.from(signature, 'base64url')))
  t.ok(twins.length > 0)
  for (const twin of twins) t.throws(() => states.open(`${payload}.${signature.slice(0, -1)}${twin}`, binding), refused)
  for (const spelling of [`${signature}=`, `${signature}==`, Buffer.from(signature, 'base64url').toString('base64'), Buffer.from(signature, 'base64url').toString('hex'), `${signature.slice(0, 4)}\n${signature.slice(4)}`]) {
    t.throws(() => states.open(`${payload}.${spelling}`, binding), refused, spelling)
  }
  for (const spelling of [`${payload}=`, `${payload}\n`, Buffer.from(payload, 'base64url').toString('base64')]) {
    if (spelling !== payload) t.throws(() => states.open(`${spelling}.${signature}`, binding), refused, spelling.slice(-5))
  }
})

t.test('what looks right but was signed without the secret is refused', async (t) => {
  const forge = (content: unknown, secret: string, prefix = 'request-state\0'): string => {
    const payload = Buffer.from(JSON.stringify(content)).toString('base64url')
    return `${payload}.${createHmac('sha256', secret).update(prefix).update(payload).digest('base64url')}`
  }
  const [payload = ''] = state.split('.')
  const content = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const secret = 'a secret of at least some length'
  t.strictSame(states.open(forge(content, secret), binding), answers, 'with the secret it would pass, so the rows below fail for their reason')
  for (const wrong of ['', 'another secret', `${secret} `]) t.throws(() => states.open(forge(content, wrong), binding), refused, wrong)
  t.throws(() => states.open(forge(content, secret, ''), binding), refused, 'a signature that was made for something else')
})

t.test('whoever shares the secret takes the state, nobody else', async (t) => {
  t.strictSame(statesAt().open(state, binding), answers)
  t.throws(() => statesAt(undefined, 'a secret of at least some lengtH').open(state, binding), refused)
})

t.test('a state is good until its time is over, and not a moment longer', async (t) => {
  let now = 1_000
  const moving = statesAt(() => now)
  const sealed = moving.seal(answers, binding)
  now += 60_000
  t.strictSame(moving.open(sealed, binding), answers)
  now += 1
  t.throws(() => moving.open(sealed, binding), refused)
  now = Number.MAX_SAFE_INTEGER
  t.throws(() => moving.open(sealed, binding), refused)
})

t.test('a huge state is refused quickly, and a large one that is ours passes', async (t) => {
  for (const huge of ['x'.repeat(4_000_000), `${'A'.repeat(4_000_000)}.${'A'.repeat(43)}`, '.'.repeat(1_000_000), `${state.split('.')[0] ?? ''}.${'A'.repeat(4_000_000)}`]) t.throws(() => states.open(huge, binding), refused)
  const large = { text: 'ä'.repeat(390_000) }
  t.strictSame(states.open(states.seal(large, binding), binding), large)
})

t.test('what is too large to travel with every round is not sealed, and the error says how large it is', async (t) => {
  t.throws(() => states.seal({ text: 'ä'.repeat(400_000) }, binding), { code: 'MCP_INPUT_LIMIT', status: 500, message: /is 106\d{4} bytes as the state of the call; there may be 1048576/ })
})

t.test('arguments that are nested too deeply are an error of their own, not a crash', async (t) => {
  const deep = JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`) as StateBinding['arguments']
  t.throws(() => states.seal(answers, { ...binding, arguments: deep }), { code: 'MCP_INVALID_PARAMS', message: /nested too deeply/ })
  t.throws(() => states.open(state, { ...binding, arguments: deep }), { code: 'MCP_INVALID_PARAMS' })
})

t.test('nothing of the arguments can be read in a state', async (t) => {
  const [payload = ''] = states.seal(answers, { ...binding, arguments: { password: 'hunter2' } }).split('.')
  t.notMatch(Buffer.from(payload, 'base64url').toString(), /hunter2|password/)
})
