import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import t from 'tap'
import { build, modernHeaders, modernMessage, type GantryApp } from '../helpers/build.ts'

const long = 'compress me '.repeat(1_000)
const tools = { long: () => long, short: () => 'short' }
const open = (t: { teardown (fn: () => unknown): unknown }, compression = {}): Promise<GantryApp> => build(t, { server: { compression } }, { tools })

async function call (app: GantryApp, name: string, encoding: string | undefined, url = '/mcp'): Promise<{ status: number, encoding: unknown, bytes: Buffer, vary: unknown, type: unknown }> {
  const { statusCode, headers, rawPayload } = await app.inject({
    method: 'POST', url, headers: { 'content-type': 'application/json', accept: 'application/json', ...(encoding !== undefined && { 'accept-encoding': encoding }), ...modernHeaders('tools/call', { name }) }, payload: JSON.stringify(url === '/mcp' ? modernMessage('tools/call', { name }) : {})
  })
  return { status: statusCode, encoding: headers['content-encoding'], bytes: rawPayload, vary: headers['vary'], type: headers['content-type'] }
}
const decode: Record<string, (bytes: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync }

t.test('a long answer is compressed in a way that the client takes', async (t) => {
  const app = await open(t)
  for (const url of ['/mcp', '/tools/long']) {
    for (const [asked, given] of [['gzip', 'gzip'], ['br', 'br'], ['deflate', 'deflate'], ['gzip, deflate, br', 'br'], ['gzip;q=1.0, br;q=0.1', 'gzip'], ['*', 'br'], ['GZIP', 'gzip']] as const) {
      const { status, encoding, bytes, vary, type } = await call(app, 'long', asked, url)
      t.equal(status, 200)
      t.equal(type, 'application/json; charset=utf-8')
      t.ok(typeof encoding === 'string' && encoding in decode, `${asked} ${url}: ${String(encoding)}`)
      if (asked.length <= 7 && asked !== '*') t.equal(encoding, given)
      t.match(JSON.stringify(JSON.parse(String(decode[String(encoding)]?.(bytes)))), /compress me/)
      t.ok(bytes.length < 1_000)
      t.match(vary, /accept-encoding/i)
    }
  }
})

t.test('what is short, or asked for in no way that there is, is sent as it is', async (t) => {
  const app = await open(t)
  for (const asked of [undefined, '', 'identity', 'compress', 'gzip;q=0', 'nonsense']) {
    const { status, encoding, bytes } = await call(app, 'long', asked)
    t.strictSame([status, encoding], [200, undefined], String(asked))
    t.match(bytes.toString(), /compress me/)
  }
  for (const asked of ['gzip', 'br']) t.equal((await call(app, 'short', asked)).encoding, undefined)
})

t.test('the size counts that the configuration says, and off is off', async (t) => {
  t.equal((await call(await open(t, { threshold: 0 }), 'short', 'gzip')).encoding, 'gzip')
  t.equal((await call(await open(t, { threshold: 100_000 }), 'long', 'gzip')).encoding, undefined)
  t.equal((await call(await open(t, { enabled: false }), 'long', 'gzip')).encoding, undefined)
})

t.test('a list and an error are compressed like any other answer', async (t) => {
  const app = await open(t, { threshold: 0 })
  const list = await app.inject({ url: '/tools', headers: { 'accept-encoding': 'gzip' } })
  t.match(JSON.parse(gunzipSync(list.rawPayload).toString()), { tools: [{ name: 'long' }, { name: 'short' }] })
  const error = await app.inject({ method: 'POST', url: '/mcp', headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' }, payload: '{' })
  t.equal(error.statusCode, 400)
  const body = error.headers['content-encoding'] === 'gzip' ? gunzipSync(error.rawPayload).toString() : error.payload
  t.match(JSON.parse(body), { error: { code: -32700 } })
})
