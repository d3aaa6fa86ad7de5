import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { isPublicAddress, loopbackAddresses, privateAddresses } from '../../core/address-space.ts'
import { AddressSet, readRange, readRanges, type AddressRange } from '../../core/addresses.ts'
import { HandlerLoadError } from '../../core/errors.ts'

/**
 * How far a request may go beside the internet, by how the operator named its host:
 * - `public`: not named, or by a pattern: only where `allowPrivate` leads;
 * - `loopback`: `localhost`, written in the URL: to this machine;
 * - `named`: by its name in `allowedHosts`: to private networks and this machine, but not to link-local addresses, where metadata services are;
 * - `exact`: by its address: to that address, whatever it is.
 */
export type Reach = 'public' | 'loopback' | 'named' | 'exact'

/** All addresses of a host are such as the request may not reach. The addresses are for the operator, not for the caller. */
export class EgressRefusal extends Error {
  readonly host: string
  readonly addresses: readonly string[]
  constructor (host: string, addresses: readonly string[]) {
    super(`${host} may not be reached.`)
    this.host = host
    this.addresses = addresses
  }

  override get name (): string { return 'EgressRefusal' }
}

export interface ConnectionOptions {
  /** The most connections to one origin. */
  readonly connections: number
  readonly connectTimeoutMs: number
  /** Ranges that every handler may reach. */
  readonly allowPrivate: readonly string[]
  /** Names to addresses, asked once for each connection; that of the system unless given. */
  readonly lookup?: LookupFunction | undefined
}

/** Picks the connections that requests of this reach may use. */
export type Egress = (reach: Reach) => Dispatcher

export interface Connections {
  /** For a handler that may reach these ranges too; throws HandlerLoadError for one that cannot be read. */
  egress (allowPrivate: readonly string[]): Egress
  destroy (): Promise<void>
}

/**
 * The connections of all handlers. Only requests that may reach the same addresses share them: one that is open would take a request
 * where no new one could go.
 */
export function createConnections ({ connections, connectTimeoutMs, allowPrivate, lookup = systemLookup }: ConnectionOptions): Connections {
  const shared = readRanges(allowPrivate)
  const agents = new Map<string, Agent>()

  function agentFor (key: string, permits: (address: string) => boolean): Agent {
    const known = agents.get(key)
    if (known !== undefined) return known
    const agent = new Agent({ connections, connect: createConnector(permits, lookup, connectTimeoutMs) })
    agents.set(key, agent)
    return agent
  }

  return {
    egress (own) {
      const ranges = [...shared, ...readPrivate(own)]
      const allowed = new AddressSet(ranges)
      const key = ranges.map(({ family, first, last }) => `${family}:${first}-${last}`).sort().join()
      const isOpen = (address: string): boolean => allowed.has(address) || isPublicAddress(address)
      return (reach) => {
        switch (reach) {
          case 'public': return agentFor(`public ${key}`, isOpen)
          case 'loopback': return agentFor(`loopback ${key}`, (address) => loopbackAddresses.has(address) || isOpen(address))
          case 'named': return agentFor(`named ${key}`, (address) => privateAddresses.has(address) || isOpen(address))
          case 'exact': return agentFor('exact', () => true)
          default: return reach satisfies never
        }
      }
    },
    // Not close(): an Agent that is closing has let go of its connections, and could not end them at a limit.
    async destroy () { await Promise.all([...agents.values()].map((agent) => agent.destroy())) }
  }
}

function readPrivate (texts: readonly string[]): AddressRange[] {
  return texts.map((text, index) => {
    const range = readRange(text)
    if (range === undefined) throw new HandlerLoadError(['allowPrivate', index], `${JSON.stringify(text)} is neither an address nor a CIDR range: write "10.0.0.7" or "10.0.0.0/8".`)
    return range
  })
}

/** Connects to addresses that are permitted only. What was looked at is what is connected to: no name is looked up twice. */
function createConnector (permits: (address: string) => boolean, lookup: LookupFunction, timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout, lookup: createLookup(permits, lookup) })
  return (options, callback) => {
    // Sockets look up names only: an address in the URL gets here as it is.
    if (isIP(options.hostname) === 0 || permits(options.hostname)) connect(options, callback)
    else queueMicrotask(() => callback(new EgressRefusal(options.hostname, [options.hostname]), null))
  }
}

function createLookup (permits: (address: string) => boolean, lookup: LookupFunction): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, answer, family = 0) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const found = typeof answer === 'string' ? [{ address: answer, family }] : answer
      const [first, ...others] = found.filter(({ address }) => permits(address))
      if (first === undefined) callback(new EgressRefusal(host, found.map(({ address }) => address)), [])
      else if (options.all === true) callback(null, [first, ...others])
      else callback(null, first.address, first.family)
    })
  }
}
