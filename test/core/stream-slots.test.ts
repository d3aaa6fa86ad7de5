import t from 'tap'
import { anonymous } from '../../src/core/principals.ts'
import { StreamSlots } from '../../src/core/stream-slots.ts'
import type { Principal } from '../../src/core/ports.ts'

const named = (name: string): Principal => ({ kind: 'key', name, permissions: [], tier: undefined })
const open = (): StreamSlots => new StreamSlots({ maxStreams: 6, maxStreamsPerPrincipal: 3, maxAnonymousStreams: 4 })
const tooMany = { code: 'MCP_STREAM_LIMIT', status: 429, rpcCode: -32603 }

t.test('one caller cannot take all', async (t) => {
  const slots = open()
  for (let count = 0; count < 3; count++) slots.take(named('ann'))
  t.throws(() => slots.take(named('ann')), { ...tooMany, message: /^This caller has 3 streams open/ })
  t.doesNotThrow(() => slots.take(named('bob')))
  t.equal(slots.size, 4)
})

t.test('those without a name share their part, and leave the rest to those who have one', async (t) => {
  const slots = open()
  for (let count = 0; count < 4; count++) slots.take(anonymous)
  t.throws(() => slots.take({ ...anonymous }), { ...tooMany, message: /has 4 streams/ })
  slots.take(named('ann'))
  slots.take(named('bob'))
  t.throws(() => slots.take(named('eve')), { code: 'MCP_OVERLOADED', status: 503 })
  t.equal(slots.size, 6)
})

t.test('whoever calls itself anonymous and has a key is not among those who have none', async (t) => {
  const slots = open()
  for (let count = 0; count < 4; count++) slots.take(anonymous)
  t.doesNotThrow(() => slots.take(named('anonymous')))
  for (const name of ['__proto__', 'constructor', '', 'undefined']) t.doesNotThrow(() => open().take(named(name)), name)
})

t.test('a place that is given back is free once, however often that is said', async (t) => {
  const slots = open()
  const [first, ...others] = [slots.take(named('ann')), slots.take(named('ann')), slots.take(named('ann'))]
  first?.()
  first?.()
  t.equal(slots.size, 2)
  slots.take(named('ann'))
  t.throws(() => slots.take(named('ann')), tooMany)
  for (const release of others) release()
  t.equal(slots.size, 1)
})

t.test('callers that have gone leave their places to the next, however many there were', async (t) => {
  const slots = new StreamSlots({ maxStreams: 1, maxStreamsPerPrincipal: 1, maxAnonymousStreams: 1 })
  for (let count = 0; count < 100_000; count++) slots.take(named(`caller ${count}`))()
  t.equal(slots.size, 0)
  t.doesNotThrow(() => slots.take(named('caller 5')))
})
