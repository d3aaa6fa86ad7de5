/** What a client takes, by its Accept header (RFC 9110 section 12.5.1). Preference among what it takes is up to us. */
export interface Acceptable { json: boolean, eventStream: boolean }

const anything: Acceptable = { json: true, eventStream: true }
const jsonOnly: Acceptable = { json: true, eventStream: false }

/** Clients send the same header with every request; what is new is read once. */
const known = new Map<string, Acceptable>([
  ['application/json, text/event-stream', anything], ['*/*', anything], ['application/json', jsonOnly]
])
const maxKnown = 256

export function readAccept (header: string | undefined): Acceptable {
  if (header === undefined) return anything
  let acceptable = known.get(header)
  if (acceptable === undefined) {
    acceptable = parse(header)
    if (known.size < maxKnown && header.length <= 256) known.set(header, acceptable)
  }
  return acceptable
}

function parse (header: string): Acceptable {
  const taken = header.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter)))
    .map(([type]) => type)
  const takes = (type: string, family: string): boolean => taken.includes(type) || taken.includes(family) || taken.includes('*/*')
  return { json: takes('application/json', 'application/*'), eventStream: takes('text/event-stream', 'text/*') }
}
