import { BlockList, isIP } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { AddressSet, groupOf, readAddress, readRange, readRanges } from '../../src/core/addresses.ts'
import { Random } from '../helpers/random.ts'

const setOf = (...list: string[]): AddressSet => new AddressSet(readRanges(list))

t.test('an address is the same in every form it can be written in', async (t) => {
  const same: readonly string[][] = [
    ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:192.0.2.1', '::ffff:c000:201', '::ffff:c000:0201', '0:0:0:0:0:ffff:c000:201', '0000:0000:0000:0000:0000:ffff:192.0.2.1'],
    ['127.0.0.1', '::ffff:7f00:1'],
    ['::1', '0:0:0:0:0:0:0:1', '0000:0000:0000:0000:0000:0000:0000:0001', '::0001', '0::1', '::0.0.0.1'],
    ['2001:db8::1', '2001:DB8::1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8:0:0::1'],
    ['2001:db8:1:2:3:4:5:0', '2001:db8:1:2:3:4:5::'],
    ['::', '0:0:0:0:0:0:0:0', '0::0'],
    ['fe80::1', 'fe80::1%eth0', 'fe80:0::1%2', 'fe80::1%en-0.1_x']
  ]
  const groups = same.map((forms) => forms.map((form) => readAddress(form)))
  for (const [index, [first, ...others]] of groups.entries()) {
    t.ok(first, same[index]?.[0] ?? '')
    for (const [place, other] of others.entries()) t.strictSame(other, first, same[index]?.[place + 1] ?? '')
  }
  t.equal(new Set(groups.map(([first]) => `${first?.family} ${first?.bits}`)).size, same.length, 'and differs from all others')
})

t.test('an IPv4 address inside of other IPv6 addresses is not that address', async (t) => {
  for (const text of ['::192.0.2.1', '64:ff9b::192.0.2.1', '2002:c000:201::', '::ffff:0:192.0.2.1', '::fffe:192.0.2.1']) t.match(readAddress(text), { family: 6 }, text)
})

t.test('what is no address is none, however near it comes', async (t) => {
  const none = [
    '', ' ', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.04', '0x7f.0.0.1', '127.1', '2130706433', '1.2.3.-4', '1.2.3.4 ', ' 1.2.3.4', '1.2.3.4%eth0', '1..3.4',
    ':', ':::', '1:2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', 'g::', '::1%', ':1::', '1::2:', '1:2:3:4:5:6:7::8', '1.2.3.4::', '::1.2.3', '::1.2.3.4:5', '::1.2.3.256', '::ffff:1.2.3.04', '::1 ', '::1%a%b', '::1/64',
    'localhost', 'unknown', '_hidden', 'example.com', '*', `::${'0'.repeat(200)}1`, `fe80::1%${'x'.repeat(200)}`
  ]
  for (const text of none) t.equal(readAddress(text), undefined, JSON.stringify(text))
})

t.test('ten thousand texts around IPv6 are read exactly as Node reads them', async (t) => {
  const random = new Random(6)
  const pieces = ['0', '1', 'ffff', 'DB8', '12345', '', ':', '::', '1.2.3.4', '256', '::ffff:', 'g', '.']
  const wrong: string[] = []
  let valid = 0
  for (let n = 0; n < 10_000; n++) {
    const text = Array.from({ length: 1 + random.below(9) }, () => pieces[random.below(pieces.length)]).join(random.below(2) === 0 ? ':' : '') + (random.below(5) === 0 ? '%eth0' : '')
    if (isIP(text) > 0) valid++
    if ((readAddress(text) !== undefined) !== (isIP(text) > 0)) wrong.push(text)
  }
  t.strictSame(wrong, [])
  t.ok(valid > 300, `${valid} of them are addresses`)
})

