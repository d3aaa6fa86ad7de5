import type { HandlerContext } from '../src/core/ports.ts'

interface Arguments {
  text: string
  /** BCP 47; decides where words end. */
  language: string
}

interface Counts { words: number, sentences: number, characters: number }

/** Counts words, sentences and characters. TypeScript runs as it is: there is nothing to build. */
export default function countWords ({ text, language }: Arguments, context: HandlerContext): Counts {
  context.log('debug', `Counting ${text.length} UTF-16 units as ${language}.`)
  return {
    words: segments(text, language, 'word').filter(({ isWordLike }) => isWordLike).length,
    sentences: segments(text, language, 'sentence').length,
    characters: segments(text, language, 'grapheme').length
  }
}

function segments (text: string, language: string, granularity: 'word' | 'sentence' | 'grapheme'): Intl.SegmentData[] {
  return [...new Intl.Segmenter(language, { granularity }).segment(text)]
}
