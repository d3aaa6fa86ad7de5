import { createRequire } from 'node:module'
import type { AST, RegExpParser } from '@eslint-community/regexpp'
import { createAutomaton, isAmbiguous, loopsOf, reachableFrom, UnjudgedPatternError, type Automaton } from './pattern-automaton.ts'

/** How the time of a pattern grows with the text: with its length to the power of `degree`, or worse, for the reason that is told. */
export type PatternCost = { readonly degree: number } | { readonly refusal: string }

const require = createRequire(import.meta.url)
const maxPatternLength = 5_000
const maxSteps = 300_000

/**
 * Judges a pattern as JSON Schema has them (ECMA-262 with the flag `u`, found anywhere in the text) by all the ways in which a
 * backtracking engine could go before it gives up. Throws a SyntaxError for what is no pattern.
 */
export function costOf (pattern: string): PatternCost {
  if (pattern.length > maxPatternLength) return { refusal: `it has more than ${maxPatternLength} characters` }
  // Loaded by the first schema that has a pattern.
  const { RegExpParser: Parser } = require('@eslint-community/regexpp') as { RegExpParser: typeof RegExpParser }
  const { alternatives } = new Parser().parsePattern(pattern, undefined, undefined, { unicode: true })
  try {
    return { degree: Math.max(1, degreeOf(alternatives, samplerOf(pattern), false)) }
  } catch (error) {
    if (error instanceof UnjudgedPatternError) return { refusal: error.message }
    throw error
  }
}

/** Throws UnjudgedPatternError for what is exponential, or cannot be judged. */
function degreeOf (alternatives: readonly AST.Alternative[], sample: (raw: string) => bigint, isAnchored: boolean): number {
  const automaton = createAutomaton(alternatives, sample, isAnchored)
  if (isAmbiguous(automaton)) throw new UnjudgedPatternError('its time can double with each character, because a repetition can match the same text in several ways')
  const first = automaton.inner.filter((each) => each.isFirst).map((each) => degreeOf(each.alternatives, sample, true))
  const later = automaton.inner.filter((each) => !each.isFirst).map((each) => degreeOf(each.alternatives, sample, true))
  // One that is looked at in every place costs that much in each.
  return Math.max(longestChain(automaton) + later.reduce((sum, each) => sum + each, 0), ...first)
}

/** How many loops can share one text, each taking over from the one before it wherever it likes. */
function longestChain (automaton: Automaton): number {
  const loops = loopsOf(automaton.follow)
  const budget = { steps: maxSteps }
  const next = loops.map((loop) => loops.filter((other) => other !== loop && takesOver(loop, other, automaton, budget)))
  const lengths = new Map<Set<number>, number>()
  function lengthFrom (index: number): number {
    const loop = loops[index] as Set<number> // the index is one of the list
    const known = lengths.get(loop)
    if (known !== undefined) return known
    const length = 1 + Math.max(0, ...(next[index] as Set<number>[]).map((other) => lengthFrom(loops.indexOf(other))))
    lengths.set(loop, length)
    return length
  }
  return Math.max(0, ...loops.map((_loop, index) => lengthFrom(index)))
}

/**
 * Whether one text leads from `p` of the one loop to itself, from `p` to `q` of the other, and from `q` to itself: then it can be divided
 * between the two anywhere.
 */
function takesOver (one: ReadonlySet<number>, other: ReadonlySet<number>, { follow, takes }: Automaton, budget: { steps: number }): boolean {
  const next = (position: number): number[] => [...follow.get(position)?.keys() ?? []]
  const common = (...positions: number[]): boolean => positions.reduce((all, position) => all & (takes.get(position) ?? 0n), -1n) !== 0n
  for (const p of one) {
    const reached = reachableFrom(p, follow)
    for (const q of other) {
      if (!reached.has(q)) continue
      const goal = `${p},${q},${q}`
      const seen = new Set<string>()
      const open: [number, number, number][] = [[p, p, q]]
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        for (const a of next(at[0])) {
          if (!one.has(a)) continue
          for (const b of next(at[1])) {
            for (const c of next(at[2])) {
              if (--budget.steps < 0) throw new UnjudgedPatternError('it is too large to be judged')
              const key = `${a},${b},${c}`
              if (!other.has(c) || seen.has(key) || !common(a, b, c)) continue
              if (key === goal) return true
              seen.add(key)
              open.push([a, b, c])
            }
          }
        }
      }
    }
  }
  return false
}

/** Tells which of many characters a class takes, by asking the engine itself: those of ASCII, some of each script, and all that the pattern names. */
function samplerOf (pattern: string): (raw: string) => bigint {
  const known = new Map<string, bigint>()
  const characters = [...new Set([...commonCharacters, ...namedIn(pattern)])]
  return function sample (raw) {
    let taken = known.get(raw)
    if (taken === undefined) {
      const single = new RegExp(`^(?:${raw})$`, 'u')
      taken = BigInt(`0b${characters.map((character) => single.test(character) ? '1' : '0').join('')}`)
      known.set(raw, taken)
    }
    return taken
  }
}

const commonCharacters: readonly string[] = [
  ...Array.from({ length: 0x180 }, (_none, point) => String.fromCodePoint(point)),
  ...Array.from({ length: 0xD8 * 4 }, (_none, index) => String.fromCodePoint(0x180 + index * 0x40)).filter((character) => character < '\ud800'),
  '\u2028', '\ufeff', '\ud83d', '\u{1F600}', '\u{20000}'
]

/** The characters at and beside those that a pattern names, also by an escape. */
function namedIn (pattern: string): string[] {
  const escaped = [...pattern.matchAll(/\\u\{([0-9A-Fa-f]{1,6})\}|\\[ux]([0-9A-Fa-f]{2,4})/g)].map(([, braced, plain]) => Number.parseInt(braced ?? plain ?? '0', 16))
  const literal = Array.from(pattern, (character) => character.codePointAt(0) ?? 0)
  return [...new Set([...escaped, ...literal])].flatMap((point) => [point - 1, point, point + 1]).filter((point) => point >= 0 && point <= 0x10FFFF).map((point) => String.fromCodePoint(point))
}
