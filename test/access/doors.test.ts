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
  /** Whether doors that are declared public check it too. */
  readonly publicToo?: boolean
}

const checks: readonly Check[] = [
  { promise: 'who shows nothing is refused', status: 401 },
  { promise: 'a key that nobody has is refused', headers: { authorization: 'Bearer nobody-has-this-key-at-all' }, status: 401 },
  { promise: 'a key that nobody has is refused in the header for keys', headers: { 'x-api-key': 'nobody-has-this-key-at-all' }, status: 401 },
  { promise: 'an expired key is refused', headers: { authorization: 'Bearer a-key-that-has-expired-long-ago' }, status: 401 },
  { promise: 'a key that is not valid yet is refused', headers: { authorization: 'Bearer a-key-that-is-not-valid-yet-now' }, status: 401 },
  { promise: 'a key that is switched off is refused', headers: { 'x-api-key': 'a-key-that-is-switched-off-here' }, status: 401 },
  { promise: 'a good key under another scheme is refused', headers: { authorization: `Basic ${goodKey}` }, status: 401 },
  { promise: 'a good key beside another one is refused', headers: { authorization: `Bearer ${goodKey}`, 'x-api-key': 'nobody-has-this-key-at-all' }, status: 401 },
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
  for (const door of doors) {
    for (const headers of [{ authorization: `Bearer ${goodKey}` }, { 'x-api-key': goodKey }, { 'X-API-Key': goodKey }]) {
      t.equal((await house.knock(door, headers as Record<string, string>)).status, door.open, `${door.name} ${Object.keys(headers).join()}`)
    }
  }
})

for (const { promise, headers = {}, query, status } of checks) {
  tap.test(`${promise}, at every door`, async (t) => {
    const house = await House.open(t, security)
    for (const door of doors) {
      const answer = await house.knock(door, headers, query)
      t.equal(answer.status, door.isPublic === true ? door.open : status, door.name)
      if (door.isPublic !== true) checkRefusal(t, door, answer.headers, answer.text, status)
    }
  })
}

function checkRefusal (t: Pick<typeof tap, 'notMatch' | 'equal' | 'match' | 'ok'>, { name, method }: Door, headers: Record<string, unknown>, text: string, status: number): void {
  t.notMatch(`${text} ${JSON.stringify(headers)}`, goodKey, `${name} does not repeat the key`)
  t.equal(headers['mcp-session-id'], undefined, name)
  if (status === 401) t.match(headers['www-authenticate'], /^Bearer realm="/, name)
  if (method !== 'HEAD') t.ok(text.length > 0, `${name} says why`)
}
