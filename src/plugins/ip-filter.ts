import fp from 'fastify-plugin'
import { AddressSet, readRanges } from '../core/addresses.ts'
import { AddressRefusedError } from '../core/errors.ts'

export interface IpFilterOptions {
  /** Addresses and CIDR ranges. Undefined lets everyone in, an empty list nobody. */
  allowed: readonly string[] | undefined
}

/** Refuses callers whose address is not listed, before anything else is looked at. Guards the routes of the scope it is registered in. */
export default fp<IpFilterOptions>(async function ipFilter (app, { allowed }) {
  if (allowed === undefined) return
  const addresses = new AddressSet(readRanges(allowed))
  const { logger } = app.core
  app.addHook('onRequest', function refuseAddress (request, _reply, done) {
    const { ip } = request
    if (addresses.has(ip)) return done()
    logger.debug({ address: ip }, 'A request was refused: security.ipWhitelist does not list its address.')
    done(new AddressRefusedError())
  })
}, { name: 'ip-filter', fastify: '5.x', dependencies: ['core'] })
