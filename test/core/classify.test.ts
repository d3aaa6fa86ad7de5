import t from 'tap'
import * as sdk from '@modelcontextprotocol/server'
import { classifyNotification, classifyRequest, decodeHeaderValue, metaKeys, refuseBatch, type MessageHeaders } from '../../src/core/classify.ts'
import { rpc } from '../../src/core/errors.ts'
import { readMessage } from '../../src/core/json-rpc.ts'
import { isModern, isRevision, modernRevisions, negotiate, revisions } from '../../src/core/versions.ts'

const version = '2026-07-28'
const legacyRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
const claim = { [metaKeys.protocolVersion]: version, [metaKeys.clientCapabilities]: {} }
const good = { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
const call = { name: 'echo', arguments: {} }

/** In short: the era, or the code of the refusal. */
function verdict (method: string, params: object, headers: MessageHeaders | undefined): string | number {
  const message = readMessage({ jsonrpc: '2.0', id: 1, method, params })
  if (message.kind !== 'request') throw new Error(message.kind)
  const found = classifyRequest(message, headers)
  return found.era === 'refused' ? found.error.rpcCode : found.era
}

t.test('the body decides the era of a request, and headers are held against it', async (t) => {
  const rows: [what: string, method: string, params: object, headers: MessageHeaders | undefined, expected: string | number][] = [
    ['no claim, no header', 'tools/list', {}, {}, 'legacy'],
    ['no claim, legacy header', 'tools/list', {}, { 'mcp-protocol-version': '2025-06-18' }, 'legacy'],
    ['no claim, unknown header', 'tools/list', {}, { 'mcp-protocol-version': '1999-01-01' }, 'legacy'],
    ['_meta without a claim', 'tools/list', { _meta: { progressToken: 1 } }, {}, 'legacy'],
    ['_meta that is no object', 'tools/list', { _meta: 'x' }, {}, 'legacy'],
    ['_meta that is a list', 'tools/list', { _meta: [] }, {}, 'legacy'],
    ['modern headers alone do not make a legacy request modern', 'tools/call', call, good, rpc.invalidParams],
    ['initialize', 'initialize', { protocolVersion: '2025-11-25' }, {}, 'legacy'],
    ['initialize that asks for the modern revision', 'initialize', { protocolVersion: version }, {}, 'legacy'],
    ['initialize under a modern header', 'initialize', { protocolVersion: version }, { 'mcp-protocol-version': version }, rpc.headerMismatch],
    ['initialize in a whole envelope is a modern request', 'initialize', { _meta: claim }, { ...good, 'mcp-method': 'initialize' }, 'modern'],
    ['initialize with a legacy claim', 'initialize', { _meta: { [metaKeys.protocolVersion]: '2025-11-25' } }, {}, 'legacy'],
    ['a whole envelope', 'tools/call', { ...call, _meta: claim }, good, 'modern'],
    ['claim null', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: null } }, good, rpc.invalidParams],
    ['claim number', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: 20260728 } }, good, rpc.invalidParams],
    ['claim of nothing', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: '' } }, { ...good, 'mcp-protocol-version': '' }, rpc.unsupportedVersion],
    ['claim of a legacy revision', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: '2025-11-25' } }, { ...good, 'mcp-protocol-version': '2025-11-25' }, rpc.unsupportedVersion],
    ['claim of the future', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: '2099-01-01' } }, { ...good, 'mcp-protocol-version': '2099-01-01' }, rpc.unsupportedVersion],
    ['claim of garbage', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.protocolVersion]: 'v999' } }, { ...good, 'mcp-protocol-version': 'v999' }, rpc.unsupportedVersion],
    ['no capabilities', 'tools/call', { ...call, _meta: { [metaKeys.protocolVersion]: version } }, good, rpc.invalidParams],
    ['capabilities null', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.clientCapabilities]: null } }, good, rpc.invalidParams],
    ['capabilities as a list', 'tools/call', { ...call, _meta: { ...claim, [metaKeys.clientCapabilities]: [] } }, good, rpc.invalidParams],
    ['no version header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-protocol-version': undefined }, rpc.headerMismatch],
    ['another version header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-protocol-version': '2025-11-25' }, rpc.headerMismatch],
    ['two version headers', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-protocol-version': `${version}, ${version}` }, rpc.headerMismatch],
    ['no method header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-method': undefined }, rpc.headerMismatch],
    ['empty method header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-method': '' }, rpc.headerMismatch],
    ['another method header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-method': 'tools/list' }, rpc.headerMismatch],
    ['method header in capitals', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-method': 'Tools/Call' }, rpc.headerMismatch],
    ['no name header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-name': undefined }, rpc.headerMismatch],
    ['another name header', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-name': 'delete-all' }, rpc.headerMismatch],
    ['name header in capitals', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-name': 'Echo' }, rpc.headerMismatch],
    ['name header, empty', 'tools/call', { ...call, _meta: claim }, { ...good, 'mcp-name': '' }, rpc.headerMismatch],
    ['the name of a prompt', 'prompts/get', { name: 'p', _meta: claim }, { ...good, 'mcp-method': 'prompts/get', 'mcp-name': 'q' }, rpc.headerMismatch],
    ['the uri of a resource', 'resources/read', { uri: 'a:b', _meta: claim }, { ...good, 'mcp-method': 'resources/read', 'mcp-name': 'a:c' }, rpc.headerMismatch],
    ['the uri of a resource, in order', 'resources/read', { uri: 'a:b', _meta: claim }, { ...good, 'mcp-method': 'resources/read', 'mcp-name': 'a:b' }, 'modern'],
    ['a name header where none belongs', 'tools/list', { _meta: claim }, { ...good, 'mcp-method': 'tools/list', 'mcp-name': 'whatever' }, 'modern'],
    ['no name in the body and none in the headers', 'tools/call', { _meta: claim }, { ...good, 'mcp-name': undefined }, 'modern'],
    ['no headers at all, on a transport without them', 'tools/call', { ...call, _meta: claim }, undefined, 'modern'],
    ['legacy on a transport without headers', 'tools/call', call, undefined, 'legacy'],
    ['a method that Object.prototype has', 'constructor', { _meta: claim }, { ...good, 'mcp-method': 'constructor', 'mcp-name': undefined }, 'modern']
  ]
  for (const [what, method, params, headers, expected] of rows) t.equal(verdict(method, params, headers), expected, what)
})

