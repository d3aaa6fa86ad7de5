/** Bytes; no issuer has that much to say. */
const maxBytes = 512 * 1024

/** Fetches a JSON document of an issuer. Rejects with an Error whose message says in a few words what is wrong. */
export async function fetchDocument (url: string, signal: AbortSignal): Promise<unknown> {
  const response = await request(url, signal)
  if (response.status !== 200) {
    await response.body?.cancel()
    const redirects = response.status >= 300 && response.status < 400
    throw new Error(redirects ? 'it redirects, which is not followed' : `it answers with status ${response.status}`)
  }
  const text = await readText(response, signal)
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('what it sends is not JSON')
  }
}

async function request (url: string, signal: AbortSignal): Promise<Response> {
  try {
    // A redirect would lead to where nobody has agreed to.
    return await fetch(url, { redirect: 'manual', headers: { accept: 'application/json' }, signal })
  } catch (error) {
    throw failure(error, signal)
  }
}

/** What is compressed counts as it is when it is not. */
async function readText (response: Response, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.byteLength
      if (bytes > maxBytes) break
      text += decoder.decode(part, { stream: true })
    }
  } catch (error) {
    throw failure(error, signal)
  }
  if (bytes > maxBytes) throw new Error(`it sends more than ${maxBytes} bytes`)
  return text + decoder.decode()
}

function failure (error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error
  const { cause, message } = error as { cause?: { code?: unknown, message?: unknown }, message?: unknown }
  return new Error(`it cannot be reached (${String(cause?.code ?? cause?.message ?? message)})`, { cause: error })
}
