/** A JSON-RPC message as it comes over the wire. */
export interface Message { id?: unknown, method?: string, params?: Record<string, unknown>, result?: unknown, error?: { code: number, message: string, data?: unknown } }

/** The messages of an answer, as they come: those of an event stream, or the one of a JSON document. */
export async function * messagesOf (response: Response): AsyncGenerator<Message> {
  if (mediaType(response) !== 'text/event-stream') {
    const text = await response.text()
    if (text !== '') yield JSON.parse(text) as Message
    return
  }
  for await (const event of eventsOf(response)) if (event.data !== '') yield JSON.parse(event.data) as Message
}

export interface ServerEvent { comment: string, data: string }

/** The events of a text/event-stream, comments included (HTML Standard, server-sent events). */
export async function * eventsOf (response: Response): AsyncGenerator<ServerEvent> {
  let rest = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = block.split('\n')
      const values = (field: string): string => lines.filter((line) => line.startsWith(field)).map((line) => line.slice(field.length).trim()).join('\n')
      yield { comment: values(':'), data: values('data:') }
    }
  }
}

export function mediaType (response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
