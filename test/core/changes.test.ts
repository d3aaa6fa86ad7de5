import t from 'tap'
import { changeNotification, Changes } from '../../src/core/changes.ts'
import type { Change } from '../../src/core/ports.ts'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import { keepingLogger } from '../helpers/exchange.ts'
import { turn } from '../helpers/waiting.ts'

const bus = createBusMemory({ logger: keepingLogger() })
const all: Change[] = [{ kind: 'tools' }, { kind: 'prompts' }, { kind: 'resources' }, { kind: 'resource', uri: 'file:///a' }]

async function open (): Promise<{ changes: Changes, heard: Change[], stop: () => void }> {
  const changes = new Changes(bus)
  await changes.open()
  const heard: Change[] = []
  return { changes, heard, stop: changes.listen((change) => { heard.push(change) }) }
}

t.test('what one instance announces, every instance hears, itself included', async (t) => {
  const [here, there] = [await open(), await open()]
  for (const change of all) await here.changes.announce(change)
  await turn()
  t.strictSame(here.heard, all)
  t.strictSame(there.heard, all)
  here.changes.close()
  there.changes.close()
})

t.test('who has stopped hears nothing more', async (t) => {
  const { changes, heard, stop } = await open()
  const other: Change[] = []
  changes.listen((change) => { other.push(change) })
  stop()
  stop()
  await changes.announce({ kind: 'tools' })
  await turn()
  t.strictSame([heard, other], [[], [{ kind: 'tools' }]])
  changes.close()
  await changes.announce({ kind: 'tools' })
  await turn()
  t.equal(other.length, 1, 'and after the end nobody hears anything')
})

t.test('nonsense on the bus is no change', async (t) => {
  const { changes, heard } = await open()
  for (const event of [{}, { kind: 'nothing' }, { kind: 'resource' }, { kind: 'resource', uri: 5 }, { kind: null }, { kind: ['tools'] }]) await bus.publish('changes', event)
  await bus.publish('changes', { kind: 'tools', uri: 'x', extra: 1 })
  await turn()
  t.strictSame(heard, [{ kind: 'tools' }])
  changes.close()
})

t.test('what is no change cannot be announced', async (t) => {
  const { changes, heard } = await open()
  for (const change of [undefined, null, {}, { kind: 'tool' }, { kind: 'resource' }, { kind: 'resource', uri: 5 }, 'tools']) await t.rejects(changes.announce(change as unknown as Change), { name: 'TypeError', message: /kind tools, prompts or resources/ }, JSON.stringify(change))
  await turn()
  t.strictSame(heard, [])
  changes.close()
})

t.test('each change has its notification', async (t) => {
  t.strictSame(all.map(changeNotification), [
    { method: 'notifications/tools/list_changed', params: {} }, { method: 'notifications/prompts/list_changed', params: {} }, { method: 'notifications/resources/list_changed', params: {} },
    { method: 'notifications/resources/updated', params: { uri: 'file:///a' } }
  ])
})
