import t from 'tap'
import { builtInHandlers, withBuiltInHandlers } from '../../src/tools/built-in-handlers.ts'
import { build, modern, rest, textOf } from '../helpers/build.ts'

const config = {
  tools: [
    { name: 'echo', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'gantry.echo' } },
    { name: 'time', inputSchema: { type: 'object' }, handler: { type: 'registry', name: 'gantry.time' } }
  ]
}

t.test('every program has the functions gantry.echo and gantry.time', async (t) => {
  t.strictSame([...builtInHandlers.keys()], ['gantry.echo', 'gantry.time'])
})

t.test('gantry.echo returns its arguments, even where they look like a result', async (t) => {
  const app = await build(t, config)
  for (const args of [{}, { a: [1, { b: null }] }, { content: [{ type: 'text', text: 'x' }], isError: true }]) {
    const { status, body } = await rest(app, 'echo', args)
    t.equal(status, 200)
    t.strictSame(body['structuredContent'], args)
  }
})

t.test('gantry.time tells the time in UTC, or in the zone it is asked for', async (t) => {
  const app = await build(t, config)
  for (const [args, form] of [[{}, /Z$/], [{ timeZone: 'UTC' }, /Z$/], [{ timeZone: 'Asia/Kolkata' }, /\+05:30$/], [{ timeZone: 'America/Phoenix' }, /-07:00$/]] as const) {
    const before = Math.floor(Date.now() / 1000) * 1000
    const { time, timeZone } = (await rest(app, 'time', args)).body['structuredContent'] as { time: string, timeZone: string }
    t.match(time, form)
    t.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now(), `${time} is now`)
    t.equal(timeZone, 'timeZone' in args ? args.timeZone : 'UTC')
  }
})

t.test('gantry.time says what a time zone is called when it gets none', async (t) => {
  const app = await build(t, config)
  for (const timeZone of ['Mars/Base', '', 1, null]) {
    const { status, body } = await rest(app, 'time', { timeZone })
    t.equal(status, 400)
    t.match(body, { code: 'MCP_ARGUMENTS_INVALID', errors: [{ path: '/timeZone', message: /IANA time zone such as "Europe\/Paris"/ }] })
  }
  const answer = await modern(app, 'tools/call', { name: 'time', arguments: { timeZone: 'Mars/Base' } })
  t.equal(answer.message.result?.isError, true)
  t.match(textOf(answer), 'IANA time zone')
})

t.test('functions of an embedding program stand beside the built-in ones', async (t) => {
  const own = new Map([['shout', (): string => 'HEY']])
  t.strictSame([...withBuiltInHandlers(own).keys()].sort(), ['gantry.echo', 'gantry.time', 'shout'])
  t.strictSame([...own.keys()], ['shout'], 'the map of the program is left as it is')
})

t.test('a name that begins with "gantry." is refused, so that nothing is replaced unnoticed', async (t) => {
  for (const name of ['gantry.echo', 'gantry.later']) {
    await t.rejects(build(t, {}, { handlers: { [name]: () => '' } }), { message: `The handler "${name}" needs another name: names that begin with "gantry." are Gantry's own.` })
  }
})
