import type { Changes } from './changes.ts'
import { changeNotification } from './changes.ts'
import { metaKeys } from './classify.ts'
import type { Exchange } from './exchange.ts'
import { CancelledError, InvalidParamsError, NotAcceptableError, OverloadedError } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { isObject } from './json-rpc.ts'
import type { Change, JsonObject } from './ports.ts'

/** What a `subscriptions/listen` request asks to be told. MCP 2026-07-28 basic/patterns/subscriptions. */
export interface SubscriptionFilter {
  toolsListChanged?: true
  promptsListChanged?: true
  resourcesListChanged?: true
  resourceSubscriptions?: string[]
}

const maxSubscriptions = 10_000
const maxResources = 1_000

/** The open subscriptions of the 2026 era: each is a request that stays open until its client goes or the server ends. */
export class Subscriptions {
  readonly #changes: Changes
  readonly #inFlight: InFlight
  readonly #exists: (uri: string) => boolean
  readonly #open = new Set<{ cancelKey: string | undefined, end (): void }>()
  #isClosing = false

  constructor (changes: Changes, inFlight: InFlight, exists: (uri: string) => boolean) {
    this.#changes = changes
    this.#inFlight = inFlight
    this.#exists = exists
  }

  get size (): number { return this.#open.size }

  /** Acknowledges, then tells changes until the end. Resolves with the result of a graceful end; rejects with CancelledError when the client is gone. */
  async listen (params: JsonObject, exchange: Exchange): Promise<object> {
    const filter = this.#readFilter(params['notifications'])
    if (!exchange.streaming) throw new NotAcceptableError()
    if (this.#open.size >= maxSubscriptions) throw new OverloadedError()
    const tag = { [metaKeys.subscriptionId]: exchange.rpcId }
    const tell = (method: string, facts: JsonObject): void => { exchange.notify(method, { ...facts, _meta: tag }) }

    tell('notifications/subscriptions/acknowledged', { notifications: filter })
    if (Object.keys(filter).length > 0) {
      await this.#untilEnd(exchange, (change) => {
        if (!wants(filter, change)) return
        const { method, params: facts } = changeNotification(change)
        tell(method, facts)
      })
    }
    return { _meta: tag }
  }

  /** Ends all gracefully, those to come included: their requests get their result. */
  endAll (): void {
    this.#isClosing = true
    for (const subscription of this.#open) subscription.end()
  }

  /** Ends those gracefully whose cancel keys begin so: of one client, whose connection stays open for their results. */
  endOf (prefix: string): void {
    for (const subscription of this.#open) if (subscription.cancelKey?.startsWith(prefix) === true) subscription.end()
  }

  async #untilEnd (exchange: Exchange, listener: (change: Change) => void): Promise<void> {
    const { cancelKey } = exchange
    const subscription = { cancelKey, end: (): void => {}, abort: (_reason: Error): void => {} }
    const ended = new Promise<void>((resolve, reject) => { Object.assign(subscription, { end: resolve, abort: reject }) })
    const stop = this.#changes.listen(listener)
    this.#open.add(subscription)
    if (cancelKey !== undefined) this.#inFlight.add(cancelKey, subscription)
    exchange.onDisconnect?.(() => { subscription.abort(new CancelledError()) })
    if (this.#isClosing) subscription.end()
    try {
      await ended
    } finally {
      stop()
      this.#open.delete(subscription)
      if (cancelKey !== undefined) this.#inFlight.remove(cancelKey, subscription)
    }
  }

  #readFilter (requested: unknown): SubscriptionFilter {
    if (!isObject(requested)) throw new InvalidParamsError('params.notifications must be an object that says what to listen to.')
    const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions = [] } = requested
    for (const [name, flag] of Object.entries({ toolsListChanged, promptsListChanged, resourcesListChanged })) {
      if (flag !== undefined && typeof flag !== 'boolean') throw new InvalidParamsError(`params.notifications.${name} must be true or false.`)
    }
    if (!Array.isArray(resourceSubscriptions) || !resourceSubscriptions.every((uri) => typeof uri === 'string') || resourceSubscriptions.length > maxResources) {
      throw new InvalidParamsError(`params.notifications.resourceSubscriptions must be a list of at most ${maxResources} URIs.`)
    }
    // What there is not, or not for this caller, is left out of what is acknowledged.
    const uris = resourceSubscriptions.filter((uri) => this.#exists(uri))
    return {
      ...(toolsListChanged === true && { toolsListChanged }),
      ...(promptsListChanged === true && { promptsListChanged }),
      ...(resourcesListChanged === true && { resourcesListChanged }),
      ...(uris.length > 0 && { resourceSubscriptions: uris })
    }
  }
}

function wants (filter: SubscriptionFilter, change: Change): boolean {
  switch (change.kind) {
    case 'tools': return filter.toolsListChanged === true
    case 'prompts': return filter.promptsListChanged === true
    case 'resources': return filter.resourcesListChanged === true
    case 'resource': return filter.resourceSubscriptions?.includes(change.uri) === true
  }
}
