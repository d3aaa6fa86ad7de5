import t from 'tap'
import { start } from '../helpers/server.ts'
import { httpDoors } from './doors/index.ts'
import { everything } from './fixtures/everything.ts'
import { startApi } from './fixtures/upstream.ts'
import { promises } from './promises/index.ts'
import { check } from './promises/promise.ts'

const api = await startApi(t)

for (const sessions of ['stateful', 'stateless'] as const) {
  t.test(`a ${sessions} server keeps every promise`, async (t) => {
    const server = await start(t, { config: everything({ api, sessions }) })
    check(t, httpDoors(sessions === 'stateful'), promises, async () => ({ server, file: server.file, env: {} }))
  })
}