t.test('a list decides by the address and not by how it is written', async (t) => {
  const rows: [list: string[], inside: string[], outside: string[]][] = [
    [['10.0.0.0/8'], ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::ffff:a01:203', '10.1.2.3:51234', '[::ffff:10.1.2.3]:80'], ['9.255.255.255', '11.0.0.0', '::10.1.2.3', '::ffff:11.0.0.0', '64:ff9b::10.1.2.3', 'a01:203::']],
    [['10.1.2.3'], ['10.1.2.3', '::ffff:10.1.2.3'], ['10.1.2.2', '10.1.2.4']],
    [['10.1.2.3/24'], ['10.1.2.0', '10.1.2.255'], ['10.1.1.255', '10.1.3.0']],
    [['10.1.2.3/32'], ['10.1.2.3'], ['10.1.2.2']],
    [['::ffff:10.0.0.0/104'], ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.0']],
    [['::ffff:10.1.2.3'], ['10.1.2.3'], ['10.1.2.4']],
    [['0.0.0.0/0'], ['1.2.3.4', '255.255.255.255', '::ffff:1.2.3.4'], ['::1', '2001:db8::1']],
    [['::/0'], ['::', '::1', '2001:db8::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'], ['1.2.3.4', '::ffff:1.2.3.4']],
    [['::ffff:0:0/96'], ['1.2.3.4'], ['::1']],
    [['2001:db8::/32'], ['2001:db8::1', '2001:0DB8:ffff::', '[2001:db8::1]', '[2001:db8::1]:443'], ['2001:db7:ffff::', '2001:db9::']],
    [['2001:db8:0:12::/63'], ['2001:db8:0:12::', '2001:db8:0:13:ffff::'], ['2001:db8:0:11:ffff::', '2001:db8:0:14::']],
    [['fe80::/10'], ['fe80::1%eth0', 'febf::1'], ['fec0::1%eth0']],
    [['::1'], ['::1', '0:0:0:0:0:0:0:1'], ['127.0.0.1', '::ffff:127.0.0.1', '::2']],
    [['10.0.0.0/9', '10.128.0.0/9', '10.1.0.0/16', '10.0.0.0/9'], ['10.0.0.0', '10.127.255.255', '10.128.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
    [['10.0.0.3', '10.0.0.1', '10.0.0.5'], ['10.0.0.1', '10.0.0.3', '10.0.0.5'], ['10.0.0.0', '10.0.0.2', '10.0.0.4', '10.0.0.6']],
    [[], [], ['10.0.0.1', '::1', '0.0.0.0', '::']]
  ]
  for (const [list, inside, outside] of rows) {
    const addresses = setOf(...list)
    // Twice, since answers are remembered.
    for (const round of ['first', 'again']) {
      for (const text of inside) t.equal(addresses.has(text), true, `${round}: ${text} in ${list.join(' ')}`)
      for (const text of [...outside, 'unknown', '', '10.1.2', '10.1.2.3:port', '10.1.2.3, 10.1.2.3', '[10.1.2.3', `10.1.2.3${' '.repeat(300)}`]) t.equal(addresses.has(text), false, `${round}: ${text} not in ${list.join(' ')}`)
      t.equal(addresses.has(undefined), false)
    }
  }
})

t.test('what is no range is none, and a list with it is not made at all', async (t) => {
  const none = ['', '/', '/8', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/+8', '10.0.0.0/8 ', ' 10.0.0.0/8', '10.0.0.0/8/8', '10.0.0.0/255.0.0.0', '10.0/8', '10.*', '2001:db8::/129', 'fe80::1%eth0', 'fe80::%eth0/64', '[::1]', '10.0.0.1:80', 'localhost', '::ffff:10.0.0.0/8', '::ffff:0:0/95', '10.0.0.0/1e1', '10.0.0.0/٨']
  for (const text of none) {
    t.equal(readRange(text), undefined, JSON.stringify(text))
    t.throws(() => readRanges(['10.0.0.0/8', text]), { name: 'TypeError', message: `Expected an address or a CIDR range, found ${JSON.stringify(text)}.` })
  }
})

t.test('random lists answer as the BlockList of Node does', async (t) => {
  const random = new Random(4)
  const wrong: string[] = []
  let inside = 0
  for (let round = 0; round < 60; round++) {
    const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
    const texts = Array.from({ length: 1 + random.below(40) }, () => {
      const isIPv4 = random.below(2) === 0
      const address = isIPv4 ? randomIPv4(random) : randomIPv6(random)
      const prefix = random.below(isIPv4 ? 33 : 129)
      lists[isIPv4 ? 'ipv4' : 'ipv6'].addSubnet(address, prefix, isIPv4 ? 'ipv4' : 'ipv6')
      return `${address}/${prefix}`
    })
    const addresses = setOf(...texts)
    for (let n = 0; n < 200; n++) {
      const isIPv4 = random.below(2) === 0
      const address = isIPv4 ? randomIPv4(random) : randomIPv6(random)
      // Node asks IPv6 ranges about IPv4 addresses, too; here a range speaks of its own family.
      const expected = lists[isIPv4 ? 'ipv4' : 'ipv6'].check(address, isIPv4 ? 'ipv4' : 'ipv6')
      if (expected) inside++
      if (addresses.has(address) !== expected) wrong.push(`${address} in ${texts.join(' ')}`)
      if (isIPv4 && addresses.has(`::ffff:${address}`) !== expected) wrong.push(`::ffff:${address} in ${texts.join(' ')}`)
    }
  }
  t.strictSame(wrong, [])
  t.ok(inside > 1_000 && inside < 11_000, `${inside} of 12000 are inside`)
})

t.test('ten thousand entries cost no more than one, for callers that come back and for new ones', async (t) => {
  const random = new Random(10)
  const many = Array.from({ length: 10_000 }, (_, index) => index % 2 === 0 ? `${randomIPv4(random)}/32` : `${randomIPv6(random)}/64`)
  const [one, tenThousand] = [setOf('203.0.113.0/24'), setOf(...many)]
  const callers = Array.from({ length: 1_000 }, () => random.below(2) === 0 ? randomIPv4(random) : randomIPv6(random))
  let stranger = 0
  const measure = (addresses: AddressSet) => ({
    known: fastest(() => { for (const caller of callers) addresses.has(caller) }),
    unknown: fastest(() => { for (let n = 0; n < 1_000; n++) addresses.has(`2001:db8:${(++stranger >> 16).toString(16)}:${(stranger & 0xffff).toString(16)}::1`) })
  })
  measure(one) // what is compiled on the way is not counted
  const [few, all] = [measure(one), measure(tenThousand)]
  // A walk through the list would take a thousand times as long.
  t.ok(all.known < few.known * 5 + 0.1, `known: ${few.known.toFixed(3)} and ${all.known.toFixed(3)} µs a call`)
  t.ok(all.unknown < few.unknown * 5 + 1, `unknown: ${few.unknown.toFixed(3)} and ${all.unknown.toFixed(3)} µs a call`)
})

t.test('answers stay right when more addresses call than are remembered', async (t) => {
  const addresses = setOf('10.0.0.0/8')
  const wrong: string[] = []
  for (let n = 0; n < 30_000; n++) {
    const end = `${n >> 16}.${n >> 8 & 255}.${n & 255}`
    if (!addresses.has(`10.${end}`) || addresses.has(`11.${end}`)) wrong.push(end)
  }
  t.strictSame(wrong, [])
})

t.test('a flood of addresses takes no memory', async (t) => {
  const addresses = setOf('10.0.0.0/8', '2001:db8::/32')
  const before = usedBytes()
  for (let n = 0; n < 120_000; n++) {
    const text = `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}:aaaa:bbbb:cccc:dddd`
    addresses.has(text)
    groupOf(text)
  }
  const grownMib = (usedBytes() - before) / 2 ** 20
  t.ok(addresses.has('10.0.0.1'))
  t.ok(grownMib < 8, `${grownMib.toFixed(1)} MiB more; all of them would take more than 20`)
})

t.test('callers are counted by IPv4 address, and by /64 in IPv6', async (t) => {
  const rows: [text: string | undefined, group: string][] = [
    ['192.0.2.1', '192.0.2.1'], ['::ffff:192.0.2.1', '192.0.2.1'], ['::ffff:c000:201', '192.0.2.1'], ['192.0.2.1:5678', '192.0.2.1'], ['[::ffff:192.0.2.1]:5678', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'], ['2001:DB8:1:2::', '2001:db8:1:2::/64'], ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'], ['2001:db8:1:3::', '2001:db8:1:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'], ['::1', '0:0:0:0::/64'],
    ['unknown', 'unreadable'], ['', 'unreadable'], [undefined, 'unreadable'], ['x'.repeat(10_000), 'unreadable']
  ]
  for (const round of ['first', 'again']) for (const [text, group] of rows) t.equal(groupOf(text), group, `${round}: ${text?.slice(0, 50)}`)
})

function randomIPv4 (random: Random): string {
  // Near to each other, so that ranges are hit.
  return [random.below(4), random.below(4) * 64, random.below(256), random.below(256)].join('.')
}

function randomIPv6 (random: Random): string {
  const groups = Array.from({ length: 8 }, (_, index) => index < 4 ? random.below(3) : random.below(65_536))
  return groups.map((group) => group.toString(16)).join(':')
}

function usedBytes (): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

/** Microseconds for one of a thousand, in the fastest of several runs. */
function fastest (thousand: () => void): number {
  const runs = Array.from({ length: 15 }, () => {
    const start = process.hrtime.bigint()
    thousand()
    return Number(process.hrtime.bigint() - start) / 1e6
  })
  return Math.min(...runs)
}
