import type { AST } from '@eslint-community/regexpp'

/**
 * A regular expression as the automaton of its positions (Glushkov): one state for each place that takes a character, and how many ways
 * lead from each to the next. The ways are what matters: where one text can be matched in several, a backtracking engine tries them all.
 */
export interface Automaton {
  /** For each position, the ones that may come next, and in how many ways: 1, or 2 for more. */
  readonly follow: ReadonlyMap<number, ReadonlyMap<number, number>>
  /** For each position, which of the sampled characters it takes. */
  readonly takes: ReadonlyMap<number, bigint>
  /** Bodies of lookarounds, which are matched by themselves. `isFirst`: only where the text begins. */
  readonly inner: readonly { alternatives: readonly AST.Alternative[], isFirst: boolean }[]
}

/** A pattern whose cost cannot be told. */
export class UnjudgedPatternError extends Error {}

/** Repetitions that are counted further than this are taken as endless: it can only make a pattern look worse. */
const maxCopies = 100
/** So often may a group be repeated, by count, whose text can be divided in several ways. */
const maxAmbiguousCount = 8

type Ways = Map<number, number>
interface Part { nullable: number, first: Ways, last: Ways }

/** `isAnchored`: matched at one place only, which a lookaround at its beginning is, as well as what begins with `^`. */
export function createAutomaton (alternatives: readonly AST.Alternative[], sample: (raw: string) => bigint, isAnchored: boolean): Automaton {
  const builder = new Builder(sample)
  const whole = builder.oneOf(alternatives)
  if (!isAnchored && !alternatives.every(beginsAtStart)) {
    const any = builder.position('[^]')
    builder.link(any.last, any.first)
    builder.link(any.last, whole.first)
    whole.first = new Map([...whole.first, ...any.first])
  }
  // Where nothing stands behind the end, reaching it is success: nothing is tried any more.
  const ends = builder.hasEnd ? new Set<number>() : new Set(whole.last.keys())
  const isDone = !builder.hasEnd && whole.nullable > 0
  return { ...builder.reachable(isDone ? [] : [...whole.first.keys()], ends), inner: builder.inner }
}

class Builder {
  readonly inner: { alternatives: readonly AST.Alternative[], isFirst: boolean }[] = []
  /** Whether something has to hold at the end, or in between, that takes no character. */
  hasEnd = false
  readonly #sample: (raw: string) => bigint
  readonly #follow = new Map<number, Ways>()
  readonly #takes = new Map<number, bigint>()

