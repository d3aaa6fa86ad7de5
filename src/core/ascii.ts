const beyondAscii = /[^ -~]/
const eachBeyondAscii = /[^ -~]/g

/** JSON text in ASCII: the rest stands in escapes, which JSON has for every character. */
export function ascii (json: string): string {
  return beyondAscii.test(json) ? json.replace(eachBeyondAscii, escape) : json
}

function escape (unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
