import t from 'tap'
import { Turns } from '../../src/auth/turns.ts'
import { deferred, turn } from '../helpers/waiting.ts'

t.test('what is done for one address is done in order, and other addresses do not wait', async (t) => {
  const turns = new Turns()
  const log: string[] = []
  const gate = deferred()
  const first = turns.take('a', async () => { log.push('first begins'); await gate.promise; log.push('first ends') })
  const second = turns.take('a', async () => { log.push('second') })
  await turns.take('b', async () => { log.push('other') })
  await turn()
  t.strictSame(log, ['first begins', 'other'])
  gate.resolve()
  await Promise.all([first, second])
  t.strictSame(log, ['first begins', 'other', 'first ends', 'second'])
})

t.test('a failure is that of its own turn', async (t) => {
  const turns = new Turns()
  const failed = turns.take('a', async () => { throw new Error('mine') })
  const next = turns.take('a', async () => 'fine')
  await t.rejects(failed, { message: 'mine' })
  t.equal(await next, 'fine')
  t.equal(await turns.take('a', async () => 'again'), 'again')
})
