/**
 * Whether a text fits a pattern in which `*` stands for any characters, or none. Takes at most the product of both lengths, whatever the
 * pattern: a regular expression made of it could take far longer.
 */
export function matchesGlob (pattern: string, text: string): boolean {
  let at = 0
  let inPattern = 0
  let star = -1
  let retry = 0
  while (at < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern++
      retry = at
    } else if (pattern[inPattern] === text[at]) {
      inPattern++
      at++
    } else if (star === -1) {
      return false
    } else {
      // The last star takes one character more.
      inPattern = star + 1
      at = ++retry
    }
  }
  while (pattern[inPattern] === '*') inPattern++
  return inPattern === pattern.length
}
