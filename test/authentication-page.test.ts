import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatFaults } from '../src/config/format-faults.ts'
import { metadataText } from '../src/core/protected-resource.ts'
import { loadValue } from './helpers/load-text.ts'
import { root } from './helpers/server.ts'
import { fencedBlocks } from './helpers/shell-example.ts'

const page = readFileSync(join(root, 'docs/authentication.md'), 'utf8')
const blocks = fencedBlocks(page, 'json').map((block) => JSON.parse(block) as Record<string, unknown>)
const env = { CI_KEY: 'the-key-of-ci-which-is-long-enough', API_KEY_SALT: 'salt' }

t.test('every configuration that the page shows is sound, and the metadata is that of the last one', async (t) => {
  const [first, second, metadata, ...rest] = blocks
  t.strictSame(rest, [])
  for (const config of [first, second]) t.equal(formatFaults((await loadValue(t, config, { env })).faults, 'authentication.md'), '')
  const { config } = await loadValue(t, second, { env })
  const oauth = config?.security.authentication?.oauth
  t.strictSame(oauth === undefined ? undefined : JSON.parse(metadataText(oauth, 'my-server')), metadata)
})

t.test('every page that it links to is there', async (t) => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)
  t.ok(links.length > 1)
  for (const link of links) t.ok(existsSync(join(root, 'docs', link)), link)
})
