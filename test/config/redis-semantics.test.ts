import t from 'tap'
import { loadValue } from '../helpers/load-text.ts'

const sentinels = [{ host: '10.0.0.1' }, { host: '10.0.0.2', port: 26_380 }]
const cluster = [{ host: '10.0.0.1' }, { host: 'redis-2', port: 7001 }]
const tls = { tls: true, tlsOptions: { ca: 'ca.pem', servername: 'redis.example' } }

const sound: readonly [what: string, redis: object][] = [
  ['a host', { host: 'redis' }],
  ['sentinels', { sentinels, name: 'main', sentinelPassword: 'p', password: 'q', db: 2 }],
  ['sentinels that speak TLS', { sentinels, name: 'main', ...tls }],
  ['a cluster', { cluster, username: 'u', password: 'p', db: 0, keyPrefix: 'mine:', ...tls }],
  ['TLS by the URL', { url: 'rediss://redis', tlsOptions: tls.tlsOptions }],
  ['a certificate of ours', { tls: true, tlsOptions: { cert: 'c.pem', key: 'k.pem' } }]
]
for (const [what, redis] of sound) {
  t.test(`${what}: nothing is wrong with it`, async (t) => { t.strictSame((await loadValue(t, { redis })).faults, []) })
}

const nonsense: readonly [redis: object, path: string, message: RegExp, env?: NodeJS.ProcessEnv][] = [
  [{ sentinels }, 'sentinels', /Sentinels know primaries by name: "redis\.name" is missing\./],
  [{ name: 'main' }, 'name', /"redis\.sentinels" is missing/],
  [{ sentinelPassword: 'p' }, 'sentinelPassword', /This is for sentinels: "redis\.sentinels" is missing/],
  [{ sentinelUsername: 'u' }, 'sentinelUsername', /"redis\.sentinels" is missing/],
  [{ sentinels: [], name: 'main' }, 'sentinels', /./],
  [{ sentinels: [{}], name: 'main' }, 'sentinels.0', /host/],
  [{ sentinels, name: 'main', url: 'redis://x' }, 'url', /"redis\.url" says where the Redis is, and so do "redis\.sentinels"/],
  [{ sentinels, name: 'main', host: 'x' }, 'host', /"redis\.host" says where/],
  [{ sentinels, name: 'main', port: 7000 }, 'port', /"redis\.port" says where/],
  [{ sentinels, name: 'main' }, 'host', /REDIS_HOST says where/, { REDIS_HOST: 'x' }],
  [{ sentinels, name: 'main' }, 'url', /REDIS_URL says where/, { REDIS_URL: 'redis://x' }],
  [{ tlsOptions: { ca: 'ca.pem' } }, 'tlsOptions', /says how TLS is spoken, and none is/],
  [{ url: 'redis://x', tlsOptions: { ca: 'ca.pem' } }, 'tlsOptions', /none is/],
  [{ tls: true, tlsOptions: { cert: 'c.pem' } }, 'tlsOptions.cert', /"redis\.tlsOptions\.key" is missing/],
  [{ tls: true, tlsOptions: { key: 'k.pem' } }, 'tlsOptions.key', /"redis\.tlsOptions\.cert" is missing/],
  [{ cluster: [] }, 'cluster', /./],
  [{ cluster, url: 'redis://x' }, 'url', /"redis\.url" says where the Redis is, and so do "redis\.cluster"/],
  [{ cluster, port: 7000 }, 'port', /"redis\.port" says where/],
  [{ cluster }, 'host', /REDIS_HOST says where/, { REDIS_HOST: 'x' }],
  [{ cluster, sentinels, name: 'main' }, 'sentinels', /"redis\.sentinels" says where the Redis is, and so do "redis\.cluster"/],
  [{ cluster, name: 'main' }, 'name', /"redis\.sentinels" is missing/],
  [{ cluster, db: 1 }, 'db', /has the database 0 and no other/],
  [{ cluster, keyPrefix: '{mine}:' }, 'keyPrefix', /has no braces/]
]
t.test('what contradicts itself, or is half of something, is a fault where it stands', async (t) => {
  for (const [redis, path, message, env = {}] of nonsense) {
    const { faults } = await loadValue(t, { redis }, { env })
    t.match(faults, [{ path: ['redis', ...path.split('.').map((step) => /^\d+$/.test(step) ? Number(step) : step)], message }], JSON.stringify(redis))
    t.equal(faults.length, 1)
  }
})