t.test('a refused version is named, with those there are', async (t) => {
  const message = readMessage({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: { ...claim, [metaKeys.protocolVersion]: '2099-01-01' } } })
  if (message.kind !== 'request') throw new Error(message.kind)
  t.match(classifyRequest(message, undefined), { era: 'refused', error: { status: 400, data: { requested: '2099-01-01', supported: ['2026-07-28'] } } })
})

function nameVerdict (name: string, header: string): string | number {
  return verdict('tools/call', { name, _meta: claim }, { ...good, 'mcp-name': header })
}
const encoded = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

t.test('a name header may be base64, and is compared as what it means', async (t) => {
  for (const name of ['echo', 'grüße', '日本語', ' lead', '', 'a\nb', '=?base64?ZWNobw==?=']) t.equal(nameVerdict(name, encoded(name)), 'modern', JSON.stringify(name))
})

t.test('a name header whose base64 is broken, or that means another name, is refused', async (t) => {
  const rows: [string, string][] = [
    ['echo', '=?base64?ZWNobw=?='], // a character of padding is missing
    ['echo', '=?base64?ZWNobw?='],
    ['echo', '=?base64?ZWN obw==?='],
    ['echo', '=?base64?ZWNobw==\n?='],
    ['echo', '=?base64?ZWNob_==?='],
    ['echo', '=?base64?!!!!?='],
    ['echo', '=?base64?/w==?='], // no UTF-8
    ['echo', encoded('other')],
    ['echo', '=?BASE64?ZWNobw==?='],
    ['echo', '=?base64?ZWNobw=='],
    ['echo', `${encoded('echo')} `],
    ['echo', '=?utf-8?B?ZWNobw==?=']
  ]
  for (const [name, header] of rows) t.equal(nameVerdict(name, header), rpc.headerMismatch, header)
})

t.test('a value without the whole wrapper is literal', async (t) => {
  for (const name of ['=?base64?ZWNobw==', 'ZWNobw==?=', '=?BASE64?ZWNobw==?=']) t.equal(nameVerdict(name, name), 'modern', name)
})

t.test('what wears the wrapper is always decoded: an intermediary that routes by it must not be fooled', async (t) => {
  t.equal(nameVerdict('=?base64?ZWNobw==?=', '=?base64?ZWNobw==?='), rpc.headerMismatch)
})

