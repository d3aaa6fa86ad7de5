import t from 'tap'
import { codePointText, escapeHidden, hiddenCharacters } from '../../src/config/hidden-characters.ts'

const hidden = ['\u0000', '\u001B', '\u007F', '\u0085', '\u00AD', '\u034F', '\u061C', '\u115F', '\u180E', '\u200B', '\u200E', '\u200F', '\u2028', '\u202A', '\u202E', '\u2060', '\u2066', '\u2069', '\u206A', '\u2800', '\u3164', '\uFEFF', '\uFFA0', '\uFFF9', '\u{E0001}', '\u{E0041}', '\u{E0100}', '\uD800']
for (const character of hidden) {
  t.test(`${codePointText(character.codePointAt(0) ?? 0)} is found, and spelt out when shown`, async (t) => {
    t.strictSame(hiddenCharacters(`ab${character}c`), [{ index: 2, codePoint: character.codePointAt(0) }])
    t.notMatch(escapeHidden(`ab${character}c`), character)
  })
}

t.test('joiners and styles count where they shape nothing', async (t) => {
  for (const text of ['a\u200Db', 'a\u200Cb', '\u200D', 'a\uFE0F', '❤\uFE0F\uFE0F', '\u06CC\u200C\u200C']) t.equal(hiddenCharacters(text).length, 1, escapeHidden(text))
})

t.test('ordinary text has none', async (t) => {
  for (const text of ['', 'plain', 'a\tb\r\nc', '\u{1F468}\u200D\u{1F469}', '❤\uFE0F', '1\uFE0F\u20E3', 'می\u200Cخواهم', '日本語', 'עברית', 'a\u0301']) t.strictSame(hiddenCharacters(text), [], text)
})
