import t from 'tap'
import { loadText, loadValue, pathsOf } from '../helpers/load-text.ts'

const withKey = { authentication: { apiKeys: [{ name: 'a', key: 'k'.repeat(32) }] } }
const salt = { env: { API_KEY_SALT: 'salt' } }
const about = (notices: readonly { message: string }[], words: RegExp) => notices.filter(({ message }) => words.test(message)).length

t.test('addresses and ranges of both families are told from what is none, each with its place', async (t) => {
  const good = ['10.0.0.0/8', '192.168.0.1', '0.0.0.0/0', '::1', '2001:db8::/32', '::/0', '::ffff:10.0.0.1', '::ffff:10.0.0.0/104']
  const bad = ['10.0.0/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8/8', '2001:db8::/129', '::ffff:10.0.0.0/8', 'example.com', '300.1.1.1', 'fe80::1%eth0', '10.0.0.0 /8', '*', '10.0.0.1,10.0.0.2', '']
  const { faults } = await loadValue(t, { security: { ipWhitelist: [...good, ...bad] } })
  t.strictSame(pathsOf(faults).sort(), bad.map((_, index) => `$.security.ipWhitelist[${good.length + index}]`).sort())
  t.match(faults.find(({ found }) => found === '"10.0.0/8"'), { message: 'Expected an address or a CIDR range, found "10.0.0/8".', line: Number, column: Number })
})

t.test('what is neither address nor range in the list of private addresses that may be reached is a fault with its place', async (t) => {
  const { faults } = await loadValue(t, { server: { upstreams: { allowPrivate: ['10.0.0.0/8', '::1', 'localhost', '10.0.0.0/33'] } } })
  t.strictSame(pathsOf(faults), ['$.server.upstreams.allowPrivate[2]', '$.server.upstreams.allowPrivate[3]'])
  t.match(faults[0], { message: 'Expected an address or a CIDR range, found "localhost".', line: Number, column: Number })
})

t.test('an empty list, or one that cannot be read, never means everyone: it is a fault', async (t) => {
  for (const ipWhitelist of [[], null, '10.0.0.0/8', {}, true, [null], [10], [['10.0.0.0/8']]]) {
    const { faults, config } = await loadValue(t, { security: { ipWhitelist } })
    t.equal(config, undefined, JSON.stringify(ipWhitelist))
    t.ok(pathsOf(faults).every((path) => path.startsWith('$.security.ipWhitelist')), JSON.stringify(faults))
    t.ok(faults.length > 0)
  }
  const yaml = await loadText(t, 'security:\n  ipWhitelist:\n', { name: 'c.yaml' })
  t.match(yaml, { config: undefined, faults: [{ line: 2 }] })
  const fromVariable = await loadValue(t, { security: { ipWhitelist: ['${OFFICE:-}'] } })
  t.match(fromVariable, { config: undefined, faults: [{ path: ['security', 'ipWhitelist', 0] }] })
})

t.test('the value of a placeholder is judged, and not shown', async (t) => {
  const { faults } = await loadValue(t, { security: { ipWhitelist: ['${OFFICE}'] }, server: { trustProxy: ['${PROXY}'] } }, { env: { OFFICE: 'hunter-2', PROXY: 'hunter-3' } })
  t.strictSame(pathsOf(faults), ['$.security.ipWhitelist[0]', '$.server.trustProxy[0]'])
  t.notMatch(JSON.stringify(faults), /hunter/)
  t.strictSame((await loadValue(t, { security: { ipWhitelist: ['${OFFICE}'] }, server: { trustProxy: '${PROXY}' } }, { env: { OFFICE: '10.0.0.0/8', PROXY: 'loopback, 10.0.0.1' } })).faults, [])
})

t.test('a range whose address lies inside of it is noted, since one address may have been meant', async (t) => {
  const { notices, faults } = await loadValue(t, { security: { ipWhitelist: ['127.0.0.1', '10.1.2.3/8', '10.0.0.0/8', '10.1.2.3/32', '2001:db8::1/64', '2001:db8::/64', '1.2.3.4'] } })
  t.strictSame(faults, [])
  t.strictSame(notices.map(({ message }) => message.split(' ')[0]), ['"10.1.2.3/8"', '"2001:db8::1/64"'])
})

t.test('a list that holds nothing of this machine is noted where only this machine can call', async (t) => {
  const ipWhitelist = ['10.0.0.0/8']
  const noted = async (config: object) => about((await loadValue(t, config, salt)).notices, /nobody would be served/)
  t.equal(await noted({ security: { ipWhitelist } }), 1)
  t.equal(await noted({ host: '::1', security: { ipWhitelist } }), 1)
  t.equal(await noted({ security: { ipWhitelist }, server: { trustProxy: false } }), 1)
  for (const own of ['127.0.0.1', '127.0.0.0/8', '::1', '::ffff:127.0.0.1']) t.equal(await noted({ security: { ipWhitelist: [...ipWhitelist, own] } }), 0, own)
  t.equal(await noted({ security: { ipWhitelist }, server: { trustProxy: 'loopback' } }), 0)
  t.equal(await noted({ host: '0.0.0.0', security: { ipWhitelist, ...withKey } }), 0)
  t.equal(await noted({}), 0)
})

