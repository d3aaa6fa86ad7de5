import tap from 'tap'
import type { JsonObject } from '../helpers/build.ts'
import { doors, goodKey, House, type Door } from './doors.ts'

const security: JsonObject = {
  authentication: {
    apiKeys: [
      { name: 'ann', key: goodKey, permissions: ['*'] },
      { name: 'late', key: 'a-key-that-has-expired-long-ago', permissions: ['*'], expiresAt: '2020-01-01' },
      { name: 'early', key: 'a-key-that-is-not-valid-yet-now', permissions: ['*'], notBefore: '2999-01-01' },
      { name: 'off', key: 'a-key-that-is-switched-off-here', permissions: ['*'], enabled: false }
    ],
    failureLimit: { window: 60_000, maxRequests: 1_000_000 }
  }
}

/** One thing that every door has to check, and what it answers. */
interface Check {
  readonly promise: string
  readonly headers?: Record<string, string>
  readonly query?: string
  readonly status: number
  /** Whether doors that are declared public refuse it, too. */
  readonly publicToo?: boolean
}

const checks: readonly Check[] = [
  { promise: 'who shows nothing is refused', status: 401 },
  { promise: 'a key that nobody has is refused', headers: { authorization: 'Bearer nobody-has-this-key-at-all' }, status: 401, publicToo: true },
  { promise: 'a key that nobody has is refused in the header for keys', headers: { 'x-api-key': 'nobody-has-this-key-at-all' }, status: 401, publicToo: true },
  { promise: 'an expired key is refused', headers: { authorization: 'Bearer a-key-that-has-expired-long-ago' }, status: 401, publicToo: true },
  { promise: 'a key that is not valid yet is refused', headers: { authorization: 'Bearer a-key-that-is-not-valid-yet-now' }, status: 401, publicToo: true },
  { promise: 'a key that is switched off is refused', headers: { 'x-api-key': 'a-key-that-is-switched-off-here' }, status: 401, publicToo: true },
  { promise: 'a good key under another scheme is refused', headers: { authorization: `Basic ${goodKey}` }, status: 401, publicToo: true },
  { promise: 'a good key beside another one is refused', headers: { authorization: `Bearer ${goodKey}`, 'x-api-key': 'nobody-has-this-key-at-all' }, status: 401, publicToo: true },
  { promise: 'a good key in the query is not seen', query: `x-api-key=${goodKey}&access_token=${goodKey}&api_key=${goodKey}`, status: 401 },
  { promise: 'a good key in a cookie is not seen', headers: { cookie: `x-api-key=${goodKey}` }, status: 401 },
  { promise: 'a page of another site is refused with a good key', headers: { authorization: `Bearer ${goodKey}`, origin: 'https://evil.example' }, status: 403 },
  { promise: 'another host name is refused with a good key', headers: { authorization: `Bearer ${goodKey}`, host: 'evil.example' }, status: 403 }
]

const names = new Set<string>()
for (const { name } of doors) {
  if (names.has(name)) throw new Error(`two doors are called ${name}`)
  names.add(name)
}

tap.test('every route of both servers is in the table of doors', async (t) => {
  const house = await House.open(t, security)
  for (const server of ['stateful', 'stateless'] as const) {
    const known = new Set(doors.filter((door) => door.server === server).map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`))
    t.strictSame(house.routes(server).filter((route) => !known.has(route)), [], server)
    t.ok(house.routes(server).length > 10, 'the routes were read')
  }
})

tap.test('a good key opens every door', async (t) => {
  const house = await House.open(t, security)
  const found: string[] = []
  for (const door of doors) {
    for (const headers of [{ authorization: `Bearer ${goodKey}` }, { 'x-api-key': goodKey }, { 'X-API-Key': goodKey }]) {
      const { status } = await house.knock(door, headers as Record<string, string>)
      if (status !== door.open) found.push(`${door.name} ${Object.keys(headers).join()}: ${status} and not ${door.open}`)
    }
  }
  t.strictSame(found, [])
})

for (const { promise, headers = {}, query, status, publicToo = false } of checks) {
  tap.test(`${promise}, at every door`, async (t) => {
    const house = await House.open(t, security)
    const found: string[] = []
    for (const door of doors) {
      const answer = await house.knock(door, headers, query)
      const isRefused = door.isPublic !== true || publicToo
      const expected = isRefused ? status : door.open
      if (answer.status !== expected) found.push(`${door.name}: ${answer.status} and not ${expected}`)
      if (isRefused) found.push(...faultsOfRefusal(door, answer.headers, answer.text, status))
    }
    t.strictSame(found, [])
  })
}

/** What is wrong with a refusal, in words: eight thousand single assertions cost more than all the requests. */
function faultsOfRefusal ({ name, method }: Door, headers: Record<string, unknown>, text: string, status: number): string[] {
  const faults: string[] = []
  if (`${text} ${JSON.stringify(headers)}`.includes(goodKey)) faults.push(`${name} repeats the key`)
  if (headers['mcp-session-id'] !== undefined) faults.push(`${name} gives a session`)
  if (status === 401 && !/^Bearer realm="/.test(String(headers['www-authenticate']))) faults.push(`${name} does not say how to authenticate`)
  if (method !== 'HEAD' && text.length === 0) faults.push(`${name} does not say why`)
  return faults
}
