import { text } from 'node:stream/consumers'
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import t from 'tap'
import { Issuer } from '../helpers/issuer.ts'
import { freePort, start, type Server } from '../helpers/server.ts'

/** A user with a client: is sent to the issuer, and agrees to all that the client asks for. */
class Consent {
  readonly redirectUrl = 'http://127.0.0.1:9/callback'
  readonly clientMetadata = { client_name: 'test', redirect_uris: [this.redirectUrl] }
  /** Where the client sent its user. */
  readonly visits: URL[] = []
  #tokens: { access_token: string, token_type: string } | undefined
  #verifier = ''

  get last (): URL {
    const url = this.visits.at(-1)
    if (url === undefined) throw new Error('The client has sent nobody to the issuer.')
    return url
  }

  clientInformation () { return { client_id: 'app', redirect_uris: [this.redirectUrl] } }
  tokens () { return this.#tokens }
  saveTokens (tokens: { access_token: string, token_type: string }) { this.#tokens = tokens }
  redirectToAuthorization (url: URL) { this.visits.push(url) }
  saveCodeVerifier (verifier: string) { this.#verifier = verifier }
  codeVerifier () { return this.#verifier }
}

/** Lets the issuer give tokens for what the user was last asked, for the resource that the client names. */
function giveTokens (issuer: Issuer, consent: Consent): void {
  issuer.handle('/token', (request, response) => {
    const answer = async (): Promise<void> => {
      const form = new URLSearchParams(await text(request))
      const token = await issuer.token({ claims: { aud: form.get('resource') ?? 'nothing', scope: consent.last.searchParams.get('scope') ?? '' } })
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3_600 }))
    }
    answer().catch((error: unknown) => { response.destroy(error as Error) })
  })
}

async function serve (t: Parameters<typeof start>[0], issuer: Issuer): Promise<Server> {
  const port = await freePort()
  return await start(t, {
    env: { PORT: String(port) },
    config: {
      tools: ['open', 'closed'].map((name) => ({ name, inputSchema: { type: 'object' }, handler: { type: 'inline', code: `() => 'this is ${name}'` } })),
      security: {
        authentication: {
          oauth: {
            resource: `http://127.0.0.1:${port}/mcp`,
            issuers: [{ issuer: issuer.url }],
            scopes: { basic: ['tools:list', 'tools:call:open'], more: ['tools:call:closed'] },
            requiredScopes: ['basic'],
            stepUp: true
          }
        }
      }
    }
  })
}

/** What the two clients have in common. */
interface Visitor {
  connect (): Promise<void>
  call (name: string): Promise<unknown>
  list (): Promise<unknown>
  /** Comes back from the issuer. */
  return (): Promise<void>
  close (): Promise<void>
}

const info = { name: 'test', version: '1' }
const clients: Readonly<Record<string, (url: URL, consent: Consent) => Visitor>> = {
  'version 1 of the official SDK' (url, consent) {
    const [client, transport] = [new OldClient(info), new OldTransport(url, { authProvider: consent })]
    return {
      connect: async () => { await client.connect(transport as Transport) },
      call: async (name) => await client.callTool({ name, arguments: {} }),
      list: async () => await client.listTools(),
      return: async () => { await transport.finishAuth('code') },
      close: async () => { await client.close() }
    }
  },
  'version 2 of the official SDK' (url, consent) {
    const [client, transport] = [new NewClient(info), new NewTransport(url, { authProvider: consent })]
    return {
      connect: async () => { await client.connect(transport) },
      call: async (name) => await client.callTool({ name, arguments: {} }),
      list: async () => await client.listTools(),
      return: async () => { await transport.finishAuth('code') },
      close: async () => { await client.close() }
    }
  }
}

for (const [name, visitor] of Object.entries(clients)) {
  t.test(`a client of ${name} finds the issuer from the first refusal, gets in with a token, and asks for more when it needs it`, async (t) => {
    const issuer = await Issuer.start(t)
    const consent = new Consent()
    giveTokens(issuer, consent)
    const server = await serve(t, issuer)
    const url = new URL(server.url)

    const stranger = visitor(url, consent)
    await t.rejects(stranger.connect(), { message: /Unauthorized/ })
    t.equal(consent.last.origin, issuer.url)
    t.equal(consent.last.searchParams.get('resource'), server.url)
    t.equal(consent.last.searchParams.get('scope'), 'basic')
    await stranger.return()

    const guest = visitor(url, consent)
    t.teardown(async () => { await guest.close() })
    await guest.connect()
    t.match(await guest.list(), { tools: [{ name: 'open' }] })
    t.match(await guest.call('open'), { content: [{ text: 'this is open' }] })

    await t.rejects(guest.call('closed'), { message: /Unauthorized/ })
    t.strictSame(new Set(consent.last.searchParams.get('scope')?.split(' ')), new Set(['basic', 'more']))
    await guest.return()
    t.match(await guest.call('closed'), { content: [{ text: 'this is closed' }] })
    t.equal(consent.visits.length, 2)
  })
}
