import t from 'tap'
import { readRedisUrl } from '../../src/core/redis-address.ts'

const nothing = { port: undefined, username: undefined, password: undefined, db: undefined, tls: false }
const readable: readonly [string, object][] = [
  ['redis://localhost', { ...nothing, host: 'localhost' }],
  ['redis://localhost/', { ...nothing, host: 'localhost' }],
  ['REDIS://localhost:6380/2', { ...nothing, host: 'localhost', port: 6380, db: 2 }],
  ['rediss://cache.example.com:6379/0', { ...nothing, host: 'cache.example.com', port: 6379, db: 0, tls: true }],
  ['redis://:p%40ss%2Fw%3Ard@10.0.0.1', { ...nothing, host: '10.0.0.1', password: 'p@ss/w:rd' }],
  ['redis://ann:secret@[::1]:7000', { ...nothing, host: '::1', port: 7000, username: 'ann', password: 'secret' }],
  ['redis://ann@localhost', { ...nothing, host: 'localhost', username: 'ann' }]
]
for (const [url, address] of readable) t.test(`${url} is read`, async (t) => { t.strictSame(readRedisUrl(url), address) })

const unreadable = [
  '', 'localhost', 'localhost:6379', 'http://localhost', 'redis+sentinel://localhost', 'redis:localhost', 'redis://', 'redis:///0', 'redis://localhost/name', 'redis://localhost/0/1',
  'redis://localhost:70000', 'redis://localhost:x', 'redis://localhost?tls=true', 'redis://localhost/0#x', 'redis://:%zz@localhost', 'redis://:%ff@localhost', 'redis://a b@c d', 'redis://one:1,two:2'
]
for (const url of unreadable) t.test(`${JSON.stringify(url)} is no address`, async (t) => { t.equal(readRedisUrl(url), undefined) })
