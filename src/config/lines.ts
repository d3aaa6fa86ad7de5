import type { Path, Place } from './fault.ts'

/** Turns offsets of a text into lines and columns, both from 1. */
export function placeFinder (text: string): (offset: number) => Place {
  let starts: number[] | undefined
  return function placeAt (offset) {
    starts ??= lineStarts(text)
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStarts (text: string): number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}

/** Places in a text. */
export interface Locate {
  /** Where a value of the file stands, or its key; where the path leads nowhere, the nearest thing that holds it. */
  (path: Path, what?: 'value' | 'key'): Place | undefined
  /** Where an offset is. */
  at (offset: number): Place
}

/** Offsets of a value and of its key. */
export interface Offsets { value: number, key?: number | undefined }

/** Makes a Locate out of a function that knows exact paths only. */
export function nearestPlace (text: string, find: (path: Path) => Offsets | undefined): Locate {
  const at = placeFinder(text)
  const locate = (path: Path, what: 'value' | 'key' = 'value'): Place | undefined => {
    for (let length = path.length; length >= 0; length--) {
      const offsets = find(path.slice(0, length))
      if (offsets !== undefined) return at(what === 'key' && length === path.length ? offsets.key ?? offsets.value : offsets.value)
    }
    return undefined
  }
  return Object.assign(locate, { at })
}
