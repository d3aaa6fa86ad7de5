import type { EventBus } from './bus.ts'
import type { Change, JsonObject } from './ports.ts'

const channel = 'changes'

/** News of changes, on every instance. */
export class Changes {
  readonly #bus: EventBus
  readonly #listeners = new Set<(change: Change) => void>()
  #unsubscribe: (() => void) | undefined

  constructor (bus: EventBus) { this.#bus = bus }

  async open (): Promise<void> {
    this.#unsubscribe = await this.#bus.subscribe(channel, (event) => {
      const change = readChange(event)
      if (change !== undefined) for (const listener of this.#listeners) listener(change)
    }, { lasting: true })
  }

  close (): void {
    this.#unsubscribe?.()
    this.#listeners.clear()
  }

  /** Rejects with TypeError for what is no change, and with StateUnavailableError. */
  async announce (change: Change): Promise<void> {
    const known = readChange({ ...change })
    if (known === undefined) throw new TypeError('A change has the kind tools, prompts or resources, or the kind resource and a uri.')
    await this.#bus.publish(channel, { ...known })
  }

  /** Listens until the returned function is called. */
  listen (listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}

function readChange ({ kind, uri }: JsonObject): Change | undefined {
  if (kind === 'tools' || kind === 'prompts' || kind === 'resources') return { kind }
  return kind === 'resource' && typeof uri === 'string' ? { kind, uri } : undefined
}

/** The notification that tells a change to a client. */
export function changeNotification (change: Change): { method: string, params: JsonObject } {
  return change.kind === 'resource'
    ? { method: 'notifications/resources/updated', params: { uri: change.uri } }
    : { method: `notifications/${change.kind}/list_changed`, params: {} }
}
