import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startNginx } from '../helpers/nginx.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { fencedBlocks } from '../helpers/shell-example.ts'
import { freePort, root, start, type Server, type Teardown } from '../helpers/server.ts'

/** Different addresses of the loopback stand for different machines. */
const office = '127.0.0.9'
const stranger = '127.0.0.8'
const page = readFileSync(join(root, 'docs/network.md'), 'utf8')

async function serve (t: Teardown, server: object): Promise<Server> {
  return await start(t, { config: { security: { ipWhitelist: [office] }, server } })
}

/** The block of the page, in front of a port. */
function asOnThePage (port: number): string {
  const [block = ''] = fencedBlocks(page, 'nginx')
  return block.replace('127.0.0.1:3001', `127.0.0.1:${port}`)
}

async function statusOf (port: number, from: string, headers: [string, string][] = [], target = '/tools'): Promise<number> {
  return (await sendRaw({ port, from, target, headers: [['Host', 'mcp.example.com'], ...headers] })).status
}

const claims: [string, string][][] = [[], [['X-Forwarded-For', office]], [['X-Forwarded-For', `${office}, ${office}`]], [['X-Forwarded-For', `${office}, 127.0.0.1`]], [['X-Real-IP', office]], [['Forwarded', `for=${office}`]]]

t.test('behind the nginx of the page, callers are judged by their own address, whatever they claim', async (t) => {
  const { port } = await serve(t, { trustProxy: '127.0.0.1', allowedHosts: ['mcp.example.com'] })
  const proxy = await startNginx(t, asOnThePage(port))
  for (const claim of claims) {
    t.equal(await statusOf(proxy, office, claim), 200, `from the office, ${claim.join()}`)
    t.equal(await statusOf(proxy, stranger, claim), 403, `from a stranger, ${claim.join()}`)
    t.equal(await statusOf(port, stranger, claim), 403, `from a stranger past the proxy, ${claim.join()}`)
    t.equal(await statusOf(port, office, claim), 200, `from the office past the proxy, ${claim.join()}`)
  }
  t.equal(await statusOf(proxy, office, [['X-Forwarded-For', 'x'.repeat(2_000)]]), 200)
  t.equal(await statusOf(proxy, stranger, [], '/health'), 200)
})

t.test('the same nginx in front of a server that was not told of it changes nothing', async (t) => {
  const { port } = await serve(t, { allowedHosts: ['mcp.example.com'] })
  const proxy = await startNginx(t, asOnThePage(port))
  for (const claim of claims) {
    t.equal(await statusOf(proxy, office, claim), 403, `all come from the proxy, ${claim.join()}`)
    t.equal(await statusOf(proxy, stranger, claim), 403)
  }
})

t.test('through two proxies in a row the caller is found, and only behind both', async (t) => {
  const { port } = await serve(t, { trustProxy: ['127.0.0.2', '127.0.0.3'], allowedHosts: ['mcp.example.com'] })
  const inner = await startNginx(t, asOnThePage(port).replace('}', 'proxy_bind 127.0.0.3;\n}'))
  const outer = await startNginx(t, asOnThePage(inner).replace('}', 'proxy_bind 127.0.0.2;\n}'))
  for (const claim of claims) {
    t.equal(await statusOf(outer, office, claim), 200, `from the office, ${claim.join()}`)
    t.equal(await statusOf(outer, stranger, claim), 403, `from a stranger, ${claim.join()}`)
    t.equal(await statusOf(inner, stranger, claim), 403, `from a stranger who skips the outer one, ${claim.join()}`)
  }
})

t.test('the host that the client asked for is judged behind nginx, and a forwarded one never', async (t) => {
  const { port } = await serve(t, { trustProxy: '127.0.0.1', allowedHosts: ['mcp.example.com'] })
  const proxy = await startNginx(t, asOnThePage(port))
  const ask = async (host: string, forwarded: string): Promise<number> => (await sendRaw({ port: proxy, from: office, target: '/tools', headers: [['Host', host], ['X-Forwarded-Host', forwarded]] })).status
  t.equal(await ask('mcp.example.com', 'evil.example'), 200)
  t.equal(await ask('evil.example', 'mcp.example.com'), 403)
})

t.test('the server starts on every form of the loopback, and on no other address without authentication', async (t) => {
  for (const host of ['127.0.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost']) {
    const server = await start(t, { config: {}, env: { HOST: host } })
    t.strictSame(await server.stop(), { code: 0, signal: null }, host)
  }
  const port = String(await freePort())
  for (const host of ['0.0.0.0', '::', '::ffff:0.0.0.0', 'example.com']) {
    await t.rejects(start(t, { config: {}, env: { HOST: host, PORT: port } }), { message: /HOST is "[^"]+", which can be reached from other machines[^]*acceptRisk/ }, host)
  }
})
