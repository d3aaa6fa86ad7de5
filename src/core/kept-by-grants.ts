import type { Grants } from './permissions.ts'
import type { Registry } from './registry.ts'

/** What is derived from a registry for callers of equal rights. Kept until the registry changes, or nobody has those rights any more. */
export class KeptByGrants<Value> {
  #values = new WeakMap<Grants, Value>()

  constructor (registry: Registry<unknown>) {
    registry.onChange(() => { this.#values = new WeakMap() })
  }

  /** Gives what is kept, or makes it. */
  of (grants: Grants, make: () => Value): Value {
    let value = this.#values.get(grants)
    if (value === undefined) {
      value = make()
      this.#values.set(grants, value)
    }
    return value
  }
}
