import t from 'tap'
import { compileTrust, isProxyEntry } from '../../src/core/proxies.ts'

/** What is asked of a list of proxies, or of one that is no list. */
function trusts (trustProxy: Parameters<typeof compileTrust>[0], address: string): boolean {
  const trust = compileTrust(trustProxy)
  return typeof trust === 'boolean' ? trust : trust(address)
}

t.test('nobody is believed, or everybody, when the file says so', async (t) => {
  t.equal(compileTrust(false), false)
  t.equal(compileTrust(true), true)
})

t.test('the named ranges hold what Fastify has under these names', async (t) => {
  const rows: [name: string, inside: string[], outside: string[]][] = [
    ['loopback', ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1'], ['126.255.255.255', '128.0.0.0', '::', '::2']],
    ['linklocal', ['169.254.0.0', '169.254.255.255', 'fe80::1', 'fe80::1%eth0', 'febf::'], ['169.253.0.0', '169.255.0.0', 'fec0::', 'fe7f::']],
    ['uniquelocal', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255', 'fc00::', 'fdff::1', '::ffff:10.0.0.1'], ['9.0.0.0', '11.0.0.0', '172.15.0.0', '172.32.0.0', '192.167.0.0', '192.169.0.0', 'fbff::', 'fe00::']]
  ]
  for (const [name, inside, outside] of rows) {
    for (const form of [name, [name], `${name}, 203.0.113.1`, ['203.0.113.1', name]]) {
      for (const address of inside) t.equal(trusts(form, address), true, `${address} is ${name}`)
      for (const address of [...outside, '203.0.113.2', 'unknown', '']) t.equal(trusts(form, address), false, `${address} is not ${name}`)
    }
  }
})

t.test('addresses and ranges may stand in a list, or in a text with commas', async (t) => {
  for (const form of [['10.0.0.0/8', '2001:db8::5'], '10.0.0.0/8,2001:db8::5', ' 10.0.0.0/8 , 2001:db8::5 ']) {
    for (const address of ['10.1.1.1', '10.1.1.1:443', '::ffff:10.1.1.1', '2001:db8::5', '[2001:db8::5]:443']) t.equal(trusts(form, address), true, address)
    for (const address of ['127.0.0.1', '11.0.0.0', '2001:db8::6']) t.equal(trusts(form, address), false, address)
  }
})

t.test('what is no entry makes no list', async (t) => {
  for (const entry of ['', ' ', 'Loopback', 'toString', 'localhost', 'example.com', '1', '10.0.0.0/33', '10.0.0.0/255.0.0.0', '*', 'true']) {
    t.equal(isProxyEntry(entry), false, entry)
    t.throws(() => compileTrust(['10.0.0.1', entry]), { name: 'TypeError' }, entry)
  }
  t.throws(() => compileTrust('10.0.0.1,'), { name: 'TypeError' })
  t.throws(() => compileTrust(''), { name: 'TypeError' })
})
