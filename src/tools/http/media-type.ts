const textTypes = new Set([
  'application/xml', 'application/javascript', 'application/ecmascript', 'application/yaml', 'application/x-yaml', 'application/toml',
  'application/x-ndjson', 'application/jsonl', 'application/graphql', 'application/sql', 'application/x-www-form-urlencoded'
])

/** The media type of a content-type header, without parameters, in lower case. */
export function mediaType (contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** What stands before the slash of a media type. */
export function mediaFamily (type: string): string {
  return type.split('/', 1)[0] ?? ''
}

export function isJsonType (type: string): boolean {
  return type === 'application/json' || type.endsWith('+json')
}

export function isTextType (type: string): boolean {
  return mediaFamily(type) === 'text' || textTypes.has(type) || type.endsWith('+xml') || type.endsWith('+yaml')
}
