import { Type } from '@sinclair/typebox'
import { port } from '../primitives.ts'

/** Where the server listens. */

const host = { minLength: 1, pattern: '^[^\\s/]+$', expects: 'a host name or an address' }

export const Host = Type.String({
  ...host,
  default: '127.0.0.1',
  description: 'The address to listen on. Anything but loopback needs authentication, or an explicit acceptance of the risk. `HOST` wins.'
})

/** An address for metrics alone. It has no default, so that one without a port of its own is seen. */
export const MetricsHost = Type.String({ ...host, description: 'The address of `metrics.port`; `127.0.0.1` unless given. Whoever reaches another one reads the metrics: a notice says so at the start.' })

export const Port = port({ default: 3001, description: 'The port to listen on; 0 takes any that is free. `PORT` wins.' })

export const IpWhitelist = Type.Array(
  Type.String({ minLength: 1, expects: 'an address or a CIDR range, such as "10.0.0.0/8"' }),
  { minItems: 1, description: 'The only addresses that are served: IPv4 or IPv6, single or CIDR ranges. Everyone may ask for `/health`. Behind a proxy, the address is the one that the proxy tells: see `server.trustProxy` and [network.md](network.md).', reloadable: true }
)
