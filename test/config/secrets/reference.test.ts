import t from 'tap'
import { configFromObject, loadConfigFromObject } from '../../../src/config/load.ts'
import { findReferences, readReference } from '../../../src/config/secrets/reference.ts'
import { startAwsSecrets } from '../../helpers/aws-secrets-server.ts'
import { loadValue, soundTool } from '../../helpers/load-text.ts'
import { startVault } from '../../helpers/vault-server.ts'

t.test('a reference is taken apart at the first "#"', async (t) => {
  t.strictSame(readReference('vault:secret/mcp/api-keys#ci'), { value: { scheme: 'vault', id: 'secret/mcp/api-keys', field: 'ci' } })
  t.strictSame(readReference('vault:a/b:c#d#e'), { value: { scheme: 'vault', id: 'a/b:c', field: 'd#e' } })
  t.strictSame(readReference('aws:mcp/api-keys'), { value: { scheme: 'aws', id: 'mcp/api-keys', field: undefined } })
  t.strictSame(readReference('aws:arn:aws:secretsmanager:eu-1:1:secret:x-AbCdEf#f'), { value: { scheme: 'aws', id: 'arn:aws:secretsmanager:eu-1:1:secret:x-AbCdEf', field: 'f' } })
})

const wrong: readonly [string, RegExp][] = [
  ['vault:', /it names no secret\.$/],
  ['vault:#x', /it names no secret\.$/],
  ['vault:secret/a', /which field of the secret is meant\.$/],
  ['vault:secret/a#', /it names no field after the "#"\.$/],
  ['vault:secret#x', /not a mount and a path/],
  ['vault:/secret/a#x', /not a mount and a path/],
  ['vault:secret//a#x', /not a mount and a path/],
  ['vault:secret/a/#x', /not a mount and a path/],
  ['vault:secret/../sys/seal#x', /not a mount and a path/],
  ['vault:secret/./a#x', /not a mount and a path/],
  ['vault:secret/a\nb#x', /a character that no name of a secret has\.$/],
  ['vault:secret/\ud800#x', /a character that no name of a secret has\.$/],
  ['vault:secret/a#x:-hunter2', /takes no default\.$/],
  ['aws:', /it names no secret\.$/],
  ['aws:#x', /it names no secret\.$/],
  ['aws:id#', /it names no field after the "#"\.$/],
  ['aws:id:-hunter2', /takes no default\.$/]
]
t.test('what is written wrong is a fault in its place, and nothing is asked', async (t) => {
  const vault = await startVault(t)
  const aws = await startAwsSecrets(t)
  const env = { ...aws.env, VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token' }
  const { faults } = await loadValue(t, { tools: wrong.map(([inner], index) => soundTool(`t${index}`, { description: `\${${inner}}` })) }, { env })
  t.equal(faults.length, wrong.length)
  for (const [index, [inner, message]] of wrong.entries()) {
    const form = inner.startsWith('vault') ? 'Write ${vault:mount/path#field}.' : 'Write ${aws:secret-id} or ${aws:secret-id#field}.'
    t.match(faults[index], { path: ['tools', index, 'description'], line: Number, column: Number, message, suggestion: form }, JSON.stringify(inner))
  }
  t.notMatch(JSON.stringify(faults), /hunter2/)
  t.strictSame([vault.requests, aws.asked], [[], []])
})

t.test('references are found where placeholders mean something, each once', async (t) => {
  const found = findReferences({
    name: '${vault:secret/a#x} ${NAME} $${vault:secret/escaped#x} ${vault:secret/a#x}',
    '${vault:secret/key#x}': 1,
    tools: [
      { handler: { type: 'inline', code: '`${vault:secret/code#x}`' } },
      { handler: { type: 'http', url: 'http://a/${args.x}', headers: { authorization: 'Bearer ${aws:b}' }, requestTransform: '`${aws:code}`' } }
    ]
  })
  t.strictSame([...found], ['vault:secret/a#x', 'aws:b'])
})

t.test('Vault, AWS, files and the environment stand side by side, and in http handlers beside arguments', async (t) => {
  const vault = await startVault(t, { secrets: { 'secret/a': { x: 'from ${args.vault}' } } })
  const aws = await startAwsSecrets(t, { secrets: { b: 'from-aws' } })
  const handler = { type: 'http', url: 'http://a/${args.id}', headers: { 'x-a': '${vault:secret/a#x} ${aws:b} ${file:c} ${D} ${args.e}' } }
  const { config, faults } = await loadValue(t, { tools: [{ name: 'x', handler }] }, { env: { ...aws.env, VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token', D: 'from-env' }, files: { c: 'from-file' } })
  t.strictSame(faults, [])
  t.match(config?.tools[0]?.handler, { url: 'http://a/${args.id}', headers: { 'x-a': 'from $${args.vault} from-aws from-file from-env ${args.e}' } })
})

t.test('many references at once are no leak', async (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `n${index}`)
  const vault = await startVault(t, { secrets: Object.fromEntries(names.map((name) => [`secret/${name}`, { x: name }])) })
  const aws = await startAwsSecrets(t, { secrets: Object.fromEntries(names.map((name) => [name, name])) })
  const warnings: string[] = []
  const note = ({ name }: Error): void => { warnings.push(name) }
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  const { config, faults } = await loadValue(t, { tools: names.map((name) => soundTool(name, { description: `\${vault:secret/${name}#x} \${aws:${name}}` })) }, { env: { ...aws.env, VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token' } })
  t.strictSame(faults, [])
  t.strictSame(config?.tools.map(({ description }) => description), names.map((name) => `${name} ${name}`))
  t.strictSame(warnings.filter((name) => name !== 'NodeVersionSupportWarning'), [])
})

t.test('a program that holds its configuration waits with loadConfigFromObject; configFromObject says so', async (t) => {
  const vault = await startVault(t, { secrets: { 'secret/a': { x: 'found' } } })
  const value = { description: '${vault:secret/a#x}', instructions: '${aws:b}' }
  t.match(configFromObject(value).faults, [
    { path: ['description'], message: '"${vault:secret/a#x}" cannot be resolved: configFromObject does not wait for the network.', suggestion: 'Use loadConfigFromObject, which does.' },
    { path: ['instructions'], message: /does not wait/ }
  ])
  const { config, faults } = await loadConfigFromObject({ description: value.description }, { env: { VAULT_ADDR: vault.address, VAULT_TOKEN: 'test-token' } })
  t.strictSame(faults, [])
  t.equal(config?.description, 'found')
  t.match(await loadConfigFromObject({ name: 'plain' }), { config: { name: 'plain' }, faults: [] })
})
