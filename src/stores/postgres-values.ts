/** Values between JavaScript and the text format of PostgreSQL. */

export type Encoded = string | Buffer | null
/** Reads the text of one value. */
export type Decode = (text: string) => unknown

/** A value to bind: what JSON has, and the dates, bytes and big integers of handlers. An array becomes a PostgreSQL array, an object JSON. */
export function encodeValue (value: unknown): Encoded {
  switch (typeof value) {
    case 'string': return value
    case 'number':
    case 'bigint':
    case 'boolean': return String(value)
    case 'object': return value === null ? null : encodeObject(value)
    case 'undefined': return null
    default: throw new TypeError(`A ${typeof value} cannot be bound to a statement.`)
  }
}

function encodeObject (value: object): Encoded {
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof Date) return value.toISOString()
  return Array.isArray(value) ? encodeArray(value) : JSON.stringify(value)
}

/** PostgreSQL, Array Input and Output Syntax. */
function encodeArray (items: readonly unknown[]): string {
  return `{${items.map((item) => {
    if (Array.isArray(item)) return encodeArray(item)
    const encoded = encodeValue(item)
    if (encoded === null) return 'NULL'
    const text = typeof encoded === 'string' ? encoded : `\\x${encoded.toString('hex')}`
    return `"${text.replace(/["\\]/g, '\\$&')}"`
  }).join(',')}}`
}

const timestamp = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:([+-]\d\d)(:\d\d)?)?$/

const asText: Decode = (text) => text
const decodeBoolean: Decode = (text) => text === 't'
const decodeInteger: Decode = (text) => Number(text)
/** JSON has no number for NaN and the infinities. */
const decodeFloat: Decode = (text) => {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}
/** A text where a number would be another one. */
const decodeBigInteger: Decode = (text) => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}
/** RFC 3339, with all digits that the database gave. What has no such form (infinity, years before Christ) stays as it is. */
const decodeTimestamp: Decode = (text) => text.replace(timestamp, (_whole, date: string, time: string, hours = '', minutes = hours === '' ? '' : ':00') => {
  const zone = hours + minutes
  return `${date}T${time}${zone === '+00:00' ? 'Z' : zone}`
})
const decodeBytes: Decode = (text) => text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex').toString('base64') : text
const decodeJson: Decode = (text) => JSON.parse(text)

/** By the number of the type in pg_type, with that of its array. What is not here (numeric, uuid, enums, …) is the text that PostgreSQL writes. */
const types: readonly (readonly [type: number, array: number, decode: Decode])[] = [
  [16, 1000, decodeBoolean],
  [17, 1001, decodeBytes],
  [20, 1016, decodeBigInteger],
  [21, 1005, decodeInteger],
  [23, 1007, decodeInteger],
  [26, 1028, decodeInteger],
  [700, 1021, decodeFloat],
  [701, 1022, decodeFloat],
  [114, 199, decodeJson],
  [3802, 3807, decodeJson],
  [1114, 1115, decodeTimestamp],
  [1184, 1185, decodeTimestamp],
  // char, name, text, bpchar, varchar, date, time, timetz, interval, numeric, uuid
  [18, 1002, asText], [19, 1003, asText], [25, 1009, asText], [1042, 1014, asText], [1043, 1015, asText], [1082, 1182, asText],
  [1083, 1183, asText], [1266, 1270, asText], [1186, 1187, asText], [1700, 1231, asText], [2950, 2951, asText]
]

const decoders: ReadonlyMap<number, Decode> = new Map(types.flatMap(([type, array, decode]) => [
  [type, decode] as const,
  [array, (text: string) => decodeArray(text, decode)] as const
]))

/** The number of `bytea`. */
export const bytesType = 17

export function decoderOf (type: number): Decode {
  return decoders.get(type) ?? asText
}

/** Reads the text of an array, of any depth. */
function decodeArray (text: string, decode: Decode): unknown {
  // Bounds that do not begin at 1 stand in front: [0:1]={…}
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0

  function readItem (): unknown {
    if (text[at] === '{') return readItems()
    if (text[at] === '"') return decode(readQuoted())
    const start = at
    while (text[at] !== ',' && text[at] !== '}' && at < text.length) at++
    const item = text.slice(start, at)
    return item === 'NULL' ? null : decode(item)
  }

  function readItems (): unknown[] {
    const items: unknown[] = []
    at++
    while (text[at] !== '}' && at < text.length) {
      items.push(readItem())
      if (text[at] === ',') at++
    }
    at++
    return items
  }

  function readQuoted (): string {
    let item = ''
    for (at++; text[at] !== '"' && at < text.length; at++) {
      if (text[at] === '\\') at++
      item += text[at]
    }
    at++
    return item
  }

  return readItem()
}
