import { join } from 'node:path'
import t, { type Test } from 'tap'
import { faultsToJson, formatFaults } from '../../../src/config/format-faults.ts'
import type { LoadedConfig } from '../../../src/config/load.ts'
import { startAwsSecrets } from '../../helpers/aws-secrets-server.ts'
import { loadText, loadValue } from '../../helpers/load-text.ts'
import { freePort, fromSources, root, run } from '../../helpers/server.ts'
import { until } from '../../helpers/waiting.ts'

async function load (t: Test, description: string, env: Record<string, string>): Promise<LoadedConfig> {
  return await loadValue(t, { description }, { env })
}

t.test('the whole text of a secret, or a member of its JSON, stands in the place of its reference', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { 'mcp/api-keys': '{"ci":"s3cret-of-ci"}', plain: 'only a text\n' } })
  const { config, faults, isSecret, redactor } = await loadValue(t, { name: '${aws:mcp/api-keys#ci}', description: '${aws:mcp/api-keys}', instructions: '[${aws:plain}]' }, { env: aws.env })
  t.strictSame(faults, [])
  t.match(config, { name: 's3cret-of-ci', description: '{"ci":"s3cret-of-ci"}', instructions: '[only a text\n]' })
  t.ok(isSecret(['name']))
  t.equal(redactor.text('it was s3cret-of-ci'), 'it was [redacted]')
  t.strictSame([...aws.asked].sort(), ['mcp/api-keys', 'plain'], 'one request for each secret')
  t.strictSame([...new Set(aws.regions)], ['eu-test-1'])
})

t.test('an ARN names a secret, too', async (t) => {
  const arn = 'arn:aws:secretsmanager:eu-test-1:123456789012:secret:mcp/api-keys-AbCdEf'
  const aws = await startAwsSecrets(t, { secrets: { [arn]: '{"port":8080}' } })
  const { config, faults } = await loadValue(t, { port: `\${aws:${arn}#port}` }, { env: aws.env })
  t.strictSame(faults, [])
  t.equal(config?.port, 8080)
})

t.test('the session token goes with the keys', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { a: 'found' }, sessionToken: 'the-session-token' })
  t.equal((await load(t, '${aws:a}', aws.env)).config?.description, 'found')
  await until('no connection is left', () => aws.connections() === 0)
})

t.test('AWS_DEFAULT_REGION and the endpoint of the one service do as well', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { a: 'found' } })
  const { AWS_REGION: _, ...env } = aws.env
  const { config } = await load(t, '${aws:a}', { ...env, AWS_DEFAULT_REGION: 'us-test-2', AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint })
  t.equal(config?.description, 'found')
  t.strictSame(aws.regions, ['us-test-2'])
})

t.test('a profile of the shared files is used, as by the tools of AWS', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { a: 'found' } })
  const { AWS_ENDPOINT_URL = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = aws.env
  const folder = t.testdir({
    credentials: `[work]\naws_access_key_id = ${AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}\n`,
    config: '[profile work]\nregion = eu-profile-1\n',
    'gantry.json': '{ "description": "${aws:a}" }'
  })
  const script = `import { loadConfig } from ${JSON.stringify(join(root, 'src/config/load.ts'))}\nconst { config, faults } = await loadConfig({ file: 'gantry.json' })\nconsole.log(JSON.stringify({ description: config?.description, faults }))`
  const program = run(t, [fromSources, '--input-type=module', '-e', script], {
    cwd: folder,
    env: {
      AWS_ENDPOINT_URL,
      AWS_PROFILE: 'work',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
      AWS_CONFIG_FILE: join(folder, 'config'),
      // Those of a profile that is named go before these.
      AWS_ACCESS_KEY_ID: 'other',
      AWS_SECRET_ACCESS_KEY: 'other'
    }
  })
  t.equal(await program.line(/description|faults/), '{"description":"found","faults":[]}')
  t.strictSame(aws.regions, ['eu-profile-1'])
})

t.test('throttling and failures of the moment are tried again', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { a: 'found' } })
  aws.next.push({ status: 400, type: 'ThrottlingException' }, { status: 500, type: 'InternalServiceError' })
  t.equal((await load(t, '${aws:a}', aws.env)).config?.description, 'found')
  t.equal(aws.asked.length, 3)
  aws.next.push(...Array.from({ length: 5 }, () => ({ status: 400, type: 'ThrottlingException' })))
  t.match((await load(t, '${aws:a}', aws.env)).faults, [{ message: /refuses more requests at the moment\.$/, suggestion: /Try again/ }])
  t.equal(aws.asked.length, 6, 'three times at most')
})

