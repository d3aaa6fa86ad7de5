import { distance } from 'fastest-levenshtein'

/** Longer words than this are not compared: no key is that long. */
const maxLength = 64

/** The word that was probably meant, or undefined when none is near. */
export function closestWord (word: string, words: readonly string[]): string | undefined {
  if (word.length > maxLength) return undefined
  const plain = simplify(word)
  const same = words.find((candidate) => simplify(candidate) === plain)
  if (same !== undefined) return same
  let best: string | undefined
  let bestDistance = Math.min(Math.ceil(word.length / 3) + 1, plain.length)
  for (const candidate of words) {
    const steps = distance(plain, simplify(candidate))
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps]
  }
  return best
}

/** "Did you mean …?", when there is something to mean. */
export function didYouMean (word: string, words: readonly string[]): { suggestion?: string } {
  const meant = closestWord(word, words)
  return meant === undefined || meant === word ? {} : { suggestion: `Did you mean "${meant}"?` }
}

function simplify (word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, '')
}
