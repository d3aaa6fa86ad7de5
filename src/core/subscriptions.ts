import type { Audit } from './audit.ts'
import type { Changes } from './changes.ts'
import { changeNotification } from './changes.ts'
import { metaKeys } from './classify.ts'
import type { Exchange } from './exchange.ts'
import { CancelledError } from './call-errors.ts'
import { InvalidParamsError, MissingCapabilityError, NotAcceptableError } from './errors.ts'
import { whenExpired } from './expiry.ts'
import type { InFlight } from './in-flight.ts'
import { isObject } from './json-rpc.ts'
import type { StreamSlots } from './stream-slots.ts'
import { detailsOf } from './tasks/description.ts'
import { declaresTasks, tasksCapability, tasksExtension } from './tasks/lane.ts'
import { TaskWatch } from './tasks/task-watch.ts'
import type { Tasks } from './tasks/tasks.ts'
import type { Change, JsonObject, Principal } from './ports.ts'

/** What a `subscriptions/listen` request asks to be told. MCP 2026-07-28 basic/patterns/subscriptions. */
export interface SubscriptionFilter {
  toolsListChanged?: true
  promptsListChanged?: true
  resourcesListChanged?: true
  resourceSubscriptions?: string[]
  /** SEP-2663, Task Status Notifications. */
  taskIds?: string[]
}

export interface SubscriptionsParts {
  changes: Changes
  inFlight: InFlight
  slots: StreamSlots
  /** Whether a caller may be told of the changes of what is at a URI. */
  mayWatch: (uri: string, principal: Principal) => boolean
  /** Undefined where no call can become a task. */
  tasks: () => Tasks | undefined
  /** Undefined where nothing is recorded. */
  audit?: Audit | undefined
}

const maxResources = 1_000
/** Each is looked up before the first message. */
const maxTasks = 100

