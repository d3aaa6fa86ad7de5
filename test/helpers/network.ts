import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Teardown } from './server.ts'

/** The network between two programs, as far as a test can take it away. */
export interface Network {
  /** Where the far end seems to be. */
  readonly port: number
  /** From now on nothing arrives, in either direction, and nobody is told: connections stay, new ones are taken and lead nowhere. */
  drop (): void
  /** Every connection is reset, and so is each that is tried. */
  reset (): void
  /** All works again, but for the connections on which something was lost: they are reset. */
  mend (): void
}

export async function startNetwork (t: Teardown, farPort: number): Promise<Network> {
  let state: 'fine' | 'dropping' | 'resetting' = 'fine'
  const open = new Set<Socket>()
  const torn = new Set<Socket>()
  const server = createServer((near) => {
    near.on('error', () => {})
    if (state === 'resetting') {
      near.resetAndDestroy()
      return
    }
    keep(near)
    if (state === 'dropping') {
      torn.add(near.resume())
      return
    }
    const far = connect(farPort, '127.0.0.1').on('error', () => { near.destroy() })
    keep(far)
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.on('data', (bytes) => {
        if (state === 'dropping') torn.add(near)
        else if (!torn.has(near)) to.write(bytes)
      })
      from.on('close', () => { if (state === 'dropping') torn.add(near); else to.destroy() })
    }
  }).listen(0, '127.0.0.1')
  function keep (socket: Socket): void {
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
  }
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    drop () { state = 'dropping' },
    reset () {
      state = 'resetting'
      for (const socket of open) socket.resetAndDestroy()
    },
    mend () {
      state = 'fine'
      for (const socket of torn) socket.resetAndDestroy()
      torn.clear()
    }
  }
}
