import type { Method } from '../dispatcher.ts'
import type { Registries } from '../entries.ts'
import type { Exchange } from '../exchange.ts'
import { NotAvailableError } from '../call-errors.ts'
import { InvalidParamsError, ResourceUnknownError } from '../errors.ts'
import { mayWatch } from '../lookup.ts'
import type { Subscriptions } from '../subscriptions.ts'
import type { Wire } from '../wire.ts'
import type { JsonObject } from '../ports.ts'

/** `subscriptions/listen` of the 2026 era: a request that stays open. MCP 2026-07-28 basic/patterns/subscriptions. */
export function createListenMethod (subscriptions: Subscriptions, wire: Wire): [string, Method] {
  return ['subscriptions/listen', async (params, exchange) => wire.result(await subscriptions.listen(params, exchange), exchange.revision)]
}

/** `resources/subscribe` and `resources/unsubscribe` of the 2025 era: kept with the session. 2025-11-25 server/resources, Subscriptions. */
export function createSubscribeMethods (registries: Pick<Registries, 'resources' | 'templates'>): [string, Method][] {
  function watch (wanted: boolean, { uri }: JsonObject, exchange: Exchange): string | Promise<string> {
    if (typeof uri !== 'string') throw new InvalidParamsError('params.uri must be the URI of a resource.')
    // What was there once may be gone; leaving it is always possible.
    if (wanted && !mayWatch(registries, uri, exchange.principal)) throw new ResourceUnknownError(uri)
    if (exchange.watch === undefined) throw new NotAvailableError('A subscription', 'this server keeps no sessions.')
    const kept = exchange.watch(uri, wanted)
    return kept instanceof Promise ? kept.then(() => '{}') : '{}'
  }
  return [
    ['resources/subscribe', (params, exchange) => watch(true, params, exchange)],
    ['resources/unsubscribe', (params, exchange) => watch(false, params, exchange)]
  ]
}
