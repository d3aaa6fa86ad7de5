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

/** The most specific range decides (RFC 9110 section 12.5.1), so that a type refused by name is not let in by a wildcard. */
function parse (header: string): Acceptable {
  const ranges = new Map(header.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return [type, !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))]
  }))
  const takes = (type: string, family: string): boolean => ranges.get(type) ?? ranges.get(family) ?? ranges.get('*/*') ?? false
  return { json: takes('application/json', 'application/*'), eventStream: takes('text/event-stream', 'text/*') }
}
