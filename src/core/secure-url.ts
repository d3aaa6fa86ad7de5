import { isLoopback } from './origin.ts'

/** Whether what is fetched or sent at a URL can be neither read nor changed on its way: https, or http that stays on this machine. */
export function isSecureUrl (text: string): boolean {
  const url = readUrl(text)
  return url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
}

/** An absolute URL without credentials in it. */
export function readUrl (text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.username === '' && url.password === '' ? url : undefined
}
