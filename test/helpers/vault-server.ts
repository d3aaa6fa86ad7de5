import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { countConnections } from './connections.ts'
import type { Teardown } from './server.ts'

type Fields = Record<string, unknown>
type Kept = Fields | 'deleted' | 'destroyed'

export interface VaultRequest { method: string, path: string, token: string | undefined, namespace: string | undefined }

/** A server that speaks the part of Vault's HTTP API that reading secrets needs, on a free port of the loopback. */
export interface VaultServer {
  /** `http://127.0.0.1:<port>` */
  readonly address: string
  readonly port: number
  readonly requests: readonly VaultRequest[]
  /** The requests that read a secret. */
  reads (): readonly VaultRequest[]
  sealed: boolean
  /** Takes requests and never answers them. */
  silent: boolean
  /** How many connections there are. */
  connections (): number
  /** Answers to the next requests, before all else. */
  readonly next: { status: number, body?: object | string, headers?: Record<string, string> }[]
}

export interface VaultServerOptions {
  token?: string
  namespace?: string
  role?: { roleId: string, secretId: string }
  /** By mount and path. */
  secrets?: Record<string, Kept>
  /** Secrets that the token may not read. */
  forbidden?: readonly string[]
  /** The version of the KV store at each mount. */
  mounts?: Record<string, '1' | '2'>
  /** Whether the mount of a path is told. */
  tellsMounts?: boolean
  tls?: { key: string, cert: string }
}

export async function startVault (t: Teardown, options: VaultServerOptions = {}): Promise<VaultServer> {
  const requests: VaultRequest[] = []
  const vault = { requests, sealed: false, silent: false, next: [] as VaultServer['next'], reads: () => requests.filter(({ path }) => path.includes('/data/')) }

  const listener: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://vault')
    requests.push({ method: request.method ?? '', path: pathname, token: header(request, 'x-vault-token'), namespace: header(request, 'x-vault-namespace') })
    if (vault.silent) return
    const answered = vault.next.shift() ?? (vault.sealed ? { status: 503, body: { errors: ['Vault is sealed'] } } : undefined)
    void Promise.resolve(answered ?? answerTo(request, pathname, options)).then(({ status, body = {}, headers = {} }: VaultServer['next'][number]) => {
      response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  const { port } = server.address() as AddressInfo
  const connections = countConnections(server)
  return Object.assign(vault, { connections, port, address: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` })
}

async function answerTo (request: IncomingMessage, pathname: string, options: VaultServerOptions): Promise<{ status: number, body: object }> {
  const { token = 'test-token', namespace, role } = options
  const path = pathname.replace('/v1/', '').split('/').map(decodeURIComponent).join('/')
  if (header(request, 'x-vault-namespace') !== namespace) return { status: 404, body: { errors: [`no handler for route "${path}". route entry not found.`] } }
  if (path === 'auth/approle/login') {
    const login = JSON.parse(await text(request)) as { role_id?: string, secret_id?: string }
    return role !== undefined && login.role_id === role.roleId && login.secret_id === role.secretId
      ? { status: 200, body: { request_id: 'r', auth: { client_token: token, accessor: 'a', policies: ['default'], lease_duration: 60, renewable: true } } }
      : { status: 400, body: { errors: ['invalid role or secret ID'] } }
  }
  if (header(request, 'x-vault-token') !== token) return { status: 403, body: { errors: ['permission denied'] } }
  return path.startsWith('sys/internal/ui/mounts/') ? tellMount(path.replace('sys/internal/ui/mounts/', ''), options) : readSecret(path, options)
}

function tellMount (path: string, { mounts = { secret: '2' }, tellsMounts = true }: VaultServerOptions): { status: number, body: object } {
  const mount = mountOf(`${path}/`, mounts)
  if (mount === undefined || !tellsMounts) return { status: 403, body: { errors: [`preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`] } }
  return { status: 200, body: { request_id: 'r', data: { path: `${mount}/`, type: 'kv', options: { version: mounts[mount] }, uuid: 'u' } } }
}

function readSecret (path: string, { secrets = {}, forbidden = [], mounts = { secret: '2' } }: VaultServerOptions): { status: number, body: object } {
  const mount = mountOf(path, mounts)
  if (mount === undefined) return { status: 404, body: { errors: [`no handler for route "${path}". route entry not found.`] } }
  const id = `${mount}/${path.slice(mount.length + '/data/'.length)}`
  if (forbidden.includes(id)) return { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } }
  const kept = secrets[id]
  if (kept === undefined) return { status: 404, body: { errors: [] } }
  const metadata = { created_time: '2026-01-01T00:00:00Z', custom_metadata: null, deletion_time: kept === 'deleted' ? '2026-01-02T00:00:00Z' : '', destroyed: kept === 'destroyed', version: 1 }
  const isGone = kept === 'deleted' || kept === 'destroyed'
  return { status: isGone ? 404 : 200, body: { request_id: 'r', lease_id: '', renewable: false, lease_duration: 0, data: { data: isGone ? null : kept, metadata }, wrap_info: null, warnings: null, auth: null } }
}

function mountOf (path: string, mounts: Record<string, string>): string | undefined {
  return Object.keys(mounts).find((mount) => path.startsWith(`${mount}/`))
}

function header (request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}