const refused: readonly [string, string, RegExp, RegExp][] = [
  ['a secret that is not there', 'none#x', /^"\$\{aws:none#x\}" cannot be resolved: AWS Secrets Manager has no such secret, or no value in it, in this region\.$/, /AWS_REGION/],
  ['a permission that is missing', 'forbidden', /AWS denies the permission\.$/, /secretsmanager:GetSecretValue.*kms:Decrypt/],
  ['a secret that is about to be deleted', 'leaving', /about to be deleted\.$/, /restore-secret/],
  ['a key that does not decrypt', 'locked', /cannot decrypt the secret\.$/, /KMS/],
  ['an error that nobody knows', 'strange', /failed with status 400 \(UnheardOfException\)\.$/, /get-secret-value/],
  ['a binary secret', 'binary', /the secret in AWS Secrets Manager is binary/, /SecretString/],
  ['a field of what is no JSON', 'plain#x', /not a JSON object, so it has no fields\.$/, /Leave out "#"/],
  ['a field of a list', 'list#0', /not a JSON object/, /Leave out "#"/],
  ['a field that is not there', 'json#y', /the secret has no field "y"\.$/, /Correct the name/],
  ['a field that is an object', 'json#deep', /the field "deep" of the secret is not a text\.$/, /Keep it as a text/]
]
t.test('each reference that fails is a fault of its own, with its place and what to do', async (t) => {
  const aws = await startAwsSecrets(t, {
    secrets: { binary: Buffer.from('hidden-value'), plain: 'hidden-value', list: '["hidden-value"]', json: '{"x":"hidden-value","deep":{"y":"hidden-value"}}' },
    errors: { forbidden: 'AccessDeniedException', leaving: 'InvalidRequestException', locked: 'DecryptionFailure', strange: 'UnheardOfException' }
  })
  const text = `tools:\n${refused.map(([, id], index) => `  - { name: t${index}, description: "\${aws:${id}}", handler: { type: registry, name: f } }\n`).join('')}`
  const { faults, config } = await loadText(t, text, { name: 'c.yaml', env: aws.env })
  t.equal(config, undefined)
  t.equal(faults.length, refused.length)
  for (const [index, [name, , message, suggestion]] of refused.entries()) t.match(faults[index], { path: ['tools', index, 'description'], line: index + 2, column: 30, message, suggestion }, name)
  const shown = [formatFaults(faults, 'c.yaml'), JSON.stringify(faultsToJson(faults))].join('\n')
  for (const secret of ['hidden-value', aws.env['AWS_SECRET_ACCESS_KEY'] ?? '', 'The words of']) t.notMatch(shown, secret)
})

t.test('keys that AWS does not know, and a secret key that is not theirs', async (t) => {
  const aws = await startAwsSecrets(t, { secrets: { a: 'x' } })
  for (const wrong of [{ AWS_ACCESS_KEY_ID: 'AKIDOTHER' }, { AWS_SECRET_ACCESS_KEY: 'not-the-secret-key' }, { AWS_SESSION_TOKEN: 'none-is-expected' }]) {
    const { faults } = await load(t, '${aws:a}', { ...aws.env, ...wrong })
    t.match(faults, [{ message: /AWS does not accept the credentials\.$/, suggestion: /get-caller-identity/ }])
    t.notMatch(JSON.stringify(faults), /AKIDOTHER|not-the-secret-key|none-is-expected/)
  }
})

t.test('an AWS that cannot be reached, or does not answer in time', async (t) => {
  const aws = await startAwsSecrets(t)
  const { faults } = await load(t, '${aws:a}', { ...aws.env, AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` })
  t.match(faults, [{ message: /AWS Secrets Manager cannot be reached: the connection was refused \(ECONNREFUSED\)\.$/, suggestion: /AWS_ENDPOINT_URL/ }])
  aws.silent = true
  t.match((await load(t, '${aws:a}', { ...aws.env, SECRETS_TIMEOUT: '150' })).faults, [{ message: /there was no answer within 150 ms\.$/, line: 2 }])
  await until('no connection is left', () => aws.connections() === 0)
})

t.test('an endpoint or a region that is none is a fault, not a crash', async (t) => {
  const aws = await startAwsSecrets(t)
  for (const wrong of [{ AWS_ENDPOINT_URL: 'nonsense' }, { AWS_REGION: 'no region/at all' }]) {
    t.match((await load(t, '${aws:a}', { ...aws.env, ...wrong })).faults, [{ path: ['description'], message: /^"\$\{aws:a\}" cannot be resolved: AWS Secrets Manager (failed|has no)/ }])
  }
})

t.test('without a region, and without credentials, the fault says what to set', async (t) => {
  const folder = t.testdir({ 'gantry.json': '{ "description": "${aws:a}" }' })
  const script = `import { loadConfig } from ${JSON.stringify(join(root, 'src/config/load.ts'))}\nconst { faults: [fault] } = await loadConfig({ file: 'gantry.json' })\nconsole.log(JSON.stringify(fault))`
  const nothing = { AWS_EC2_METADATA_DISABLED: 'true', AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'), AWS_CONFIG_FILE: join(folder, 'none'), HOME: folder, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
  for (const [env, message, suggestion] of [
    [{}, /no AWS region is set\.$/, 'Set AWS_REGION.'],
    [{ AWS_REGION: 'eu-test-1' }, /there are no AWS credentials\.$/, /^Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/]
  ] as const) {
    const program = run(t, [fromSources, '--input-type=module', '-e', script], { cwd: folder, env: { ...nothing, ...env } })
    t.match(JSON.parse(await program.line(/"path"/)), { path: ['description'], message, suggestion, line: 1 })
  }
})
