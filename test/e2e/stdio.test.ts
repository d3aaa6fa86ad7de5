import t from 'tap'
import { writeConfig } from '../helpers/server.ts'
import { stdioDoors } from './doors/index.ts'
import { everything } from './fixtures/everything.ts'
import { startApi } from './fixtures/upstream.ts'
import { promises } from './promises/index.ts'
import { check } from './promises/promise.ts'

const api = await startApi(t)
const file = writeConfig(t, everything({ api }), 'yaml')

t.test('a server that its client starts keeps every promise', async (t) => {
  check(t, stdioDoors(), promises, async () => ({ server: undefined, file, env: {} }))
})
