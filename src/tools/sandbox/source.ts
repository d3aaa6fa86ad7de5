/** The two forms in which code may be written, each as a script that evaluates to a thunk that gives the function. */

export interface Form {
  readonly kind: 'expression' | 'body'
  readonly source: string
  /** Characters that stand before the code on its first line. */
  readonly prefixLength: number
}

const EXPRESSION = '() => ('
const BODY = '() => async function (args, context) {'
const MAX_CUTS = 20

/** The forms to try, in order; the first that compiles is meant. The line breaks end a trailing line comment. */
export function listForms (code: string): Form[] {
  const expressions = endings(code).map((text): Form => ({ kind: 'expression', source: `${EXPRESSION}${text}\n)`, prefixLength: EXPRESSION.length }))
  return [...expressions, { kind: 'body', source: `${BODY}${code}\n}`, prefixLength: BODY.length }]
}

/**
 * The code, and the code with semicolons and comments cut off its end one after the other: `(args) => args.a; // a note`
 * is meant as a function, but as it stands it compiles only as a body that returns nothing.
 */
function endings (code: string): string[] {
  const texts = [code]
  let text = code.trimEnd()
  while (texts.length <= MAX_CUTS) {
    const shorter = cutOnce(text).trimEnd()
    if (shorter === text) break
    texts.push(shorter)
    text = shorter
  }
  return texts
}

function cutOnce (text: string): string {
  if (text.endsWith(';')) return text.slice(0, -1)
  if (text.endsWith('*/')) return text.slice(0, Math.max(text.lastIndexOf('/*'), 0))
  const comment = text.lastIndexOf('//')
  return comment > text.lastIndexOf('\n') ? text.slice(0, comment) : text
}