  constructor (sample: (raw: string) => bigint) { this.#sample = sample }

  position (raw: string): Part {
    const id = this.#takes.size
    if (id > 2_000) throw new UnjudgedPatternError('it is too large to be judged')
    this.#takes.set(id, this.#sample(raw))
    this.#follow.set(id, new Map())
    return { nullable: 0, first: new Map([[id, 1]]), last: new Map([[id, 1]]) }
  }

  link (from: Ways, to: Ways): void {
    for (const [position, ways] of from) addWays(this.#follow.get(position) as Ways, to, ways) // each position has its entry
  }

  oneOf (alternatives: readonly AST.Alternative[]): Part {
    const parts = alternatives.map((alternative) => alternative.elements.reduce<Part>((before, element) => this.#joined(before, this.#partOf(element)), empty()))
    return parts.reduce((one, other) => ({
      nullable: Math.min(2, one.nullable + other.nullable), first: addWays(one.first, other.first, 1), last: addWays(one.last, other.last, 1)
    }), { nullable: 0, first: new Map(), last: new Map() })
  }

  /** What can be reached without passing an end. */
  reachable (start: readonly number[], ends: ReadonlySet<number>): Pick<Automaton, 'follow' | 'takes'> {
    const follow = new Map<number, Ways>()
    const open = start.filter((position) => !ends.has(position))
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (follow.has(next)) continue
      const kept = new Map([...this.#follow.get(next) ?? []].filter(([position]) => !ends.has(position)))
      follow.set(next, kept)
      open.push(...kept.keys())
    }
    return { follow, takes: this.#takes }
  }

  #joined (one: Part, other: Part): Part {
    this.link(one.last, other.first)
    return {
      nullable: Math.min(2, one.nullable * other.nullable),
      first: addWays(new Map(one.first), other.first, one.nullable),
      last: addWays(new Map(other.last), one.last, other.nullable)
    }
  }

  #partOf (element: AST.Element): Part {
    switch (element.type) {
      case 'Backreference': throw new UnjudgedPatternError('it refers back to what it has matched')
      case 'Group':
      case 'CapturingGroup': return this.oneOf(element.alternatives)
      case 'Quantifier': return this.#repeated(element)
      case 'Assertion':
        if (element.kind !== 'start') this.hasEnd = true
        if (element.kind === 'lookahead' || element.kind === 'lookbehind') this.inner.push({ alternatives: element.alternatives, isFirst: isFirst(element) })
        return empty()
      default: return this.position(element.raw)
    }
  }

  #repeated ({ element, min, max }: AST.Quantifier): Part {
    if (max === 0) return empty()
    const before = this.#takes.size
    const body = this.#partOf(element)
    const size = this.#takes.size - before
    if (max === Infinity || size * max > maxCopies) {
      this.link(body.last, body.first)
      if (min <= 1 || size * min > maxCopies) return min === 0 ? { ...body, nullable: 1 } : body
      return this.#joined(this.#copies(element, min - 1), body)
    }
    if (max > maxAmbiguousCount && (size > 1 || body.nullable > 0)) this.#checkCounted(element, body, min)
    let rest = max === 1 ? empty() : this.#optionals(element, max - Math.max(min, 1))
    if (min > 1) rest = this.#joined(this.#copies(element, min - 1), rest)
    const all = this.#joined(body, rest)
    return min === 0 ? { ...all, nullable: 1 } : all
  }

  #copies (element: AST.QuantifiableElement, count: number): Part {
    let all = empty()
    for (let index = 0; index < count; index++) all = this.#joined(all, this.#partOf(element))
    return all
  }

  /** Each may only come when the one before it did. */
  #optionals (element: AST.QuantifiableElement, count: number): Part {
    let all = empty()
    for (let index = 0; index < count; index++) all = { ...this.#joined(this.#partOf(element), all), nullable: 1 }
    return all
  }

  /** Many bounded ways are as bad as endless ones. */
  #checkCounted (element: AST.QuantifiableElement, body: Part, min: number): void {
    const endless = new Builder(this.#sample)
    const part = endless.#partOf(element)
    endless.link(part.last, part.first)
    if ((body.nullable > 0 && min > maxAmbiguousCount) || isAmbiguous({ ...endless.reachable([...part.first.keys()], new Set()), inner: [] })) {
      throw new UnjudgedPatternError('a counted repetition can divide one text in very many ways')
    }
  }
}

/** Whether a loop can go through the same text in two ways: then the time doubles with each round. */
export function isAmbiguous ({ follow, takes }: Automaton): boolean {
  return loopsOf(follow).some((loop) => {
    const within = (position: number): [number, number][] => [...follow.get(position) ?? []].filter(([next]) => loop.has(next))
    if ([...loop].some((position) => within(position).some(([, ways]) => ways > 1))) return true
    return loop.size > 1 && dividesAndMeets([...loop], (position) => within(position).map(([next]) => next), takes)
  })
}

/** Whether two walks over the same text part and meet again. */
function dividesAndMeets (loop: readonly number[], next: (position: number) => readonly number[], takes: Automaton['takes']): boolean {
  if (loop.length > 300) throw new UnjudgedPatternError('it is too large to be judged')
  const key = (one: number, other: number): string => `${one},${other}`
  const parents = new Map<string, string[]>()
  const open = loop.map((position) => [position, position] as const)
  const seen = new Set(open.map(([one, other]) => key(one, other)))
  const diagonal = [...seen]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    for (const one of next(pair[0])) {
      for (const other of next(pair[1])) {
        if (((takes.get(one) ?? 0n) & (takes.get(other) ?? 0n)) === 0n) continue
        const to = key(one, other)
        parents.set(to, [...parents.get(to) ?? [], key(...pair)])
        if (!seen.has(to)) { seen.add(to); open.push([one, other]) }
      }
    }
  }
  const back = new Set(diagonal)
  const meeting = [...diagonal]
  for (let each = meeting.pop(); each !== undefined; each = meeting.pop()) {
    for (const parent of parents.get(each) ?? []) if (!back.has(parent)) { back.add(parent); meeting.push(parent) }
  }
  return back.size > diagonal.length
}

/** The positions from which each can be reached again, grouped with those that they share that with. */
export function loopsOf (follow: Automaton['follow']): Set<number>[] {
  const reach = new Map([...follow.keys()].map((position) => [position, reachableFrom(position, follow)]))
  const loops: Set<number>[] = []
  const grouped = new Set<number>()
  for (const [position, reached] of reach) {
    if (grouped.has(position) || !reached.has(position)) continue
    const loop = new Set([...reached].filter((other) => reach.get(other)?.has(position)))
    for (const each of loop) grouped.add(each)
    loops.push(loop)
  }
  return loops
}

export function reachableFrom (position: number, follow: Automaton['follow']): Set<number> {
  const reached = new Set<number>()
  const open = [...follow.get(position)?.keys() ?? []]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...follow.get(next)?.keys() ?? [])
  }
  return reached
}

function empty (): Part { return { nullable: 1, first: new Map(), last: new Map() } }

function addWays (to: Ways, ways: Ways, times: number): Ways {
  if (times > 0) for (const [position, count] of ways) to.set(position, Math.min(2, (to.get(position) ?? 0) + count * times))
  return to
}

function beginsAtStart ({ elements: [element] }: AST.Alternative): boolean {
  if (element === undefined) return false
  if (element.type === 'Assertion') return element.kind === 'start'
  return (element.type === 'Group' || element.type === 'CapturingGroup') && element.alternatives.every(beginsAtStart)
}

/** Whether a lookaround is matched at the beginning of the text only. */
function isFirst (assertion: AST.LookaroundAssertion): boolean {
  const { parent } = assertion
  if (parent.type !== 'Alternative' || parent.parent.type !== 'Pattern' || !beginsAtStart(parent)) return false
  return parent.elements.slice(0, parent.elements.indexOf(assertion)).every(({ type }) => type === 'Assertion')
}
