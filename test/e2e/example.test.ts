import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freePort, root, start } from '../helpers/server.ts'
import { type DoorWay, httpDoors, stdioDoors } from './doors/index.ts'
import { example } from './promises/example.ts'
import { check } from './promises/promise.ts'

/** What sets the older revisions apart is shown with the other configuration. */
const today = ({ traits }: DoorWay): boolean => traits.revision >= '2025-11-25'

const file = join(root, 'config/example.json')

t.test('the example keeps its promises over HTTP, as it stands', async (t) => {
  // It calls itself, so it has to know its port beforehand.
  const server = await start(t, { file, env: { PORT: String(await freePort()) } })
  check(t, httpDoors(true).filter(today), example, async () => ({ server, file, env: {} }))
})

t.test('the example keeps its promises over HTTP without sessions', async (t) => {
  const config = JSON.parse(readFileSync(file, 'utf8')) as { server: object }
  const stateless = { ...config, server: { ...config.server, protocol: { sessions: 'stateless' } } }
  // Paths that lead nowhere from the file are tried from the working directory.
  const server = await start(t, { config: stateless, cwd: join(root, 'config'), env: { PORT: String(await freePort()) } })
  check(t, httpDoors(false).filter(today), example, async () => ({ server, file, env: {} }))
})

t.test('the example keeps its promises over stdio', async (t) => {
  const PORT = String(await freePort())
  check(t, stdioDoors().filter(today), example, async () => ({ server: undefined, file, env: { PORT } }))
})
