import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { countConnections } from './connections.ts'
import type { Teardown } from './server.ts'

/** A server that speaks AWS JSON 1.1 as Secrets Manager does, and checks the signature (version 4) of each request. */
export interface AwsSecretsServer {
  readonly endpoint: string
  /** The names of the secrets that were asked for. */
  readonly asked: readonly string[]
  /** The region of each request, from its signature. */
  readonly regions: readonly string[]
  /** What a client needs to be let in. */
  readonly env: Record<string, string>
  /** Takes requests and never answers them. */
  silent: boolean
  /** How many connections there are. */
  connections (): number
  /** Errors that the next requests get, before all else. */
  readonly next: { status: number, type: string }[]
}

export interface AwsSecretsServerOptions {
  secrets?: Record<string, string | Buffer>
  /** The error of each of these. */
  errors?: Record<string, string>
  sessionToken?: string
}

const keys = { id: 'AKIDTEST0000000000', secret: 'aws-test-secret-access-key' }

export async function startAwsSecrets (t: Teardown, { secrets = {}, errors = {}, sessionToken }: AwsSecretsServerOptions = {}): Promise<AwsSecretsServer> {
  const asked: string[] = []
  const regions: string[] = []
  const aws = { asked, regions, silent: false, next: [] as AwsSecretsServer['next'] }

  async function answer (request: IncomingMessage): Promise<{ status: number, body: object }> {
    const body = await text(request)
    const { SecretId: id } = JSON.parse(body) as { SecretId: string }
    asked.push(id)
    regions.push(credentialOf(request).region)
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue' || request.headers['content-type'] !== 'application/x-amz-json-1.1') return refusal('UnknownOperationException')
    const forced = aws.next.shift()
    if (forced !== undefined) return { status: forced.status, body: { __type: forced.type, message: 'as the test wants it' } }
    if (credentialOf(request).keyId !== keys.id || request.headers['x-amz-security-token'] !== sessionToken) return refusal('UnrecognizedClientException')
    if (signatureOf(request, body) !== credentialOf(request).signature) return refusal('InvalidSignatureException')
    if (errors[id] !== undefined) return refusal(errors[id])
    const kept = secrets[id]
    if (kept === undefined) return refusal('ResourceNotFoundException')
    const content = typeof kept === 'string' ? { SecretString: kept } : { SecretBinary: kept.toString('base64') }
    return { status: 200, body: { ARN: `arn:aws:secretsmanager:us-east-1:1:secret:${id}-AbCdEf`, Name: id, VersionId: 'v', VersionStages: ['AWSCURRENT'], CreatedDate: 1.7e9, ...content } }
  }

  const server = createServer((request, response) => {
    if (aws.silent) return
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r' }).end(JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'eu-test-1', AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret }
  const connections = countConnections(server)
  return Object.assign(aws, { connections, endpoint, env: sessionToken === undefined ? env : { ...env, AWS_SESSION_TOKEN: sessionToken } })
}

function refusal (type: string): { status: number, body: object } {
  return { status: 400, body: { __type: type, Message: `The words of ${type}.` } }
}

interface Credential { keyId: string, date: string, region: string, signedHeaders: string, signature: string }

function credentialOf ({ headers: { authorization = '' } }: IncomingMessage): Credential {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/secretsmanager\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(authorization)
  const [, keyId = '', date = '', region = '', signedHeaders = '', signature = ''] = parts ?? []
  return { keyId, date, region, signedHeaders, signature }
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf (request: IncomingMessage, body: string): string {
  const { date, region, signedHeaders } = credentialOf(request)
  const headers = signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('')
  const canonical = [request.method, request.url, '', headers, signedHeaders, sha256(body)].join('\n')
  const scope = `${date}/${region}/secretsmanager/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', String(request.headers['x-amz-date']), scope, sha256(canonical)].join('\n')
  const key = [date, region, 'secretsmanager', 'aws4_request'].reduce<Buffer | string>((last, part) => createHmac('sha256', last).update(part).digest(), `AWS4${keys.secret}`)
  return createHmac('sha256', key).update(toSign).digest('hex')
}

function sha256 (value: string): string {
  return createHash('sha256').update(value).digest('hex')
}
