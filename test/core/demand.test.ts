import t from 'tap'
import { demandOf, oneMessage } from '../../src/core/demand.ts'

const call = (name: unknown, more: object = {}): object => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name }, ...more })

t.test('a message counts once, and for the tool that it calls', async (t) => {
  t.strictSame(demandOf(call('add')), { messages: 1, tools: ['add'] })
  for (const body of [{ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 1, result: {} }, undefined, null, 'text', 7, {}]) t.strictSame(demandOf(body), oneMessage)
})

t.test('a batch counts for each of its elements, whatever they are', async (t) => {
  t.strictSame(demandOf([call('add'), call('add'), { method: 'ping' }, null, call('sub')]), { messages: 5, tools: ['add', 'add', 'sub'] })
  t.strictSame(demandOf([]), { messages: 1, tools: [] })
})

t.test('a message that deviates counts for what it calls all the same', async (t) => {
  for (const body of [call('add', { jsonrpc: undefined }), call('add', { id: null }), call('add', { id: undefined }), call('add', { extra: 1 })]) t.strictSame(demandOf(body).tools, ['add'])
  for (const body of [call(7), call(undefined), call('add', { params: null }), call('add', { params: ['add'] }), call('add', { method: 'Tools/Call' })]) t.strictSame(demandOf(body).tools, [])
})
