import t from 'tap'
import { commandLine, run, start, writeConfig } from '../helpers/server.ts'
import { until } from '../helpers/waiting.ts'
import { httpDoors } from './doors/index.ts'
import { lasting } from './fixtures/everything.ts'
import { said } from './promises/promise.ts'

const perKind = 25
const kinds = ['SDK 1.x over http', 'SDK 2.x, auto mode, over http', 'plain 2025-11-25 over http', 'plain 2026-07-28 over http']

for (const sessions of ['stateful', 'stateless'] as const) {
  t.test(`a hundred clients of a ${sessions} server, whose requests have equal ids, get their own answers and reports`, async (t) => {
    const server = await start(t, { config: lasting({ sessions }) })
    const ways = httpDoors(sessions === 'stateful').filter(({ traits }) => kinds.includes(traits.name))
    t.equal(ways.length, kinds.length)
    const crowd = await Promise.all(ways.flatMap(({ open }) => Array.from({ length: perKind }, async () => await open(t, { server, file: server.file, env: {} }))))
    const size = crowd.length

    const seen = await Promise.all(crowd.map(async (door, index) => {
      const value = `guest ${index}`
      const reports: unknown[] = []
      const outcome = await door.call('meet', { room: 'hall', size, value }, { onProgress: ({ message }) => { reports.push(message) } })
      return { outcome, reports }
    }))
    t.equal(size, 100)
    t.strictSame(seen, crowd.map((_, index) => ({
      outcome: said(`{"value":"guest ${index}"}`, { structuredContent: { value: `guest ${index}` } }),
      reports: [`Welcome, guest ${index}.`]
    })))
    await Promise.all(crowd.map((door) => door.close()))
  })
}

t.test('a client cancels its own call and not that of a neighbour with the same id', async (t) => {
  const server = await start(t, { config: lasting() })
  for (const { traits, open } of httpDoors(true).filter(({ traits }) => kinds.includes(traits.name))) {
    const [one, other] = [await open(t, { server, file: server.file, env: {} }), await open(t, { server, file: server.file, env: {} })]
    const keys = { one: `one of ${traits.name}`, other: `other of ${traits.name}` }
    const controller = new AbortController()
    const calls = [one.call('wait', { key: keys.one }, { signal: controller.signal }), other.call('wait', { key: keys.other })]
    for (const key of Object.values(keys)) await one.call('until', { key, states: ['running'] })
    controller.abort()
    t.strictSame(await other.call('until', { key: keys.one, states: ['aborted'] }), said('aborted'), traits.name)
    t.strictSame(await one.call('release', { key: keys.other }), said('done'), traits.name)
    t.strictSame(await Promise.all(calls), [{ cancelled: true }, said('Done.')], traits.name)
  }
})

t.test('a hundred calls at once over stdio, of both eras, get their own answers', async (t) => {
  const program = run(t, [commandLine, 'stdio', writeConfig(t, lasting())])
  const size = 100
  const modern = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
  program.write(Array.from({ length: size }, (_, id) => {
    const params = { name: 'meet', arguments: { room: 'hall', size, value: id }, ...(id % 2 === 0 && { _meta: modern }) }
    return `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`
  }).join(''))
  await until('all are answered', () => program.stdout.length === size)
  const answers = program.stdout.map((line) => JSON.parse(line) as { id: number, result: { content: [{ text: string }], resultType?: string } })
  for (const { id, result } of answers) {
    t.strictSame({ text: result.content[0].text, type: result.resultType }, { text: `{"value":${id}}`, type: id % 2 === 0 ? 'complete' : undefined }, `call ${id}`)
  }
  t.equal(new Set(answers.map(({ id }) => id)).size, size)
})
