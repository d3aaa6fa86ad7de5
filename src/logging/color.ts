/** Whether what is written there may be coloured: on a terminal, unless NO_COLOR says otherwise (no-color.org). */
export function takesColor (stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === ''
}