t.test('characters that no header value may hold are refused, even where the body says the same', async (t) => {
  // Node reads header bytes as Latin-1.
  for (const name of ['caf\u00e9', 'a\u0080b', 'a\u007fb', 'a\u0001b']) t.equal(nameVerdict(name, name), rpc.headerMismatch, JSON.stringify(name))
})

t.test('a wrapper as long as a header can be is read in an instant', async (t) => {
  const long = `=?base64?${'QUJD'.repeat(4_000)}!?=`
  const start = performance.now()
  t.equal(decodeHeaderValue(long), undefined)
  t.ok(performance.now() - start < 1_000)
})

t.test('a notification follows its claim, else its header', async (t) => {
  const rows: [what: string, params: object, headers: MessageHeaders | undefined, expected: string | number][] = [
    ['nothing said', {}, {}, 'legacy'],
    ['nothing said, no headers', {}, undefined, 'legacy'],
    ['modern header', {}, { 'mcp-protocol-version': version }, 'modern'],
    ['legacy header', {}, { 'mcp-protocol-version': '2025-11-25' }, 'legacy'],
    ['future header', {}, { 'mcp-protocol-version': '2099-01-01' }, rpc.unsupportedVersion],
    ['modern claim', { _meta: claim }, {}, 'modern'],
    ['legacy claim', { _meta: { [metaKeys.protocolVersion]: '2025-11-25' } }, {}, 'legacy'],
    ['claim that is no text', { _meta: { [metaKeys.protocolVersion]: 5 } }, { 'mcp-protocol-version': version }, 'modern']
  ]
  for (const [what, params, headers, expected] of rows) {
    const message = readMessage({ jsonrpc: '2.0', method: 'notifications/x', params })
    if (message.kind !== 'notification') throw new Error(message.kind)
    const found = classifyNotification(message, headers)
    t.equal(found.era === 'refused' ? found.error.rpcCode : found.era, expected, what)
  }
})

t.test('a batch is refused when it is empty or holds anything modern', async (t) => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  t.match(refuseBatch([]), { rpcCode: -32600, status: 400 })
  t.match(refuseBatch([ping, { ...ping, params: { _meta: claim } }]), { rpcCode: -32600 })
  t.match(refuseBatch([{ ...ping, params: { _meta: { [metaKeys.protocolVersion]: null } } }]), { rpcCode: -32600 })
  t.equal(refuseBatch([ping, null, 5, [], 'x', { params: 5 }, { params: { _meta: 5 } }]), undefined)
})

t.test('initialize agrees on what was asked for, or on the latest that has sessions', async (t) => {
  const rows: [unknown, string][] = [
    ...legacyRevisions.map((revision): [string, string] => [revision, revision]),
    ['2026-07-28', '2025-11-25'], ['2099-01-01', '2025-11-25'], ['2024-10-07', '2025-11-25'], ['', '2025-11-25'], [undefined, '2025-11-25'],
    [null, '2025-11-25'], [5, '2025-11-25'], [['2025-03-26'], '2025-11-25'], ['constructor', '2025-11-25']
  ]
  for (const [asked, expected] of rows) t.equal(negotiate(asked), expected, JSON.stringify(asked))
})

t.test('the two eras are all revisions, and share none', async (t) => {
  t.strictSame([...legacyRevisions, ...modernRevisions].sort(), [...revisions].sort())
  t.ok(modernRevisions.every(isModern))
  t.notOk(legacyRevisions.some(isModern))
  t.notOk(isRevision('2025-01-01'))
})

t.test('names and numbers are those of the official SDK', async (t) => {
  t.strictSame(metaKeys, {
    protocolVersion: sdk.PROTOCOL_VERSION_META_KEY,
    clientCapabilities: sdk.CLIENT_CAPABILITIES_META_KEY,
    clientInfo: sdk.CLIENT_INFO_META_KEY,
    serverInfo: sdk.SERVER_INFO_META_KEY,
    subscriptionId: sdk.SUBSCRIPTION_ID_META_KEY,
    logLevel: sdk.LOG_LEVEL_META_KEY
  })
  t.strictSame(
    [rpc.parse, rpc.invalidRequest, rpc.methodNotFound, rpc.invalidParams, rpc.internal],
    [sdk.PARSE_ERROR, sdk.INVALID_REQUEST, sdk.METHOD_NOT_FOUND, sdk.INVALID_PARAMS, sdk.INTERNAL_ERROR]
  )
  t.strictSame(
    [rpc.missingCapability, rpc.unsupportedVersion, rpc.resourceNotFound],
    [sdk.ProtocolErrorCode.MissingRequiredClientCapability, sdk.ProtocolErrorCode.UnsupportedProtocolVersion, sdk.ProtocolErrorCode.ResourceNotFound]
  )
  t.strictSame(new Set(legacyRevisions), new Set(sdk.SUPPORTED_PROTOCOL_VERSIONS.filter((known) => isRevision(known) && !isModern(known))))
})

