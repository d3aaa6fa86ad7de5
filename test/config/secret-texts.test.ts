import t, { type Test } from 'tap'
import type { LoadedConfig } from '../../src/config/load.ts'
import { loadValue } from '../helpers/load-text.ts'

/** What the redactor leaves of a text in which everything stands that may be a secret. */
async function leaves (t: Test, config: object, text: string, env: Record<string, string> = {}): Promise<string> {
  const { redactor } = await loadValue(t, config, { env, files: { s: 'from-the-file\n' } })
  return redactor.text(text)
}

t.test('secret keys are secret however they are written', async (t) => {
  t.equal(await leaves(t, { redis: { password: 'written-in-file' } }, 'a written-in-file b'), 'a [redacted] b')
  t.equal(await leaves(t, { redis: { password: '${PW}' } }, 'a from-variable b', { PW: 'from-variable' }), 'a [redacted] b')
  t.equal(await leaves(t, { redis: { password: '${NO:-the-default}' } }, 'a the-default b'), 'a [redacted] b')
  t.equal(await leaves(t, { redis: {} }, 'a from-override b', { REDIS_PASSWORD: 'from-override' }), 'a [redacted] b')
})

t.test('what comes from a file is secret wherever it stands, and what comes from the environment only where its key is', async (t) => {
  t.equal(await leaves(t, { name: '${file:s}', version: '${V}' }, 'from-the-file, from-variable', { V: 'from-variable' }), '[redacted], from-variable')
})

t.test('the password of a URL is secret by itself, as it is written and as it is meant', async (t) => {
  for (const config of [{ redis: { url: 'redis://user:p%40ss-w0rd@host:1/0' } }, { redis: { url: 'redis://user:${PW}@host:1/0' } }]) {
    t.equal(await leaves(t, config, 'redis://user:p%40ss-w0rd@host:1/0, p%40ss-w0rd, p@ss-w0rd, user, host', { PW: 'p%40ss-w0rd' }), '[redacted], [redacted], [redacted], user, host')
  }
  t.equal(await leaves(t, { redis: { url: 'redis://:100%-mine@host' } }, '100%-mine'), '[redacted]')
})

t.test('an address without credentials is no secret: the log names it', async (t) => {
  t.equal(await leaves(t, { redis: { url: 'redis://host:6379' } }, 'redis://host:6379/0'), 'redis://host:6379/0')
  t.equal(await leaves(t, {}, 'postgres://host/name', { DATABASE_URL: 'postgres://host/name' }), 'postgres://host/name')
  t.equal(await leaves(t, {}, 'postgres://host/name?password=hunter2', { DATABASE_URL: 'postgres://host/name?password=hunter2' }), '[redacted]')
})

t.test('of a header, the words that can be a secret are; harmless headers are not', async (t) => {
  const headers = { authorization: 'Bearer the-token-of-it', 'x-key': 'pre=${K};post', accept: 'application/json' }
  const config = { tools: [{ name: 'h', handler: { type: 'http', url: 'http://a', headers } }] }
  t.equal(await leaves(t, config, 'Bearer the-token-of-it; the-token-of-it; only-the-key; application/json', { K: 'only-the-key' }), 'Bearer [redacted]; [redacted]; [redacted]; application/json')
})

t.test('variables that hold nothing but secrets are secret, whatever the file says', async (t) => {
  const names = ['API_KEY_SALT', 'SESSION_SECRET', 'REDIS_URL', 'REDIS_PASSWORD', 'DATABASE_URL', 'DB_PASSWORD', 'VAULT_TOKEN', 'VAULT_SECRET_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
  const env = Object.fromEntries(names.map((name) => [name, name.endsWith('URL') ? `redis://:${name}-password@host` : `${name}-value`]))
  const text = names.map((name) => name.endsWith('URL') ? `${name}-password` : `${name}-value`).join(' ')
  t.equal(await leaves(t, {}, text, env), names.map(() => '[redacted]').join(' '))
})

t.test('a file with faults, and no file at all, have their secrets taken out, too', async (t) => {
  t.equal(await leaves(t, { nope: 1, redis: { password: 'written-in-file' } }, 'written-in-file'), '[redacted]')
  t.equal(await leaves(t, ['${file:s}'], 'from-the-file the-session-secret', { SESSION_SECRET: 'the-session-secret' }), '[redacted] [redacted]')
})

t.test('a placeholder that failed is no secret: it is what faults show', async (t) => {
  const { redactor, faults } = await loadValue(t, { redis: { password: '${NOT_THERE}' } })
  t.equal(faults.length, 1)
  t.equal(redactor.text('"${NOT_THERE}" needs it'), '"${NOT_THERE}" needs it')
})

t.test('the message of a fault that is found later shows nothing that placeholders brought', async (t) => {
  const { redactFault }: LoadedConfig = await loadValue(t, { name: '${V}', redis: { password: 'written-in-file' } }, { env: { V: 'from-variable' } })
  t.equal(redactFault('from-variable written-in-file'), '[redacted] [redacted]')
})