t.test('proxies are named as Fastify has it, and numbers of hops, which prove nothing, are refused', async (t) => {
  for (const trustProxy of [false, true, 'loopback', '127.0.0.1', '10.0.0.0/8, 192.168.0.0/16', ['loopback', 'linklocal', 'uniquelocal'], ['10.0.0.0/8', '2001:db8::/32', '::1']]) {
    const { config, faults } = await loadValue(t, { server: { trustProxy } })
    t.strictSame(faults, [], JSON.stringify(trustProxy))
    t.strictSame(config?.server.trustProxy, trustProxy)
  }
  t.strictSame((await loadValue(t, {})).config?.server.trustProxy, false, 'and nobody is one by default')
  const bad: [value: unknown, path: string][] = [
    [1, '$.server.trustProxy'], [0, '$.server.trustProxy'], [null, '$.server.trustProxy'], [{}, '$.server.trustProxy'], ['', '$.server.trustProxy'], [[], '$.server.trustProxy'], ['true', '$.server.trustProxy'],
    ['nginx', '$.server.trustProxy'], ['10.0.0.1,', '$.server.trustProxy'], ['127.0.0.1 10.0.0.1', '$.server.trustProxy'], ['Loopback', '$.server.trustProxy'],
    [['10.0.0.1', 'proxy'], '$.server.trustProxy[1]'], [['10.0.0.1', 2], '$.server.trustProxy[1]'], [['10.0.0.1', ''], '$.server.trustProxy[1]'], [['10.0.0.0/40'], '$.server.trustProxy[0]'], [['10.0.0.1,10.0.0.2'], '$.server.trustProxy[0]']
  ]
  for (const [trustProxy, path] of bad) {
    const { config, faults } = await loadValue(t, { server: { trustProxy } })
    t.equal(config, undefined, JSON.stringify(trustProxy))
    t.strictSame(pathsOf(faults), [path], JSON.stringify(faults))
  }
})

t.test('a list of addresses on a public host does not bear that callers say themselves which they have', async (t) => {
  const ipWhitelist = ['10.0.0.0/8']
  const load = async (host: string, trustProxy: unknown, security: object) => await loadValue(t, { host, server: { trustProxy }, security: { ...security, ...withKey } }, salt)
  const open = await load('0.0.0.0', true, { ipWhitelist })
  t.match(open, { config: undefined, faults: [{ path: ['server', 'trustProxy'], suggestion: /"trustProxy": \["10\.0\.0\.0\/8"\]/ }] })
  t.equal(open.faults.length, 1)
  t.strictSame((await load('0.0.0.0', ['192.0.2.1'], { ipWhitelist })).faults, [])
  const unlisted = await load('0.0.0.0', true, {})
  t.strictSame(unlisted.faults, [])
  t.equal(about(unlisted.notices, /limits for each address hold nobody/), 1)
  const local = await load('127.0.0.1', true, { ipWhitelist })
  t.strictSame(local.faults, [])
  t.equal(about(local.notices, /the first address that callers send/), 1)
  t.equal(about((await load('127.0.0.1', 'loopback', { ipWhitelist })).notices, /trustProxy/), 0)
})

const risk = { security: { authentication: { enabled: false, acceptRisk: true } } }
const publicHosts = ['0.0.0.0', '::', '[::]', '0', '192.168.1.5', '10.0.0.1', 'example.com', 'my-host', '127.0.0.1.example.com', 'localhost.example.com', '127.1', '127.0.0.256', '::ffff:0.0.0.0', '::ffff:10.0.0.1', '::2', '0:0:0:0:0:0:0:0', 'fe80::1%eth0']
const localHosts = ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']

t.test('a public host without authentication is a fault that says what to write, wherever it was named', async (t) => {
  for (const host of publicHosts) {
    for (const [config, env] of [[{ host }, {}], [{}, { HOST: host }], [{ host: '127.0.0.1' }, { HOST: host }], [{ host: '${WHERE}' }, { WHERE: host }], [{ host, security: { authentication: { enabled: false } } }, {}]] as const) {
      const what = JSON.stringify([config, env])
      const { faults, config: loaded } = await loadValue(t, config, { env })
      t.equal(loaded, undefined, what)
      t.match(faults, [{ path: ['host'], suggestion: /"security": \{ "authentication": \{ "enabled": false, "acceptRisk": true \} \}/ }], what)
      t.equal(faults.length, 1, what)
      if ('HOST' in env) t.match(faults[0]?.message, `HOST is "${host}", which can be reached from other machines`)
    }
    t.strictSame((await loadValue(t, { host, ...risk })).faults, [], host)
    t.strictSame((await loadValue(t, { host, security: withKey }, salt)).faults, [], host)
  }
})

t.test('a host that only this machine reaches needs none, in whatever form it is written', async (t) => {
  for (const host of localHosts) {
    t.strictSame((await loadValue(t, { host })).faults, [], host)
    t.strictSame((await loadValue(t, { host: '0.0.0.0' }, { env: { HOST: host } })).faults, [], `HOST ${host}`)
  }
})

t.test('the risk counts as accepted by that word only', async (t) => {
  for (const authentication of [{ enabled: false, acceptRisk: false }, { enabled: false, acceptRisk: 'true' }, { enabled: false, acceptRisk: 1 }]) {
    const { faults } = await loadValue(t, { host: '0.0.0.0', security: { authentication } })
    t.ok(pathsOf(faults).includes('$.host'), JSON.stringify(authentication))
  }
})
