import { groupOf } from './addresses.ts'
import { CallerCounters } from './caller-counters.ts'
import type { Charge, CounterFailures, CounterStore, Standing, Verdict } from './counters.ts'
import type { Demand } from './demand.ts'
import type { RateLimitedError } from './errors.ts'
import { createLimit, refusalOf, type Limit, type LimitName } from './limit.ts'
import { rulesOfKey, type LimitRules, type RateRule } from './limit-rules.ts'
import { grantsOf } from './permissions.ts'
import type { Clock, Principal } from './ports.ts'

/** What the limits of a request said: why it is refused, unless it may go on; and how those stand that were asked. */
export interface Admission {
  readonly refusal: RateLimitedError | undefined
  readonly standings: readonly Standing<Limit>[]
}

export interface RateLimitsOptions {
  rules: LimitRules
  store: CounterStore
  /** Those of the store, as they are at any time. */
  failures: CounterFailures
  clock: Clock
}

const admitted: Admission = Object.freeze({ refusal: undefined, standings: Object.freeze([]) })

/** Decides how often callers may call. What a request costs is taken of all its limits in one step, or of none. */
export class RateLimits {
  /** How many requests were decided without the store, since the start. */
  readonly failures: CounterFailures
  readonly #rules: LimitRules
  readonly #store: CounterStore
  readonly #clock: Clock
  readonly #global: readonly Limit[]
  readonly #tools: ReadonlyMap<string, Limit>
  readonly #keys = new Map<string, readonly Limit[]>()
  readonly #tokens: CallerCounters<Limit>
  readonly #addresses: CallerCounters<Limit>
  /** What callers share for whom there is no room. */
  readonly #shared = new Map<string, Limit>()
  readonly #refused = new Map<LimitName, number>()

  constructor ({ rules, store, failures, clock }: RateLimitsOptions) {
    const { global, tools, tiers, principal, address, maxCallers: capacity } = rules
    this.failures = failures
    this.#rules = rules
    this.#store = store
    this.#clock = clock
    this.#global = global === undefined ? [] : [this.#create('global', '', global)]
    this.#tools = new Map([...tools].map(([name, rule]) => [name, this.#create('tool', name, rule)]))
    this.#tokens = new CallerCounters({ capacity, clock, idleMs: longestWindow([...tiers.values(), principal]) })
    this.#addresses = new CallerCounters({ capacity, clock, idleMs: longestWindow([address]) })
  }

  /** How many requests each kind of limit has refused, since the start. */
  get refused (): ReadonlyMap<LimitName, number> { return this.#refused }

  /** The limits of all that a caller sends. `address` is where it sends from, over the network. */
  limitsOf (principal: Principal, address: string | undefined): readonly Limit[] {
    switch (principal.kind) {
      case 'local': return this.#global
      case 'key': return this.#limitsOfKey(principal)
      case 'token': return this.#limitsOfToken(principal)
      case 'anonymous': return this.#limitsOfAddress(address)
    }
  }

  /** Refuses a request of which a limit is known to admit nothing, without asking the store. Takes nothing. */
  foresee (limits: readonly Limit[]): Admission {
    for (const counter of limits) {
      const resetMs = this.#fullForMs(counter)
      if (resetMs > 0) return this.#refuse([{ counter, remaining: 0, resetMs, waitMs: resetMs }])
    }
    return admitted
  }

  /** Takes what a request costs. `limits` are those of its caller. Rejects with StateUnavailableError when a limit that is closed cannot be counted. */
  take (limits: readonly Limit[], demand: Demand, principal: Principal): Admission | Promise<Admission> {
    const charges = this.#chargesOf(limits, demand, principal)
    if (charges.length === 0) return admitted
    if (demand.messages === 1) {
      // Floods end here, and not in the store. How long several messages have to wait, only the store knows.
      for (const { counter } of charges) if (counter.fullUntilMs !== 0 && this.#fullForMs(counter) > 0) return this.foresee([counter])
    }
    const verdict = this.#store.take(charges)
    return verdict instanceof Promise ? verdict.then((told) => this.#conclude(told)) : this.#conclude(verdict)
  }

  /** For how long a limit is known to admit nothing; 0 for one that may admit something. */
  #fullForMs (limit: Limit): number {
    if (limit.fullUntilMs === 0) return 0
    const leftMs = limit.fullUntilMs - this.#clock.now()
    // A clock that was set back says nothing of the window.
    if (leftMs > 0 && leftMs <= limit.windowMs) return leftMs
    limit.fullUntilMs = 0
    return 0
  }

  #chargesOf (limits: readonly Limit[], { messages, tools }: Demand, { permissions }: Principal): Charge<Limit>[] {
    const charges: Charge<Limit>[] = []
    for (const counter of limits) charges.push({ counter, cost: messages })
    const called = tools.length < 2 ? tools : new Set(tools)
    for (const name of called) {
      const counter = this.#tools.get(name)
      // Who may not call a tool uses up nothing of it.
      if (counter === undefined || !grantsOf(permissions).allows('tools:call', name)) continue
      charges.push({ counter, cost: tools.length === 1 ? 1 : tools.filter((other) => other === name).length })
    }
    return charges
  }

  #conclude ({ admitted, standings }: Verdict<Limit>): Admission {
    for (const { counter, remaining, resetMs } of standings) if (remaining === 0) counter.fullUntilMs = this.#clock.now() + resetMs
    return admitted ? { refusal: undefined, standings } : this.#refuse(standings)
  }

