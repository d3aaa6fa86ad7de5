/** One section of the configuration, as a plugin is given it: what it is now, and when it changes. */
export interface Section<T> {
  readonly current: T
  onChange (listener: (next: T) => void): void
}

/** A section that never changes, for tests and for programs that embed Gantry. */
export function fixedSection<T> (value: T): Section<T> {
  return { current: value, onChange () {} }
}
