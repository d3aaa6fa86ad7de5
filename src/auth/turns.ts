/** Lets what is done for one address be done one after the other, so that many requests at once are judged by the failures of those before them. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<Result> (address: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(address)
    const mine = before === undefined ? work() : before.then(work, work)
    this.#last.set(address, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(address) === mine) this.#last.delete(address)
    }
  }
}
