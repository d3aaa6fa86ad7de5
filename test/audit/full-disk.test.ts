import { join } from 'node:path'
import t from 'tap'
import { build, modern, openSession, post, rest, textOf, type JsonObject } from '../helpers/build.ts'
import { keepingLogger } from '../helpers/exchange.ts'
import { fullDisks } from '../helpers/full-disk.ts'
import { deferred, until } from '../helpers/waiting.ts'
import { check, linesIn } from './support.ts'

/** Makes the disk full, and the file notice it. */
async function exhaust (call: () => Promise<number>): Promise<void> {
  for (let count = 0; count < 100; count++) if (await call() !== 200) return
  throw new Error('The disk is not full.')
}

t.test('"block": while the disk is full no call runs and nothing is answered unrecorded, at every door; then all goes on', async (t) => {
  for (const disk of fullDisks(t)) {
    await t.test(disk.name, async (t) => {
      let entered = 0
      const begun = deferred()
      const end = deferred<string>()
      const app = await build(t, { security: { audit: { logFile: join(disk.folder, 'audit.log') } } }, {
        tools: { work: () => { entered++; return 'done' }, later: async () => { begun.resolve(); return await end.promise } }, logger: keepingLogger() as never
      })
      const file = join(disk.folder, 'audit.log')
      const session = await openSession(app)
      const running = modern(app, 'tools/call', { name: 'later' })
      await begun.promise
      disk.fill()
      await exhaust(async () => (await rest(app, 'work')).status)
      const before = entered

      const overRest = await rest(app, 'work')
      t.match([overRest.status, overRest.headers['retry-after'], overRest.body], [503, '2', { code: 'MCP_AUDIT_UNAVAILABLE', detail: /does nothing unrecorded/ }])
      const overMcp = await modern(app, 'tools/call', { name: 'work' })
      t.match([overMcp.status, overMcp.message], [503, { error: { code: -32603, message: /does nothing unrecorded/ } }])
      t.match((await session.call('tools/call', { name: 'work' })).message, { error: { code: -32603, message: /does nothing unrecorded/ } })
      for (const [method, params] of [['tools/list', {}], ['completion/complete', {}], ['resources/subscribe', { uri: 'a://b' }], ['ping', {}]] as const) {
        t.match((await session.call(method, params)).message, { error: { message: /does nothing unrecorded/ } }, method)
      }
      t.equal((await app.inject('/tools')).statusCode, 503)
      const opened = await post(app, { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } } })
      t.match([opened.status, opened.headers['mcp-session-id']], [503, undefined])
      t.equal(entered, before, 'no handler was entered')
      t.equal((await app.inject('/health')).statusCode, 200, 'what is not recorded works')
      t.equal((await app.inject('/nowhere')).statusCode, 404, 'what is refused anyhow is refused')

      end.resolve('done')
      const late = await running
      if (disk.hasRoom) t.equal(textOf(late), 'done', 'what ran has its line and its answer')
      else t.match(late.message, { error: { message: /does nothing unrecorded/ } })

      disk.free()
      let status = 0
      await until('calls run again', () => { void rest(app, 'work').then((answer) => { status = answer.status }); return status === 200 })
      t.match(check(file), { fault: undefined })
      const lines = linesIn(file)
      t.ok(lines.some(({ name, outcome }) => name === 'later' && outcome === 'ok'), 'what ran is recorded, even if its client got an error')
      t.equal(lines.filter(({ name }) => name === 'work').length, entered)
      t.match(lines.find(({ event }) => event === 'audit.dropped'), { dropped: 1, refused: Number })
    })
  }
})

t.test('"drop": while the disk is full calls run and are answered; what is missing is counted', async (t) => {
  for (const disk of fullDisks(t)) {
    await t.test(disk.name, async (t) => {
      const file = join(disk.folder, 'audit.log')
      const log = keepingLogger()
      const app = await build(t, { security: { audit: { logFile: file, onFull: 'drop' } } }, { tools: { work: () => 'done' }, logger: log as never })
      disk.fill()
      for (let count = 0; count < 50; count++) t.equal((await rest(app, 'work')).status, 200)
      const kept = linesIn(file).length
      t.ok(kept < 40)
      disk.free()
      let calls = 50
      for (;;) {
        await rest(app, 'work')
        calls++
        if (linesIn(file).length > kept) break
      }
      const dropped: JsonObject = linesIn(file)[kept] ?? {}
      t.match(dropped, { event: 'audit.dropped', refused: 0 })
      t.equal(linesIn(file).filter(({ event }) => event === 'tool.call').length + Number(dropped['dropped']), calls)
      t.match(check(file), { fault: undefined })
      t.strictSame(log.lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ sentence }) => sentence), [
        'The audit log cannot be written: until it can, its lines are dropped (security.audit.onFull).', 'The audit log can be written again.'
      ])
    })
  }
})
