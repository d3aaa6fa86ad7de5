import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createKey } from '../src/auth/key-format.ts'
import { loadText, loadValue } from './helpers/load-text.ts'
import { root } from './helpers/server.ts'
import { fencedBlocks } from './helpers/shell-example.ts'

const network = readFileSync(join(root, 'docs/network.md'), 'utf8')
const keys = readFileSync(join(root, 'docs/keys.md'), 'utf8')
const env = { API_KEY_SALT: 'salt', CI_KEY: 'k'.repeat(32) }

t.test('every configuration on the network page loads, without a note', async (t) => {
  const blocks = fencedBlocks(network, 'yaml')
  t.equal(blocks.length, 3)
  for (const block of blocks) t.match(await loadText(t, block, { name: 'gantry.yaml', env }), { faults: [], notices: [] }, block)
})

t.test('the entry on the page about keys loads, and the pattern for scanners finds keys', async (t) => {
  const [entry = ''] = fencedBlocks(keys, 'json')
  t.match(await loadValue(t, { security: { authentication: { apiKeys: [JSON.parse(entry) as object] } } }, { env }), { faults: [], notices: [] })
  const pattern = /`(gantry_\[[^`]+)`/.exec(keys)?.[1] ?? 'missing'
  t.match(createKey(), new RegExp(`^${pattern}$`))
})
