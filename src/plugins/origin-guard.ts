import fp from 'fastify-plugin'
import { HostRefusedError } from '../core/errors.ts'
import { compileOriginRules, type OriginRules } from '../core/origin.ts'

/** Refuses requests for a host that is not ours, or from a page that is not, before their body is read. */
export default fp<OriginRules>(async function originGuard (app, rules) {
  const verdict = compileOriginRules(rules)
  app.addHook('onRequest', function refuseStrangeOrigin (request, _reply, done) {
    const { host, origin } = request.headers
    switch (verdict(host, origin)) {
      case 'allowed': return done()
      case 'host-refused': return done(new HostRefusedError('This host name is not served here: add it to server.allowedHosts if it should be.'))
      case 'origin-refused': return done(new HostRefusedError('Pages of this origin may not call: add it to server.allowedOrigins if they should.'))
    }
  })
}, { name: 'origin-guard', fastify: '5.x' })
