/**
 * Characters that are not seen, or that turn the reading direction: in a name or description they can show people one text and models
 * another.
 */

export interface HiddenCharacter { index: number, codePoint: number }

// Controls, what Unicode says is not displayed (DerivedCoreProperties, Default_Ignorable_Code_Point: joiners, bidirectional marks,
// fillers, variation selectors, tags), line and paragraph separators, annotation marks, the blank braille cell, lone surrogates.
const hidden = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\uFFF9-\uFFFB\u2800\p{Surrogate}]/gu
const lineCharacters: ReadonlySet<number> = new Set([0x09, 0x0A, 0x0D])

const zeroWidthJoiner = 0x200D
const zeroWidthNonJoiner = 0x200C
const textStyle = 0xFE0E
const emojiStyle = 0xFE0F

/** Every hidden character of a text, but line breaks, and joiners and emoji styles where a writing system needs them. */
export function hiddenCharacters (text: string): HiddenCharacter[] {
  const found: HiddenCharacter[] = []
  for (const match of text.matchAll(hidden)) {
    const codePoint = match[0].codePointAt(0) ?? 0
    if (!isOrdinary(codePoint, text, match.index)) found.push({ index: match.index, codePoint })
  }
  return found
}

/** `U+200B`. */
export function codePointText (codePoint: number): string {
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`
}

/** The text on one line, with each hidden character spelt out. */
export function escapeHidden (text: string): string {
  return text.replace(hidden, (character, index: number) => {
    const codePoint = character.codePointAt(0) ?? 0
    if (lineCharacters.has(codePoint)) return ' '
    return isOrdinary(codePoint, text, index) ? character : `\\u{${codePoint.toString(16)}}`
  })
}

// Unicode UTS 51 (emoji sequences) and Unicode 23.2 (joiners in Arabic and Indic scripts): one mark, between letters that it shapes.
const beforeStyle = /[\p{Emoji}]$/u
const beforeJoiner = /(?:[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}]|\p{Extended_Pictographic}\uFE0F?|\p{Emoji_Modifier})$/u

function isOrdinary (codePoint: number, text: string, index: number): boolean {
  if (lineCharacters.has(codePoint)) return true
  const before = text.slice(Math.max(0, index - 3), index)
  if (codePoint === textStyle || codePoint === emojiStyle) return beforeStyle.test(before)
  return (codePoint === zeroWidthJoiner || codePoint === zeroWidthNonJoiner) && beforeJoiner.test(before)
}
