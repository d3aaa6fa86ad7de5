import t from 'tap'
import { build } from '../../helpers/build.ts'
import { listen, LiveSession } from '../../helpers/live.ts'
import { deferred } from '../../helpers/waiting.ts'

t.test('a stream that is opened while its session ends is ended, whichever of the two is noticed first', async (t) => {
  const app = await build(t)
  const { sessions } = app
  if (sessions === undefined) throw new Error('The app keeps sessions.')
  const session = await LiveSession.open(await listen(app))
  const { get } = sessions
  const [found, ended] = [deferred(), deferred()]
  // The session was found, and then this instance learns first that it has ended, and only then that it was found.
  sessions.get = async (id) => {
    sessions.get = get
    const record = await get.call(sessions, id)
    found.resolve()
    await ended.promise
    return record
  }
  const opening = session.get()
  await found.promise
  t.equal(await session.end(), 204)
  const endedAt = Date.now()
  ended.resolve()
  t.strictSame(await (await opening).rest(), [])
  t.ok(Date.now() - endedAt < 20_000, 'at once, not when sessions are looked after')
})
