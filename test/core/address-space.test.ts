import t from 'tap'
import { isPublicAddress } from '../../src/core/address-space.ts'

/** The first and the last address of each range that is closed, and the neighbours that are not. */
const ranges: readonly { name: string, closed: readonly string[], open?: readonly string[] }[] = [
  { name: 'this network', closed: ['0.0.0.0', '0.255.255.255'], open: ['1.0.0.0'] },
  { name: 'private, 10/8', closed: ['10.0.0.0', '10.255.255.255'], open: ['9.255.255.255', '11.0.0.0'] },
  { name: 'shared by providers', closed: ['100.64.0.0', '100.100.100.200', '100.127.255.255'], open: ['100.63.255.255', '100.128.0.0'] },
  { name: 'loopback', closed: ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'], open: ['126.255.255.255', '128.0.0.0'] },
  { name: 'link-local', closed: ['169.254.0.0', '169.254.169.254', '169.254.170.2', '169.254.255.255', 'fe80::', 'fe80::1%eth0', 'febf:ffff::1'], open: ['169.253.255.255', '169.255.0.0'] },
  { name: 'the platform of Azure', closed: ['168.63.129.16'], open: ['168.63.129.15', '168.63.129.17'] },
  { name: 'private, 172.16/12', closed: ['172.16.0.0', '172.31.255.255'], open: ['172.15.255.255', '172.32.0.0'] },
  { name: 'protocol assignments', closed: ['192.0.0.0', '192.0.0.192', '192.0.0.255', '2001::', '2001:1ff:ffff::1'], open: ['192.0.1.0', '2001:200::'] },
  { name: 'documentation', closed: ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::', '2001:db8:ffff::1', '3fff::', '3fff:fff::1'], open: ['192.0.3.0', '2001:db9::', '3fff:1000::'] },
  { name: 'relays of 6to4', closed: ['192.88.99.1'], open: ['192.88.98.255', '192.88.100.0'] },
  { name: 'private, 192.168/16', closed: ['192.168.0.0', '192.168.255.255'], open: ['192.167.255.255', '192.169.0.0'] },
  { name: 'benchmarks', closed: ['198.18.0.0', '198.19.255.255', '2001:2::1'], open: ['198.17.255.255', '198.20.0.0'] },
  { name: 'multicast', closed: ['224.0.0.0', '239.255.255.255', 'ff02::1'], open: ['223.255.255.255'] },
  { name: 'reserved, and broadcast', closed: ['240.0.0.0', '255.255.255.255', '1fff:ffff::1', '4000::', '5f00::1', '9999::1'], open: ['2000::', '3ffe:ffff::1'] },
  { name: 'unspecified', closed: ['::', '0:0:0:0:0:0:0:0'] },
  { name: 'unique local', closed: ['fc00::', 'fd00:ec2::254', 'fdff:ffff::1'] },
  { name: 'site-local', closed: ['fec0::1'] },
  { name: 'discarded', closed: ['100::1'] }
]

for (const { name, closed, open = [] } of ranges) {
  t.test(`${name}: closed from the first address to the last, and no further`, async (t) => {
    for (const address of closed) t.notOk(isPublicAddress(address), address)
    for (const address of open) t.ok(isPublicAddress(address), address)
  })
}

t.test('what is carried in an IPv6 address is what counts', async (t) => {
  for (const address of [
    '::ffff:10.0.0.1', '::ffff:a00:1', '::FFFF:7F00:1', '0:0:0:0:0:ffff:127.0.0.1', // mapped
    '::127.0.0.1', '::8.8.8.8', // compatible: nobody routes them
    '::ffff:0:8.8.8.8', // translated
    '64:ff9b::169.254.169.254', '64:ff9b::a00:1', '64:ff9b:1::8.8.8.8', // NAT64; the second prefix is for local use
    '2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1', // 6to4
    '2001:0:7f00:1::', '2001:0:808:808::f7f7:f7f7', // Teredo
    '2a00::5efe:10.0.0.1', '2a00::200:5efe:a00:1' // ISATAP
  ]) t.notOk(isPublicAddress(address), address)
  for (const address of ['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2a00::5efe:8.8.8.8', '2a00::5eff:10.0.0.1']) t.ok(isPublicAddress(address), address)
})

t.test('what is no address is not public', async (t) => {
  for (const text of ['', 'example.com', '0177.0.0.1', '127.1', '2130706433', '0x7f000001', '8.8.8.8/32', '1.2.3', ':::']) t.notOk(isPublicAddress(text), text)
})
