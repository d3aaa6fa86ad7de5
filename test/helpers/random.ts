/** Numbers that look random, and are the same for the same seed. */
export class Random {
  #state: number

  constructor (seed: number) { this.#state = seed >>> 0 }

  /** From 0 up to 1, by the generator mulberry32. */
  next (): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to a limit. */
  below (limit: number): number { return Math.floor(this.next() * limit) }

  /** One of several things, each as often as its weight says. */
  pick<Thing> (choices: readonly (readonly [weight: number, thing: Thing])[]): Thing {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    const found = choices.find(([weight]) => (left -= weight) < 0) ?? choices.at(-1)
    if (found === undefined) throw new Error('There is nothing to choose from.')
    return found[1]
  }
}