/** What the official classifier makes of the same request, in the same short words. */
function sdkVerdict (method: string, params: object | undefined, headers: MessageHeaders): string | number {
  const found = sdk.classifyInboundRequest({
    httpMethod: 'POST',
    body: { jsonrpc: '2.0', id: 1, method, ...(params !== undefined && { params }) },
    ...(headers['mcp-protocol-version'] !== undefined && { protocolVersionHeader: headers['mcp-protocol-version'] }),
    ...(headers['mcp-method'] !== undefined && { mcpMethodHeader: headers['mcp-method'] }),
    ...(headers['mcp-name'] !== undefined && { mcpNameHeader: headers['mcp-name'] })
  })
  return found.kind === 'reject' ? found.code : found.kind
}

t.test('requests are classified as the official SDK does, but for the deviations listed here', async (t) => {
  const versions: unknown[] = [undefined, null, 5, '', version, '2025-11-25', '2099-01-01', 'v999']
  const capabilities: unknown[] = [undefined, null, [], {}, { sampling: {} }]
  const versionHeaders = [undefined, version, '2025-11-25', '2099-01-01', 'garbage']
  const deviations = new Map<string, number>()
  let cases = 0

  for (const method of ['initialize', 'tools/list', 'server/discover']) {
    for (const claimed of versions) {
      for (const declared of capabilities) {
        for (const header of versionHeaders) {
          for (const methodHeader of [undefined, method, 'other']) {
            const meta = { ...(claimed !== undefined && { [metaKeys.protocolVersion]: claimed }), ...(declared !== undefined && { [metaKeys.clientCapabilities]: declared }) }
            const headers: MessageHeaders = { 'mcp-protocol-version': header, 'mcp-method': methodHeader }
            const params = { _meta: meta }
            const ours = verdict(method, params, headers)
            const theirs = sdkVerdict(method, params, headers)
            cases++
            if (ours === theirs) continue
            const reason = deviation({ method, claimed, declared, header, methodHeader, ours, theirs })
            if (reason === undefined) t.fail(`unlisted: ${JSON.stringify({ method, meta, headers })}`, { ours, theirs })
            else deviations.set(reason, (deviations.get(reason) ?? 0) + 1)
          }
        }
      }
    }
  }
  t.equal(cases, 3 * 8 * 5 * 5 * 3)
  t.strictSame([...deviations.keys()].sort(), [...reasons].sort(), 'each listed deviation still happens')
})

interface Case { method: string, claimed: unknown, declared: unknown, header: string | undefined, methodHeader: string | undefined, ours: string | number, theirs: string | number }

const reasons = [
  'the classifier of the SDK leaves absent headers to a later step; ours is the only step',
  'the SDK leaves the revision to a later step, which answers -32022 as we do at once',
  'where a request is wrong twice we name the header first, the SDK the envelope; both answer 400',
  'an initialize whose envelope is not whole: we judge the envelope that it claims, the SDK takes it for a handshake',
  'a header of no known revision without an envelope is refused in a session (400, -32600), in the SDK as a faulty modern request'
] as const

function deviation ({ method, claimed, declared, header, methodHeader, ours, theirs }: Case): typeof reasons[number] | undefined {
  const whole = typeof claimed === 'string' && typeof declared === 'object' && declared !== null && !Array.isArray(declared)
  const modernClaim = typeof claimed === 'string' && isModern(claimed)
  if (method === 'initialize' && modernClaim && !whole) return reasons[3]
  if (theirs === 'modern' && ours === rpc.headerMismatch && (header === undefined || methodHeader === undefined)) return reasons[0]
  if (theirs === 'modern' && ours === rpc.unsupportedVersion) return reasons[1]
  if (ours === 'legacy' && header !== undefined && isModern(header) && !isRevision(header)) return reasons[4]
  const bothRefuse = typeof ours === 'number' && typeof theirs === 'number'
  if (bothRefuse && claimed !== undefined) return ours === rpc.unsupportedVersion ? reasons[1] : reasons[2]
  return undefined
}
