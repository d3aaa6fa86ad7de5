/**
 * The grammar of placeholders in one text. A run of dollars before a brace is read from the left: each pair is one literal dollar, and an
 * odd one that is left begins a placeholder. So `${X}` is a placeholder, `$${` is the literal `${`, and `$$${X}` is a dollar and a
 * placeholder. Dollars elsewhere are themselves.
 */

export type Segment =
  | { kind: 'literal', text: string }
  | { kind: 'placeholder', inner: string }
  | { kind: 'unclosed' }

const opening = /(\$+)\{/g

/** Takes a text apart. */
export function segmentsOf (text: string): Segment[] {
  const segments: Segment[] = []
  let literal = ''
  let end = 0
  for (const match of text.matchAll(opening)) {
    if (match.index < end) continue
    const dollars = match[1]?.length ?? 0
    const afterBrace = match.index + dollars + 1
    literal += text.slice(end, match.index) + '$'.repeat(dollars >> 1)
    end = afterBrace
    if (dollars % 2 === 0) {
      literal += '{'
      continue
    }
    const close = text.indexOf('}', afterBrace)
    if (literal !== '') segments.push({ kind: 'literal', text: literal })
    literal = ''
    if (close === -1) return [...segments, { kind: 'unclosed' }]
    segments.push({ kind: 'placeholder', inner: text.slice(afterBrace, close) })
    end = close + 1
  }
  literal += text.slice(end)
  return literal === '' ? segments : [...segments, { kind: 'literal', text: literal }]
}

/** Writes segments so that segmentsOf reads them back: what is literal stays literal. */
export function textOf (segments: readonly Segment[]): string {
  return segments.map((segment, index) => {
    if (segment.kind === 'placeholder') return `\${${segment.inner}}`
    if (segment.kind === 'unclosed') return '${'
    const escaped = segment.text.replace(/\$+(?=\{)/g, '$&$&')
    return segments[index + 1]?.kind === 'placeholder' ? escaped.replace(/\$+$/, '$&$&') : escaped
  }).join('')
}