/** The open subscriptions of the 2026 era: each is a request that stays open until its client goes or the server ends. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts
  readonly #open = new Set<Subscription>()
  #isClosing = false

  constructor (parts: SubscriptionsParts) { this.#parts = parts }

  get size (): number { return this.#open.size }

  /**
   * Acknowledges, then tells changes until the end. Resolves with the result of a graceful end; rejects with CancelledError when the client
   * is gone, with StreamLimitError or OverloadedError where there are too many, with StateUnavailableError when its tasks cannot be looked up.
   */
  async listen (params: JsonObject, exchange: Exchange): Promise<object> {
    const filter = this.#readFilter(params['notifications'], exchange)
    if (!exchange.streaming) throw new NotAcceptableError()
    const tag = { [metaKeys.subscriptionId]: exchange.rpcId }
    const tell: Tell = (method, facts) => { exchange.notify(method, { ...facts, _meta: tag }) }
    if (Object.keys(filter).length > 0) await this.#hold(filter, exchange, tell)
    else this.#acknowledge(filter, exchange, tell)
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

  async #hold ({ taskIds, ...filter }: SubscriptionFilter, exchange: Exchange, tell: Tell): Promise<void> {
    const subscription = this.#begin(exchange)
    try {
      const watch = taskIds === undefined ? undefined : await this.#watchTasks(taskIds, exchange.principal, subscription)
      // Whoever cancelled in the meantime is told nothing any more.
      if (subscription.isAborted) return await subscription.ended
      const honoured = { ...filter, ...(watch !== undefined && watch.ids.length > 0 && { taskIds: watch.ids }) }
      this.#acknowledge(honoured, exchange, tell)
      if (Object.keys(honoured).length === 0) return
      subscription.cleanUps.push(this.#parts.changes.listen((change) => {
        if (!wants(filter, change)) return
        const { method, params } = changeNotification(change)
        tell(method, params)
      }))
      watch?.begin((record) => { tell('notifications/tasks', detailsOf(record)) })
      await subscription.ended
    } finally {
      for (const cleanUp of subscription.cleanUps) cleanUp()
    }
  }

  #acknowledge (filter: SubscriptionFilter, exchange: Exchange, tell: Tell): void {
    this.#parts.audit?.record('subscription.open', exchange)
    tell('notifications/subscriptions/acknowledged', { notifications: filter })
  }

  /** Registers it first, so that it can be cancelled before all is ready. */
  #begin (exchange: Exchange): Subscription {
    const { inFlight, slots } = this.#parts
    const { cancelKey, principal } = exchange
    const release = slots.take(principal)
    const subscription = new Subscription(cancelKey)
    this.#open.add(subscription)
    if (cancelKey !== undefined) inFlight.add(cancelKey, subscription)
    subscription.cleanUps.push(() => {
      release()
      this.#open.delete(subscription)
      if (cancelKey !== undefined) inFlight.remove(cancelKey, subscription)
    })
    subscription.cleanUps.push(whenExpired(principal, () => { subscription.end() }))
    exchange.onDisconnect?.(() => { subscription.abort(new CancelledError()) })
    if (this.#isClosing) subscription.end()
    return subscription
  }

  async #watchTasks (ids: readonly string[], { name }: Principal, { cleanUps }: Subscription): Promise<TaskWatch | undefined> {
    const tasks = this.#parts.tasks()
    if (tasks === undefined) return undefined
    const watch = await TaskWatch.open(tasks, ids, name)
    cleanUps.push(() => { watch.stop() })
    return watch
  }

  #readFilter (requested: unknown, { principal, clientCapabilities }: Exchange): SubscriptionFilter {
    if (!isObject(requested)) throw new InvalidParamsError('params.notifications must be an object that says what to listen to.')
    const { toolsListChanged, promptsListChanged, resourcesListChanged } = requested
    for (const [name, flag] of Object.entries({ toolsListChanged, promptsListChanged, resourcesListChanged })) {
      if (flag !== undefined && typeof flag !== 'boolean') throw new InvalidParamsError(`params.notifications.${name} must be true or false.`)
    }
    // What there is not, or not for this caller, is left out of what is acknowledged.
    const uris = readTexts(requested, 'resourceSubscriptions', `at most ${maxResources} URIs`, maxResources).filter((uri) => this.#parts.mayWatch(uri, principal))
    const taskIds = this.#parts.tasks() === undefined ? [] : readTexts(requested, 'taskIds', `the ids of at most ${maxTasks} tasks`, maxTasks)
    if (taskIds.length > 0 && !declaresTasks(clientCapabilities)) throw new MissingCapabilityError(tasksExtension, tasksCapability)
    return {
      ...(toolsListChanged === true && { toolsListChanged }),
      ...(promptsListChanged === true && { promptsListChanged }),
      ...(resourcesListChanged === true && { resourcesListChanged }),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
      ...(taskIds.length > 0 && { taskIds })
    }
  }
}

type Tell = (method: string, facts: JsonObject) => void

/** One open request. */
class Subscription {
  readonly cancelKey: string | undefined
  /** Resolves at a graceful end, rejects when it is given up. */
  readonly ended: Promise<void>
  readonly cleanUps: (() => void)[] = []
  isAborted = false
  end: () => void = () => {}
  #reject: (reason: Error) => void = () => {}

  constructor (cancelKey: string | undefined) {
    this.cancelKey = cancelKey
    this.ended = new Promise((resolve, reject) => {
      this.end = resolve
      this.#reject = reject
    })
    this.ended.catch(() => { /* it may be given up before anybody awaits it */ })
  }

  abort (reason: Error): void {
    this.isAborted = true
    this.#reject(reason)
  }
}

function readTexts (requested: JsonObject, name: 'resourceSubscriptions' | 'taskIds', what: string, max: number): string[] {
  const { [name]: texts = [] } = requested
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string') || texts.length > max) {
    throw new InvalidParamsError(`params.notifications.${name} must be a list of ${what}.`)
  }
  return texts
}

function wants (filter: SubscriptionFilter, change: Change): boolean {
  switch (change.kind) {
    case 'tools': return filter.toolsListChanged === true
    case 'prompts': return filter.promptsListChanged === true
    case 'resources': return filter.resourcesListChanged === true
    case 'resource': return filter.resourceSubscriptions?.includes(change.uri) === true
  }
}