  /** The limit to name is the one that refuses for longest. */
  #refuse (standings: readonly Standing<Limit>[]): Admission {
    const { counter: limit, waitMs } = standings.reduce((longest, standing) => standing.waitMs > longest.waitMs ? standing : longest)
    this.#refused.set(limit.name, (this.#refused.get(limit.name) ?? 0) + 1)
    return { refusal: refusalOf(limit, waitMs), standings }
  }

  #limitsOfKey ({ name, tier }: Principal): readonly Limit[] {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const own = rulesOfKey(this.#rules, name, tier).map(({ kind, rule }) => this.#create(kind, kind === 'tier' ? JSON.stringify([tier, name]) : name, rule))
    const limits = [...this.#global, ...own]
    this.#keys.set(name, limits)
    return limits
  }

  #limitsOfToken ({ name, tier }: Principal): readonly Limit[] {
    const { tiers, principal } = this.#rules
    const ofTier = tier === undefined ? undefined : tiers.get(tier)
    if (ofTier !== undefined) return this.#withOneOf(this.#tokens, 'tier', ofTier, JSON.stringify([tier, name]), JSON.stringify([tier]))
    return principal === undefined ? this.#global : this.#withOneOf(this.#tokens, 'principal', principal, name)
  }

  #limitsOfAddress (address: string | undefined): readonly Limit[] {
    const rule = this.#rules.address
    return rule === undefined ? this.#global : this.#withOneOf(this.#addresses, 'address', rule, groupOf(address))
  }

  /** With the limit of one caller among many; callers for whom there is no room share one. */
  #withOneOf (callers: CallerCounters<Limit>, name: LimitName, rule: RateRule, who: string, all = ''): readonly Limit[] {
    const own = callers.of(who, () => this.#create(name, who, rule)) ?? this.#sharedLimit(name, all, rule)
    return [...this.#global, own]
  }

  #create (name: LimitName, who: string, rule: RateRule): Limit {
    return createLimit(name, who, rule, this.#rules.modes)
  }

  #sharedLimit (name: LimitName, who: string, rule: RateRule): Limit {
    const limit = this.#create(name, who, rule)
    const known = this.#shared.get(limit.id)
    if (known === undefined) this.#shared.set(limit.id, limit)
    return known ?? limit
  }
}

function longestWindow (rules: readonly (RateRule | undefined)[]): number {
  return Math.max(0, ...rules.map((rule) => rule?.window ?? 0))
}
