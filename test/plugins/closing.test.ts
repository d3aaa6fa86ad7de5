import dns from 'node:dns'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { build, type GantryApp } from '../helpers/build.ts'
import { deferred, until } from '../helpers/waiting.ts'

/** Where the machine has no IPv6, another address of its own: all of 127/8 is. */
const second = Object.values(networkInterfaces()).flat().some((each) => each?.address === '::1') ? '::1' : '127.0.0.2'
const addresses = ['127.0.0.1', second] as const

interface Served { app: GantryApp, port: number, release: () => void, running: () => number }

/** Listens at `localhost`, which has both addresses here, whatever the machine's own list of hosts says. */
async function serve (t: Test): Promise<Served> {
  const gate = deferred()
  let running = 0
  const app = await build(t, { server: { keepAliveTimeout: 250_000, headersTimeout: 250_001 } }, {
    tools: { wait: async () => { running++; await gate.promise; return 'done' } }
  })
  const { restore } = t.intercept(dns, 'lookup', { value: lookupWith(dns.lookup) })
  await app.listen({ host: 'localhost', port: 0 })
  restore()
  t.strictSame((app.addresses() as AddressInfo[]).map(({ address }) => address).sort(), [...addresses].sort())
  return { app, port: (app.server.address() as AddressInfo).port, release: () => { gate.resolve() }, running: () => running }
}

type Found = (error: Error | null, ...found: unknown[]) => void

/** Knows both addresses of `localhost`, and leaves all other names to the machine. */
function lookupWith (lookup: typeof dns.lookup): (host: string, options: unknown, found: Found) => void {
  const known = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (host, options, found) => {
    if (host !== 'localhost') lookup(host, options as dns.LookupAllOptions, found)
    else if (typeof options === 'function') (options as Found)(null, known[0]?.address, known[0]?.family)
    else found(null, known)
  }
}

/** A connection that stays open for more requests as long as the server lets it. */
async function open (t: Test, host: string, port: number): Promise<{ socket: Socket, gone: Promise<unknown> }> {
  const socket = connect(port, host)
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  socket.on('error', () => {}) // it may be reset
  return { socket, gone: new Promise((resolve) => { socket.once('close', resolve) }) }
}

/** Sends a request, and gives what comes first of its answer. */
async function ask (socket: Socket, request: string): Promise<string> {
  socket.write(`${request} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`)
  const [answer] = await once(socket, 'data') as [Buffer]
  return answer.toString()
}

for (const host of addresses) {
  t.test(`${host}: a call that runs gets its answer before the end, and nobody new is let in`, async (t) => {
    const { app, port, release, running } = await serve(t)
    const { socket } = await open(t, host, port)
    const events: string[] = []
    const answered = ask(socket, 'POST /tools/wait').then((answer) => {
      t.match(answer, /^HTTP\/1\.1 200 [^]*done/)
      events.push('answered')
    })
    await until('the call runs', () => running() === 1)
    const closed = app.close().then(() => { events.push('closed') })
    for (const address of addresses) await refused(address, port)
    release()
    await Promise.all([answered, closed])
    t.strictSame(events, ['answered', 'closed'])
  })

  t.test(`${host}: a connection that is kept for another request does not hold up the end`, async (t) => {
    const { app, port } = await serve(t)
    const { socket, gone } = await open(t, host, port)
    t.match(await ask(socket, 'GET /health'), /^HTTP\/1\.1 200 [^]*connection: keep-alive/i)
    await Promise.all([app.close(), gone])
  })

  t.test(`${host}: nor does one that becomes idle while the server ends`, async (t) => {
    const { app, port, release, running } = await serve(t)
    const { socket, gone } = await open(t, host, port)
    const answer = ask(socket, 'POST /tools/wait')
    await until('the call runs', () => running() === 1)
    const closed = app.close()
    await refused(host, port)
    release()
    t.match(await answer, /^HTTP\/1\.1 200 /)
    await Promise.all([closed, gone])
  })

  t.test(`${host}: nor does one that never sent anything`, async (t) => {
    const { app, port } = await serve(t)
    const { gone } = await open(t, host, port)
    await Promise.all([app.close(), gone])
  })
}

t.test('where there is one address, there is nothing else to wait for', async (t) => {
  const app = await build(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.equal(app.addresses().length, 1)
  await app.close()
})

/** Waits until nobody is let in at an address any more. */
async function refused (host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    const socket = connect(port, host)
    try {
      await once(socket, 'connect')
    } catch {
      return
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`${host} still lets clients in.`)
}
