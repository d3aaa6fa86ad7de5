/** The upper bounds of the buckets of all histograms of durations, in seconds. */
export const secondsBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** How long things took: a histogram. Something is observed with every call, so nothing is looked up or allocated for it. */
export class Durations {
  /** How many fell into each bucket, and at the end those that were longer than all bounds. */
  readonly counts: number[] = new Array<number>(secondsBounds.length + 1).fill(0)
  sum = 0

  observe (seconds: number): void {
    let bucket = 0
    // Most take little, so they are found at once.
    while (seconds > (secondsBounds[bucket] ?? Infinity)) bucket++
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += seconds
  }
}
